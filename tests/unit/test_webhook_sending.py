"""Executors that send webhooks, against a server that records what arrives."""

import json
import pickle
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tailorsecrets import SecretsError, Unavailable
from tailorsecrets.app import (
    App,
    BodyFailed,
    Executor,
    Outcome,
    RecordCreated,
    Sent,
    WebhookFailed,
    create_executor,
    record_created_trigger,
    webhook,
)
from tailorsecrets.testing.memory import Memory
from tests.support.web import BACKENDS, CANARY, Recorder, manager, recorder, trusting

TOKEN = {"vault": "api-keys", "key": "token"}
EVENT = RecordCreated("Order", {"id": "o-1", "total": 12})
Emit = Callable[[App], list[Outcome]]


@pytest.fixture
def server() -> Iterator[Recorder]:
    """Return a server without TLS."""
    with recorder() as record:
        yield record


@pytest.fixture(params=["plain", *BACKENDS])
def emit(request: pytest.FixtureRequest) -> Emit:
    """Return each way of emitting the event."""
    if request.param == "plain":
        return lambda app: app.emit(EVENT)
    return lambda app: anyio.run(app.aemit, EVENT, backend=request.param)


def notify(**options: Any) -> Executor:
    """Return an executor that sends a webhook when an order was made."""
    settings: dict[str, Any] = {"backoff": 0.001, **options}
    operation = webhook(**settings)
    return create_executor(name="notify", trigger=record_created_trigger(type="Order"), operation=operation)


def failure(outcomes: list[Outcome]) -> SecretsError:
    """Return the error of the one outcome."""
    (outcome,) = outcomes
    assert not outcome.ok
    assert outcome.error is not None
    return outcome.error


def test_a_webhook_is_a_post(server: Recorder, emit: Emit) -> None:
    """The method, the path, the headers and the body arrive; the outcome has the status."""
    executor = notify(url=f"{server.url}/orders", headers={"X-API-Key": TOKEN}, request_body={"id": 1})
    assert emit(App(manager({"token": "abc"}), executor)) == [Outcome("notify", ok=True, value=Sent(200, 1))]
    assert (server.last.method, server.last.path) == ("POST", "/orders")
    assert server.last.headers["x-api-key"] == "abc"
    assert json.loads(server.last.body) == {"id": 1}


def test_over_tls(emit: Emit) -> None:
    """An authority of one's own is trusted where it is given."""
    with recorder(tls=True) as server:
        app = App(manager({"token": "abc"}), notify(url=server.url, headers={"X-Key": TOKEN}), verify=trusting())
        assert emit(app)[0].ok
    assert server.last.headers["x-key"] == "abc"


def test_an_unknown_authority_is_not_trusted(emit: Emit) -> None:
    """A certificate that nobody vouches for ends the connection before the request."""
    with recorder(tls=True) as server:
        app = App(manager({"token": "abc"}), notify(url=server.url, headers={"X-Key": TOKEN}, retries=0))
        assert isinstance(failure(emit(app)), Unavailable)
    assert server.arrived == []


async def later(event: RecordCreated) -> str:
    """Return text after a wait."""
    await anyio.lowlevel.checkpoint()
    return f"{event.new_record['id']}"


@pytest.mark.parametrize(
    ("body", "arrives", "content_type"),
    [
        ({"id": 1}, b'{"id": 1}', "application/json"),
        (lambda event: [event.new_record["id"]], b'["o-1"]', "application/json"),
        (lambda new_record: new_record["total"], b"12", "application/json"),
        (later, b"o-1", "text/plain; charset=utf-8"),
        (b"\0raw", b"\0raw", None),
        (None, b"", None),
    ],
)
def test_bodies(server: Recorder, emit: Emit, body: Any, arrives: bytes, content_type: str | None) -> None:
    """A body is a value, or a plain or async function of the event; text and bytes go as they are, the rest as JSON."""
    assert emit(App(manager({}), notify(url=server.url, request_body=body)))[0].ok
    assert (server.last.body, server.last.headers.get("content-type")) == (arrives, content_type)


