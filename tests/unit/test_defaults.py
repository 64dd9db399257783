"""The numbers that documentation promises where a program sets none."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from tailorsecrets.app import webhook
from tailorsecrets.driver import WRITE_FACTOR, Budget, Caps, Target
from tailorsecrets.runtime import cache, freshness
from tailorsecrets.runtime.breaker import LONGEST_PAUSE
from tailorsecrets.runtime.manager import SecretManager
from tailorsecrets.runtime.threads import HOOK_THREADS, LIMIT
from tailorsecrets.store.layers import Quota, Retry, stack
from tailorsecrets.store.parallel import AT_ONCE
from tailorsecrets.targets.cache_settings import DEFAULTS


def default(function: Callable[..., Any], name: str) -> Any:
    """Return the default of the parameter *name*."""
    return inspect.signature(function).parameters[name].default


def test_the_cache() -> None:
    """The table of docs/run-time.md."""
    ages = (DEFAULTS.ttl, DEFAULTS.grace, DEFAULTS.max_stale, DEFAULTS.negative)
    assert ages == (300, 300, 3600, 5)
    assert (DEFAULTS.timeout, DEFAULTS.size) == (15, 10_000)
    assert (freshness.JITTER, LONGEST_PAUSE, cache.LONGEST_QUEUE) == (0.1, 60, 10_000)
    assert (LIMIT, HOOK_THREADS._limit, AT_ONCE) == (8, 1, 8)


@pytest.mark.parametrize("method", [SecretManager.recent, SecretManager.arecent])
def test_recent(method: Callable[..., Any]) -> None:
    """The current value and the one before it, of any age that the cache allows."""
    assert (default(method, "n"), default(method, "max_age")) == (2, None)


def test_time_outs() -> None:
    """A read has 15 seconds, a write four times that, and repeats begin after 0.1 s and end at 5 s apart."""
    assert Target(url="", scheme="").timeout == 15
    assert [default(layer, "timeout") for layer in (Quota, Retry, stack)] == [15] * 3
    assert (WRITE_FACTOR, Budget.FIRST_PAUSE, Budget.LONGEST_PAUSE, Budget.SHORTEST) == (4, 0.1, 5, 0.05)


def test_sizes() -> None:
    """A plugin that declares none has values of 64 KB and names of 512 characters."""
    assert (Caps().max_bytes, Caps().max_name, Caps().batch, Caps().joiner) == (65_536, 512, 1, "/")


def test_webhooks() -> None:
    """The table of docs/webhooks.md."""
    hook = webhook(url="https://example.com")
    assert (hook.timeout, hook.retries, hook.backoff, hook.allow_http) == (10, 3, 0.5, False)
