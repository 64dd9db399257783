"""The rules of the server for the Key Vault protocol, tested with the raw SDK."""

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.keyvault.secrets import SecretClient

from tests.support.azure import rules
from tests.support.azure.backdoor import AzureBackdoor
from tests.support.azure.faults import Rule
from tests.support.azure.fixtures import server
from tests.support.azure.server import Server

__all__ = ["server"]


@pytest.fixture
def client(server: Server) -> Iterator[SecretClient]:
    """Give the raw SDK at the server."""
    backdoor = AzureBackdoor(server)
    yield backdoor.client
    backdoor.close()


def inner(error: HttpResponseError) -> str:
    """Return the inner code."""
    return str((error.error.innererror or {}).get("code", "")) if error.error else ""


def asked(server: Server, path: str, method: str = "GET", token: str = "") -> tuple[int, dict[str, str], Any]:
    """Send a bare request, and return status, headers and body of the answer."""
    request = urllib.request.Request(f"{server.vault.url}{path}", method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=server.authority)) as answer:
            return answer.status, dict(answer.headers), json.loads(answer.read())
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, dict(answer.headers), json.loads(answer.read())


def test_the_challenge_comes_first(server: Server) -> None:
    """A request without a token gets 401 and the challenge, whatever else is wrong with it."""
    status, headers, body = asked(server, "/nothing", method="POST")
    assert (status, body["error"]["code"]) == (401, "Unauthorized")
    assert headers["WWW-Authenticate"].endswith('resource="https://vault.azure.net"')
    assert "AKV10000" in body["error"]["message"]


def test_a_token_that_is_not_ours(client: SecretClient, server: Server) -> None:
    """A revoked token is answered with 401."""
    client.set_secret("name", "value")
    server.accepts = False
    with pytest.raises(ClientAuthenticationError):
        client.get_secret("name")


@pytest.mark.parametrize("query", ["", "?api-version=1999-01-01"])
def test_a_version_of_the_interface_is_needed(server: Server, query: str) -> None:
    """Without a known api-version every request is bad."""
    status, _, body = asked(server, f"/secrets{query}", token=server.issue())
    assert (status, body["error"]["code"]) == (400, "BadParameter")


def test_an_unknown_path(server: Server) -> None:
    """An unknown path is 404, with another code than a missing secret."""
    status, _, body = asked(server, "/keys?api-version=7.6", token=server.issue())
    assert (status, body["error"]["code"]) == (404, "NotFound")


def test_names_fold_case(client: SecretClient) -> None:
    """Two spellings are one secret, listed as it was written first."""
    client.set_secret("My-Secret", "one")
    client.set_secret("my-secret", "two")
    assert client.get_secret("MY-SECRET").value == "two"
    assert [found.name for found in client.list_properties_of_secrets()] == ["My-Secret"]


@pytest.mark.parametrize("name", ["under_score", "do.t", "x" * 128])
def test_bad_names(client: SecretClient, name: str) -> None:
    """A name has 1 to 127 letters, digits and hyphens."""
    with pytest.raises(HttpResponseError, match="invalid name") as caught:
        client.set_secret(name, "value")
    assert caught.value.status_code == 400


def test_limits(client: SecretClient) -> None:
    """A value has up to 25 KB, a version 15 tags of 256 characters, a content type 255 characters."""
    client.set_secret("name", "\u00e9" * 12_800, tags={f"t{n}": "x" * 256 for n in range(15)}, content_type="x" * 255)
    too_much: list[tuple[str, dict[str, Any]]] = [
        ("\u00e9" * 12_800 + "x", {}),
        ("x", {"tags": {f"t{n}": "" for n in range(16)}}),
        ("x", {"tags": {"t": "x" * 257}}),
        ("x", {"content_type": "x" * 256}),
    ]
    for value, options in too_much:
        with pytest.raises(HttpResponseError) as caught:
            client.set_secret("name", value, **options)
        assert caught.value.status_code == 400


def test_the_empty_value_is_one(client: SecretClient) -> None:
    """As in the recordings, a value may be empty."""
    client.set_secret("name", "")
    assert client.get_secret("name").value == ""


def test_pages_of_25(client: SecretClient, server: Server) -> None:
    """A list has 25 secrets a page; a request for more is refused."""
    for number in range(60):
        client.set_secret(f"name-{number}", "x")
    before = len(server.arrived)
    assert len(list(client.list_properties_of_secrets())) == 60
    assert server.operations()[before:] == ["list"] * 3
    with pytest.raises(HttpResponseError):
        list(client.list_properties_of_secrets(max_page_size=26))


