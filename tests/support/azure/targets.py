"""Targets of Azure URLs."""

from collections.abc import Mapping

from tailorsecrets.driver import Target


def of(host: str, environ: Mapping[str, str] | None = None, /, **options: str) -> Target:
    """Return the target of azure://*host*."""
    return Target(url=f"azure://{host}", scheme="azure", host=host, options=options, environ=environ or {}, timeout=2.0)
