"""The embedded store: one encrypted file."""
