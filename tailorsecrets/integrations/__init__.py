"""Secrets in the configuration of other libraries."""
