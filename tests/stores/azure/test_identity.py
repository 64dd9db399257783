"""Whom a token of Microsoft Entra ID names."""

import base64
import json

import pytest
from azure.core.credentials import AccessToken

from tailorsecrets_azure.identity import identity_in


def jwt(claims: object) -> str:
    """Return a token with *claims*, without a signature."""
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.x"


@pytest.mark.parametrize(
    ("token", "name"),
    [
        (jwt({"upn": "ann@example.com", "appid": "a"}), "ann@example.com"),
        (jwt({"app_displayname": "deployer", "appid": "a"}), "deployer"),
        (jwt({"appid": "a-1", "oid": "o-1"}), "application a-1"),
        (jwt({"oid": "o-1"}), "object o-1"),
        (jwt({}), ""),
        (jwt([1]), ""),
        ("not-a-jwt", ""),
        ("a.%%%.b", ""),
    ],
)
def test_names(token: str, name: str) -> None:
    """A person, an application or an object is named; a token that is not a JWT names nobody and shows nothing."""
    found = identity_in(AccessToken(token, 1_800_000_000))
    assert found.name == name
    assert found.until is not None
    assert found.until.isoformat() == "2027-01-15T08:00:00+00:00"
    assert found.renews
