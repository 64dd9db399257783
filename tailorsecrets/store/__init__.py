"""One store made uniform: what users call, what deploying needs, and the layers around a driver."""
