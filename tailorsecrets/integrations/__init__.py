"""Secrets in other libraries' own configuration."""
