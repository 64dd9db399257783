"""Secret headers as an httpx.Auth, against a server that records what arrives."""

import traceback
from collections.abc import Iterator, Mapping
from typing import Any

import anyio
import httpx
import pytest

from tailorsecrets import ConfigError, SecretManager, SecretNotFound, ValueInvalid
from tailorsecrets.references import HeaderValue
from tests.support.web import BACKENDS, CANARY, Recorder, manager, recorder, stored, trusting

HEADERS: dict[str, HeaderValue] = {
    "Authorization": {"vault": "api-keys", "key": "token", "format": "Bearer {}"},
    "X-API-Key": {"vault": "api-keys", "key": "token"},
    "X-Plain": "text",
}
MODES = ["plain", *BACKENDS]


@pytest.fixture
def server() -> Iterator[Recorder]:
    """Return a server without TLS."""
    with recorder() as record:
        yield record


@pytest.fixture
def other() -> Iterator[Recorder]:
    """Return another server, of another origin."""
    with recorder() as record:
        yield record


def send(mode: str, url: str, authentication: httpx.Auth, **options: Any) -> httpx.Response:
    """GET *url* with a client of *mode*."""
    if mode == "plain":
        with httpx.Client(auth=authentication, **options) as client:
            return client.get(url)

    async def asynchronously() -> httpx.Response:
        async with httpx.AsyncClient(auth=authentication, **options) as client:
            return await client.get(url)

    return anyio.run(asynchronously, backend=mode)


@pytest.mark.parametrize("mode", MODES)
def test_the_headers_arrive(server: Recorder, mode: str) -> None:
    """Each request carries the values of the secrets, and the plain headers."""
    assert send(mode, server.url, manager({"token": "abc"}).auth(HEADERS)).status_code == 200
    assert server.last.headers.items() >= {"authorization": "Bearer abc", "x-api-key": "abc", "x-plain": "text"}.items()


@pytest.mark.parametrize("mode", MODES)
def test_they_arrive_over_tls(mode: str) -> None:
    """The same holds over https."""
    with recorder(tls=True) as server:
        send(mode, server.url, manager({"token": "abc"}).auth(HEADERS), verify=trusting())
    assert server.last.headers["x-api-key"] == "abc"


def test_a_rotated_secret_needs_no_new_client(server: Recorder) -> None:
    """Values are resolved for each request of a client."""
    secrets = manager({"token": "old"})
    with httpx.Client(auth=secrets.auth(HEADERS)) as client:
        client.get(server.url)
        rotate(secrets)
        client.get(server.url)
    assert [arrived.headers["x-api-key"] for arrived in server.arrived] == ["old", "new"]


def rotate(secrets: SecretManager) -> None:
    """Point *secrets* to a store where the token is another one."""
    secrets.connect(store=lambda: stored({"token": "new"}))


@pytest.mark.parametrize("mode", MODES)
def test_they_replace_what_the_client_sets(server: Recorder, mode: str) -> None:
    """A header of the same name is replaced, whatever its case."""
    send(mode, server.url, manager({"token": "abc"}).auth(HEADERS), headers={"x-api-key": "client"})
    assert server.last.headers["x-api-key"] == "abc"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_carries_none(server: Recorder, other: Recorder, mode: str, status: int) -> None:
    """A client that follows redirects does not take the headers along, not even those that httpx would leave on."""
    server.replies.append((status, {"Location": f"{other.url}/elsewhere"}))
    response = send(mode, server.url, manager({"token": CANARY}).auth(HEADERS), follow_redirects=True)
    assert response.status_code == 200
    assert server.last.headers["x-api-key"] == CANARY
    assert other.last.path == "/elsewhere"
    assert not other.last.headers.keys() & {"authorization", "x-api-key", "x-plain"}


def test_a_redirect_within_the_origin_carries_none(server: Recorder) -> None:
    """A redirect is not followed with secret headers at all."""
    server.replies.append((302, {"Location": "/elsewhere"}))
    send("plain", server.url, manager({"token": CANARY}).auth(HEADERS), follow_redirects=True)
    assert [arrived.headers.get("x-api-key") for arrived in server.arrived] == [CANARY, None]


@pytest.mark.parametrize("mode", MODES)
def test_a_missing_secret_sends_nothing(server: Recorder, mode: str) -> None:
    """Without the secret there is no request."""
    with pytest.raises(SecretNotFound, match="api-keys/missing"):
        send(mode, server.url, manager({}).auth({"X-Key": {"vault": "api-keys", "key": "missing"}}))
    assert server.arrived == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\n", "\0"])
