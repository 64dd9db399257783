"""Whom credentials of google.auth belong to. Pure."""

from datetime import UTC
from typing import Any

from google.auth.credentials import Credentials

from tailorsecrets.driver import Identity

NOBODY = Identity("nobody: an endpoint on this machine needs no login")


def identity_in(credentials: Credentials) -> Identity:
    """Return the account of *credentials*, and the end of its token; google.auth gets the next one.

    A person's own login keeps its account only in newer files, and is then called "a user".
    """
    known: Any = credentials
    names = (getattr(known, name, "") for name in ("service_account_email", "account"))
    name = next((name for name in names if name and name != "default"), "")
    until = known.expiry.replace(tzinfo=UTC) if known.expiry else None  # google.auth has it in UTC without saying so
    return Identity(name or _kind(credentials), until, renews=True)


def _kind(credentials: Credentials) -> str:
    return "a user" if hasattr(credentials, "refresh_token") else type(credentials).__module__.rpartition(".")[2]
