"""Whom a token names. Pure.

A token of Microsoft Entra ID is a JWT. Its signature is not checked: the Key Vault does that, and this is for people.
"""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, cast

from azure.core.credentials import AccessToken

from tailorsecrets.driver import Identity

_NAMES: Final = ("upn", "preferred_username", "unique_name", "app_displayname")
_IDS: Final = (("appid", "application"), ("azp", "application"), ("oid", "object"))


def identity_in(token: AccessToken) -> Identity:
    """Return the user, application or object that *token* names, and its end; azure-identity gets the next one."""
    until = datetime.fromtimestamp(token.expires_on, UTC)
    return Identity(_name(_claims(token.token)), until, renews=True)


def _name(claims: Mapping[str, Any]) -> str:
    name = next((str(claims[key]) for key in _NAMES if claims.get(key)), "")
    return name or next((f"{kind} {claims[key]}" for key, kind in _IDS if claims.get(key)), "")


def _claims(token: str) -> Mapping[str, Any]:
    """Return the claims in *token*, {} for one that is not a JWT."""
    _, _, rest = token.partition(".")
    body = rest.partition(".")[0]
    claims: object = None
    with suppress(ValueError):
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return cast("Mapping[str, Any]", claims) if isinstance(claims, dict) else {}