def test_an_unfit_value_sends_nothing(server: Recorder, mode: str, value: str) -> None:
    """CR, LF and NUL never reach the wire."""
    with pytest.raises(ValueInvalid, match="api-keys/token"):
        send(mode, server.url, manager({"token": value}).auth(HEADERS))
    assert server.arrived == []


@pytest.mark.parametrize("mode", MODES)
def test_plain_http_to_another_machine_is_refused(mode: str) -> None:
    """Secrets go over https, unless plain http is allowed, and the error comes before any connection."""
    with pytest.raises(ConfigError, match="not https"):
        send(mode, "http://example.invalid", manager({"token": "abc"}).auth(HEADERS))


def test_plain_http_can_be_allowed() -> None:
    """With allow_http the request goes out; here nobody answers."""
    authentication = manager({"token": "abc"}).auth(HEADERS, allow_http=True)
    with pytest.raises(httpx.ConnectError):
        send("plain", "http://example.invalid", authentication)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("exceptions", ["", ".localhost", "127.0.0.1, example.com"])
def test_a_proxy_gets_no_header(
    server: Recorder, other: Recorder, monkeypatch: pytest.MonkeyPatch, mode: str, variable: str, exceptions: str
) -> None:
    """Plain http to this machine is refused where the client would send it to a proxy."""
    monkeypatch.setenv(variable, other.url)
    monkeypatch.setenv("NO_PROXY", exceptions)
    with pytest.raises(ConfigError, match="the proxy in HTTP_PROXY or ALL_PROXY can read it") as caught:
        send(mode, server.url, manager({"token": CANARY}).auth(HEADERS))
    assert "NO_PROXY" in caught.value.hint
    assert not server.arrived + other.arrived


@pytest.mark.parametrize("exceptions", ["localhost", "*", "example.com, LOCALHOST"])
def test_a_host_that_no_proxy_is_for(
    server: Recorder, other: Recorder, monkeypatch: pytest.MonkeyPatch, exceptions: str
) -> None:
    """With its name in NO_PROXY, this machine gets the header, and the proxy does not."""
    monkeypatch.setenv("HTTP_PROXY", other.url)
    monkeypatch.setenv("NO_PROXY", exceptions)
    send("plain", server.url, manager({"token": "abc"}).auth(HEADERS))
    assert (server.last.headers["x-api-key"], other.arrived) == ("abc", [])


def test_a_proxy_may_be_allowed(server: Recorder, other: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    """With allow_http a proxy that is trusted gets the header, too."""
    monkeypatch.setenv("HTTP_PROXY", other.url)
    monkeypatch.setenv("NO_PROXY", "")
    send("plain", server.url, manager({"token": "abc"}).auth(HEADERS, allow_http=True))
    assert other.last.headers["x-api-key"] == "abc"


def test_headers_without_secrets_may_go_anywhere() -> None:
    """The rule is about secrets: plain headers alone are not held back."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["x-plain"])
        return httpx.Response(200)

    with httpx.Client(auth=manager({}).auth({"X-Plain": "text"}), transport=httpx.MockTransport(answer)) as client:
        client.get("http://example.invalid")
    assert seen == ["text"]


def test_a_transport_sees_the_headers_by_name() -> None:
    """Transports that look a header up find it, which tests of applications rely on."""

    def answer(request: httpx.Request) -> httpx.Response:
        found: Mapping[str, str] = request.headers
        return httpx.Response(200 if "X-API-Key" in found and found.get("x-api-key") == "abc" else 401)

    with httpx.Client(auth=manager({"token": "abc"}).auth(HEADERS), transport=httpx.MockTransport(answer)) as client:
        assert client.get("https://example.invalid").status_code == 200


@pytest.mark.parametrize("mode", MODES)
def test_nothing_of_it_is_left_on_the_request(server: Recorder, mode: str) -> None:
    """After the send, the request that a response keeps has no secret header."""
    response = send(mode, server.url, manager({"token": CANARY}).auth(HEADERS))
    assert CANARY not in repr(response.request.headers.raw)


@pytest.mark.parametrize("mode", MODES)
def test_a_failed_connection_shows_no_value(mode: str) -> None:
    """The exception of httpx holds the request, which shows no secret; the locals of its frames show none either."""
    authentication = manager({"token": CANARY}).auth(HEADERS)
    with pytest.raises(httpx.ConnectError) as caught:
        send(mode, "http://127.0.0.1:1", authentication)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert CANARY not in "".join(shown.format()) + repr(caught.value.request.headers)