def test_a_content_type_of_ones_own(server: Recorder, emit: Emit) -> None:
    """A content type in the headers is left as it is."""
    headers = {"content-type": "application/vnd.order+json"}
    emit(App(manager({}), notify(url=server.url, headers=headers, request_body={})))
    assert server.last.headers["content-type"] == "application/vnd.order+json"


def test_a_url_from_the_event(server: Recorder, emit: Emit) -> None:
    """The url may be a function of the event."""
    executor = notify(url=lambda event: f"{server.url}/{event.new_record['id']}")
    assert emit(App(manager({}), executor))[0].ok
    assert server.last.path == "/o-1"


@pytest.mark.parametrize("url", ["ftp://localhost", "nothing", "https://", None, "https://a\nb"])
def test_a_function_must_return_a_url(emit: Emit, url: Any) -> None:
    """A function that returns anything but a URL is an error of that executor."""
    assert "not return an http" in str(failure(emit(App(manager({}), notify(url=lambda _event: url)))))


def test_a_url_from_the_event_keeps_the_rule(emit: Emit) -> None:
    """A secret does not go over plain http to where a function says, either."""
    executor = notify(url=lambda _event: "http://example.invalid", headers={"X-Key": TOKEN})
    assert "not https" in str(failure(emit(App(manager({"token": "abc"}), executor))))


def test_a_url_with_a_credential(emit: Emit) -> None:
    """A password in a URL is refused, and not shown."""
    error = failure(emit(App(manager({}), notify(url=lambda _event: f"https://user:{CANARY}@example.invalid"))))
    assert str(error) == "url: it contains a credential"