def test_lists_tell_no_version_and_no_value(client: SecretClient) -> None:
    """An item of a list has the attributes and tags of the current version, but not its id."""
    client.set_secret("name", "one", tags={"team": "a"})
    client.set_secret("name", "two", tags={"team": "b"})
    [item] = client.list_properties_of_secrets()
    assert (item.version, item.tags) == (None, {"team": "b"})
    versions = list(client.list_properties_of_secret_versions("name"))
    assert [version.version for version in versions] == sorted(version.version or "" for version in versions)


def test_versions_of_nothing_are_an_empty_list(client: SecretClient) -> None:
    """The versions of an unknown and of a deleted name are an empty list, not 404."""
    client.set_secret("name", "value")
    client.begin_delete_secret("name").wait()
    for name in ("name", "unknown"):
        assert list(client.list_properties_of_secret_versions(name)) == []


def test_missing_and_disabled(client: SecretClient) -> None:
    """An unknown name and version are 404, a disabled version is 403."""
    client.set_secret("name", "value")
    for name, version in (("unknown", None), ("name", "0" * 32)):
        with pytest.raises(ResourceNotFoundError):
            client.get_secret(name, version)
    client.update_secret_properties("name", enabled=False)
    with pytest.raises(HttpResponseError) as caught:
        client.get_secret("name")
    assert (caught.value.status_code, inner(caught.value)) == (403, "SecretDisabled")


def test_an_update_replaces_the_tags_and_makes_no_version(client: SecretClient, server: Server) -> None:
    """A change of properties replaces all tags and makes no new version."""
    client.set_secret("name", "value", tags={"one": "1"})
    client.update_secret_properties("name", tags={"two": "2"})
    assert client.get_secret("name").properties.tags == {"two": "2"}
    assert len(server.vault.versions("name")) == 1


def test_a_deleted_name_is_taken(client: SecretClient, server: Server) -> None:
    """A deleted name answers 409 to a write until it is recovered or purged, each in its own time."""
    server.vault.delay = 0.2
    client.set_secret("name", "value")
    deleted = client.begin_delete_secret("name").result()
    assert deleted.recovery_id == f"{server.vault.url}/deletedsecrets/name"
    with pytest.raises(ResourceNotFoundError):
        client.get_secret("name")
    with pytest.raises(ResourceNotFoundError):
        client.get_deleted_secret("name")
    assert refused(client) == "ObjectIsBeingDeleted"
    time.sleep(0.25)
    assert client.get_deleted_secret("name").scheduled_purge_date is not None
    assert [found.name for found in client.list_deleted_secrets()] == ["name"]
    assert refused(client) == "ObjectIsDeletedButRecoverable"
    client.begin_recover_deleted_secret("name")
    with pytest.raises(ResourceNotFoundError):
        client.get_secret("name")
    assert refused(client) == "ObjectIsBeingRecovered"
    time.sleep(0.25)
    assert client.get_secret("name").value == "value"


def refused(client: SecretClient) -> str:
    """Return the inner code of a refused write."""
    with pytest.raises(ResourceExistsError) as caught:
        client.set_secret("name", "new")
    return inner(caught.value)


def test_a_purge_is_for_good(client: SecretClient, server: Server) -> None:
    """A purged secret is gone, and its name free, after a while; under purge protection there is no purge."""
    server.vault.delay = 0.1
    client.set_secret("name", "value")
    client.begin_delete_secret("name", _polling_interval=0.05).wait()
    server.vault.protected = True
    assert (client.get_deleted_secret("name").properties.recovery_level or "").endswith("Recoverable")
    with pytest.raises(HttpResponseError, match="purge protection"):
        client.purge_deleted_secret("name")
    server.vault.protected = False
    client.purge_deleted_secret("name")
    with pytest.raises(ResourceNotFoundError):
        client.begin_recover_deleted_secret("name")
    time.sleep(0.15)
    client.set_secret("name", "new")
    assert len(server.vault.versions("name")) == 1


def test_throttling_asks_for_patience(client: SecretClient, server: Server) -> None:
    """A 429 comes with the seconds to wait."""
    client.set_secret("name", "value")
    server.faults.add(Rule(operation="get", times=1, refusal=rules.throttled(7)))
    with pytest.raises(HttpResponseError) as caught:
        client.get_secret("name")
    assert caught.value.status_code == 429
    answer: Any = caught.value.response
    assert answer.headers["Retry-After"] == "7"
    assert client.get_secret("name").value == "value"


def test_the_clock_may_be_another(server: Server) -> None:
    """The service gives its own time, in whole seconds."""
    server.skew = -86_400
    _, headers, _ = asked(server, "/secrets")
    assert headers["Date"] == time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(server.now()))
