"""Drivers around drivers: a rate within the store's quota, and repeats of what is safe to repeat."""

from tailorsecrets.layers.layer import Call, Layer
from tailorsecrets.layers.quota import Quota
from tailorsecrets.layers.retry import Retry
from tailorsecrets.layers.stacking import stack

__all__ = ["Call", "Layer", "Quota", "Retry", "stack"]