def test_what_stays_on_this_machine_meets_no_proxy(
    server: Recorder, emit: Emit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain http to this machine goes there, also where the environment names a proxy."""
    with recorder() as proxy:
        for name in ("http_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert emit(App(manager({"token": "abc"}), notify(url=server.url, headers={"X-Key": TOKEN})))[0].ok
    assert (len(server.arrived), proxy.arrived) == (1, [])


@pytest.mark.parametrize("values", [{}, {"token": "a\r\nb"}, {"token": "\0"}, {"token": ""}])
def test_without_its_secrets_nothing_is_sent(server: Recorder, emit: Emit, values: dict[str, str]) -> None:
    """A missing, unfit or blank secret fails the executor, naming it, and no request goes out."""
    key = "token" if values else "missing"
    executor = notify(url=server.url, headers={"X-Key": {"vault": "api-keys", "key": key}})
    assert f"api-keys/{key}" in str(failure(emit(App(manager(values), executor))))
    assert server.arrived == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(server: Recorder, emit: Emit, status: int) -> None:
    """A redirect is a failure; the place that it names is not visited."""
    with recorder() as other:
        server.replies.append((status, {"Location": other.url}))
        error = failure(emit(App(manager({"token": "abc"}), notify(url=server.url, headers={"X-Key": TOKEN}))))
    assert isinstance(error, WebhookFailed)
    assert (error.status, len(server.arrived), other.arrived) == (status, 1, [])


@pytest.mark.parametrize("statuses", [(500,), (503, 502), (0,), (0, 500, 0)])
def test_it_is_sent_again(server: Recorder, emit: Emit, statuses: tuple[int, ...]) -> None:
    """After a 5xx and after a broken connection the same body is sent again, until it is accepted."""
    server.fail(*statuses)
    (outcome,) = emit(App(manager({}), notify(url=server.url, request_body={"id": 1})))
    assert outcome.value == Sent(200, len(statuses) + 1)
    assert {arrived.body for arrived in server.arrived} == {b'{"id": 1}'}


def test_it_is_not_sent_for_ever(server: Recorder, emit: Emit) -> None:
    """When retries are spent, the last status is the error."""
    server.fail(*[503] * 10)
    error = failure(emit(App(manager({}), notify(url=server.url, retries=2))))
    assert (str(error), len(server.arrived)) == ("the response to the webhook was 503 (3 times)", 3)


@pytest.mark.parametrize("status", [400, 401, 404, 409, 429])
def test_a_refusal_is_final(server: Recorder, emit: Emit, status: int) -> None:
    """A 4xx is not tried again."""
    server.fail(status)
    error = failure(emit(App(manager({}), notify(url=server.url))))
    assert isinstance(error, WebhookFailed)
    assert (error.status, len(server.arrived)) == (status, 1)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_success_is_never_sent_again(server: Recorder, emit: Emit, status: int) -> None:
    """A 2xx ends it, even where the answer breaks off after the status."""
    server.replies.append((status, {} if status == 204 else {"Content-Length": "100"}))
    assert emit(App(manager({}), notify(url=server.url)))[0].value == Sent(status, 1)
    assert len(server.arrived) == 1


def test_nobody_there(emit: Emit) -> None:
    """Without an answer the error is Unavailable, and says how often it was tried."""
    error = failure(emit(App(manager({"token": "a"}), notify(url="http://127.0.0.1:1", headers={"X-Key": TOKEN}))))
    assert isinstance(error, Unavailable)
    assert str(error) == "the webhook got no response: ConnectError (4 times)"


def test_a_time_out(server: Recorder, emit: Emit) -> None:
    """A response that takes longer than the timeout is a time-out."""
    with SlowServer() as url:
        error = failure(emit(App(manager({}), notify(url=url, timeout=0.05, retries=1))))
    assert str(error) == "the webhook got no response: ReadTimeout (2 times)"


class SlowServer:
    """A port where connections are taken and never answered."""

    def __enter__(self) -> str:
        import socket

        self._socket = socket.create_server(("127.0.0.1", 0))
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def test_a_rotated_secret_is_used_by_the_next_try(server: Recorder) -> None:
    """The value is resolved for each try, so one that was rotated meanwhile is sent."""
    driver = Memory()
    secrets = manager({"token": "old"}, driver=driver)
    server.replies.append((500, {}))

    def rotate() -> None:
        while not server.arrived:
            threading.Event().wait(0.01)
        driver.backdoor.write("default/api-keys/token", "new")
        secrets.forget()

    thread = threading.Thread(target=rotate)
    thread.start()
    assert App(secrets, notify(url=server.url, headers={"X-Key": TOKEN}, backoff=1)).emit(EVENT)[0].ok
    thread.join()
    assert [arrived.headers["x-key"] for arrived in server.arrived] == ["old", "new"]


def test_many_sends_resolve_once(server: Recorder) -> None:
    """Concurrent sends of one webhook read its secrets once."""
    driver = Memory()
    app = App(manager({"token": "abc"}, driver=driver), notify(url=server.url, headers={"X-Key": TOKEN}))
    driver.forget_calls()

    async def many() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(app.aemit, EVENT)

    anyio.run(many)
    assert (len(server.arrived), driver.value_reads) == (20, 1)


@pytest.mark.parametrize("reply", [0, 200, 302, 400, 500])
def test_outcomes_hold_no_secret(server: Recorder, emit: Emit, reply: int) -> None:
    """Whatever came of it, an outcome shows no value: not in its text, its locals or its pickle."""
    server.fail(reply)
    outcomes = emit(
        App(manager({"token": CANARY}), notify(url=server.url, headers={"X-Key": TOKEN, "X-Plain": CANARY}, retries=0))
    )
    error = outcomes[0].error or SecretsError()
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert CANARY not in repr(outcomes) + "".join(shown.format())
    assert CANARY.encode() not in pickle.dumps(outcomes)


def test_a_body_that_is_no_json(server: Recorder, emit: Emit) -> None:
    """What JSON cannot say fails the executor, and nothing is sent."""
    executor = notify(url=server.url, request_body=lambda _event: {"at": datetime.now(UTC)})
    error = failure(emit(App(manager({}), executor)))
    assert isinstance(error, BodyFailed)
    assert (error.exception, server.arrived) == ("TypeError", [])
