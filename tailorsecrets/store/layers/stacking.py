"""The layers that a driver's capabilities call for, in the order that serves."""

from tailorsecrets.driver import Driver
from tailorsecrets.store.layers.quota import Quota
from tailorsecrets.store.layers.retry import Retry


def stack(driver: Driver, *, timeout: float = 15.0) -> Driver:
    """Put around *driver* the layers that its capabilities call for; *timeout* is the seconds that a read may take.

    Repeats go around the quota, so that each repeat waits its turn.
    """
    paced = Quota(driver, timeout=timeout) if driver.caps.per_s else driver
    return paced if driver.caps.retries else Retry(paced, timeout=timeout)
