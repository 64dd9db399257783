"""One vault and secret interface over the secret stores that people already run."""

__version__ = "0.1.0"
