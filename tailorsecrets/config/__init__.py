"""The config file: its definitions, finding and running it, and the types generated from it."""
