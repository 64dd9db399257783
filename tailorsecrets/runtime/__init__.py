"""Reading at run time: the manager, its cache, and the connection below it."""
