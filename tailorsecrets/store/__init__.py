"""One interface over every store: for users, for deploying, and the layers around a driver."""
