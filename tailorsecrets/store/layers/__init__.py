"""Drivers around drivers: a rate within the store's quota, and safe repeats."""

from tailorsecrets.store.layers.layer import Call, Layer
from tailorsecrets.store.layers.quota import Quota
from tailorsecrets.store.layers.retry import Retry
from tailorsecrets.store.layers.stacking import stack

__all__ = ["Call", "Layer", "Quota", "Retry", "stack"]
