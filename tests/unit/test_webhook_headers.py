"""References to secrets in headers: their forms and their values."""

import pickle
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import anyio
import pytest

from tailorsecrets import (
    ConfigError,
    Secret,
    SecretManager,
    SecretNotFound,
    SecretRef,
    UndeclaredSecret,
    ValueInvalid,
    references,
    webhook,
)
from tailorsecrets.references import Reader
from tailorsecrets.references.transport import check_transport
from tailorsecrets.testing.memory import Memory
from tests.support.web import BACKENDS, CANARY, manager

Resolve = Callable[[SecretManager, Mapping[str, Any]], dict[str, str]]
TOKEN = {"vault": "api-keys", "key": "token"}


def on(backend: str) -> Resolve:
    """Return a function that resolves on an event loop."""
    return lambda secrets, given: anyio.run(secrets.aheaders, given, backend=backend)


@pytest.fixture(params=["plain", *BACKENDS])
def resolve(request: pytest.FixtureRequest) -> Resolve:
    """Return each way of resolving headers."""
    return SecretManager.headers if request.param == "plain" else on(request.param)


@pytest.mark.parametrize(
    ("reference", "sent"),
    [
        (TOKEN, "abc"),
        (SecretRef("api-keys", "token"), "abc"),
        ({**TOKEN, "format": "Bearer {}"}, "Bearer abc"),
        (SecretRef("api-keys", "token", format='Key id="{}"'), 'Key id="abc"'),
    ],
)
def test_a_reference_becomes_the_value(resolve: Resolve, reference: Any, sent: str) -> None:
    """Both forms of a reference give the value, in its format if it has one; plain text stays."""
    assert resolve(manager({"token": "abc"}), {"X-Key": reference, "Accept": "*/*"}) == {"X-Key": sent, "Accept": "*/*"}


def test_a_value_is_no_format(resolve: Resolve) -> None:
    """Braces in a value are left alone."""
    assert resolve(manager({"token": "{0} {}"}), {"X-Key": {**TOKEN, "format": "a {}"}}) == {"X-Key": "a {0} {}"}


def test_a_rotated_secret_is_seen(resolve: Resolve) -> None:
    """A value is read each time, so the next one is used when the cache lets it through."""
    driver = Memory()
    secrets = manager({"token": "old"}, driver=driver)
    assert resolve(secrets, {"X-Key": TOKEN}) == {"X-Key": "old"}
    driver.backdoor.write("default/api-keys/token", "new")
    secrets.forget()
    assert resolve(secrets, {"X-Key": TOKEN}) == {"X-Key": "new"}


def test_one_vault_is_one_read(resolve: Resolve) -> None:
    """All references to a vault are resolved by one call."""
    driver = Memory()
    secrets = manager({"one": "1", "two": "2"}, driver=driver)
    driver.forget_calls()
    resolve(secrets, {f"X-{name}": {"vault": "api-keys", "key": name} for name in ("one", "two")})
    assert driver.value_reads == 1


def test_a_missing_secret_is_an_error(resolve: Resolve) -> None:
    """A secret that does not exist is never a blank header."""
    with pytest.raises(SecretNotFound, match=r"api-keys/missing.*header X-Key") as caught:
        resolve(manager({}), {"X-Key": {"vault": "api-keys", "key": "missing"}})
    assert (caught.value.vault, caught.value.secret) == ("api-keys", "missing")


def test_an_undeclared_secret_is_an_error(resolve: Resolve) -> None:
    """A reference to what the config does not declare is refused."""
    with pytest.raises(UndeclaredSecret, match="other"):
        resolve(manager({}), {"X-Key": {"vault": "api-keys", "key": "other"}})


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\n", "a\0", "a\x1b[0m", "ключ", "", "  "])
def test_a_value_that_is_no_header_is_refused(resolve: Resolve, value: str) -> None:
    """CR, LF, NUL, other control characters, non-ASCII and blank values are refused, naming the secret."""
    with pytest.raises(ValueInvalid, match="api-keys/token") as caught:
        resolve(manager({"token": value}), {"X-Key": TOKEN})
    assert caught.value.code == "HEADER_VALUE_INVALID"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"X-Key": 1}, "got int"),
        ({"X-Key": {"vault": "api-keys"}}, "missing or unknown: key"),
        ({"X-Key": {**TOKEN, "name": "x"}}, "missing or unknown: name"),
        ({"X-Key": {**TOKEN, "key": "NOT/OK"}}, "NOT/OK"),
        ({"X-Key": {**TOKEN, "format": "Bearer"}}, "one {}"),
        ({"X-Key": {**TOKEN, "format": "{} {}"}}, "one {}"),
        ({"X-Key": {**TOKEN, "format": "{0.__class__}{}"}}, "no other brace"),
        ({"X-Key": {**TOKEN, "format": "{}\r\n"}}, "one {}"),
        ({"X Key": "a"}, "'X Key' is not a header name"),
        ({"X-Key": "a\r\nb"}, "X-Key: the text"),
        ({"X-Key": "a", "x-key": "b"}, "'x-key' is there twice"),
    ],
)
def test_wrong_headers(resolve: Resolve, given: Mapping[str, Any], problem: str) -> None:
    """A wrong header or reference is refused before any read, with its name and the reason."""
    with pytest.raises(ConfigError) as caught:
        resolve(manager({"token": "abc"}), given)
    assert problem in str(caught.value)


