"""Which store and workspace: URLs, profiles, plugins, and opening a store."""
