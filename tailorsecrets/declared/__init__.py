"""The declarations of a config: names and sources, before any source is read."""