def test_a_wrong_header_shows_no_value() -> None:
    """No frame of the error of a wrong header holds a pasted token in its locals."""
    wrong = {"X-Key": f"{CANARY}\n"}
    secrets = manager({})

    async def twin() -> object:
        return await secrets.aheaders(wrong)

    calls: list[Callable[[], object]] = [
        lambda: secrets.headers(wrong),
        lambda: anyio.run(twin),
        lambda: secrets.auth(wrong),
        lambda: references.headers(secrets, wrong),
        lambda: references.auth(secrets, wrong),
        lambda: webhook(url="https://example.com", headers=wrong),
    ]
    for call in calls:
        with pytest.raises(ConfigError) as caught:
            call()
        report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        frames = [frame for frame in report.stack if frame.filename != __file__]
        assert frames
        assert CANARY not in "".join(str(frame.locals) for frame in frames)


def test_a_header_may_be_a_secret() -> None:
    """A Secret is plain text that is already covered."""
    assert manager({}).headers({"X-Key": Secret("abc")}) == {"X-Key": "abc"}
    with pytest.raises(ConfigError, match="not allowed in a header"):
        manager({}).headers({"X-Key": Secret("a\nb")})


def test_all_problems_are_listed_at_once() -> None:
    """One error lists everything that is wrong with the headers."""
    with pytest.raises(ConfigError, match=r"X-One.*X-Two"):
        manager({}).headers({"X-One": 1, "X-Two": {}})  # type: ignore[dict-item]


@pytest.mark.parametrize("spoiled", ["missing", "bad"])
def test_errors_hold_no_value(resolve: Resolve, spoiled: str) -> None:
    """Where one secret is missing or unfit, no error shows any: not as text, in locals, chained or pickled."""
    secrets = manager({"token": CANARY, "bad": f"{CANARY}\n"})
    given = {"X-Key": TOKEN, "X-Bad": {"vault": "api-keys", "key": spoiled}}
    with pytest.raises((SecretNotFound, ValueInvalid)) as caught:
        resolve(secrets, given)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert CANARY not in "".join(shown.format())
    assert CANARY.encode() not in pickle.dumps(caught.value)


@pytest.mark.parametrize(
    ("scheme", "host", "allow_http"),
    [
        ("https", "example.com", False),
        ("http", "localhost", False),
        ("http", "127.0.0.1", False),
        ("http", "127.8.8.8", False),
        ("http", "::1", False),
        ("http", "example.com", True),
    ],
)
def test_where_secrets_may_go(scheme: str, host: str, allow_http: bool) -> None:
    """Secrets go over https, to this machine, or where plain http was allowed."""
    check_transport(scheme, host, allow_http=allow_http)


@pytest.mark.parametrize(
    ("scheme", "host", "allow_http"),
    [
        ("http", "example.com", False),
        ("http", "localhost.example.com", False),
        ("http", "127.0.0.1.example.com", False),
        ("http", "10.0.0.1", False),
        ("ftp", "localhost", True),
    ],
)
def test_where_secrets_may_not_go(scheme: str, host: str, allow_http: bool) -> None:
    """Secrets never cross the network in the clear by accident."""
    with pytest.raises(ConfigError, match="not https"):
        check_transport(scheme, host, allow_http=allow_http)


def test_a_manager_is_a_reader() -> None:
    """What resolves references is any SecretManager."""
    reader: Reader = manager({})
    assert isinstance(reader, SecretManager)
