"""What a config declares, before anything is read."""
