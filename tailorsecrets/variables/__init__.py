"""Secrets as environment variables, files and templates, and back: run, export, import, inject."""
