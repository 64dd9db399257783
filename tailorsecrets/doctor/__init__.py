"""What is wrong with a store: plugin, login, reach, rights and clock of each target, tried without harm."""
