"""Whom a token belongs to. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tailorsecrets.driver import Identity


def identity_in(data: Mapping[str, Any], now: datetime, *, given: bool) -> Identity:
    """Return the owner in *data*, the server's answer about a token that is used at *now*.

    When a token that was *given* ends, somebody has to sign in again; another token is replaced by the login.
    """
    policies = ", ".join(sorted({*(data.get("policies") or []), *(data.get("identity_policies") or [])}))
    name = str(data.get("display_name") or data.get("path") or "a token")
    seconds = data.get("ttl") or 0
    until = (now + timedelta(seconds=seconds)).astimezone(UTC).replace(microsecond=0) if seconds else None
    return Identity(f"{name} (policies: {policies})" if policies else name, until, renews=not given)
