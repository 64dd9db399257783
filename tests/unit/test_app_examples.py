"""The order service of the examples, driven by each of its four doors, with real libraries and a real store file."""

import hmac
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import httpx
import pytest

from tailorsecrets import open_store
from tests.support.web import Recorder, recorder

ORDERS = Path(__file__).parents[2] / "examples" / "orders"
MODULES = ("orders", "web", "database", "tasks")
VALUES = {
    "STRIPE_SECRET_KEY": "sk_test",
    "SENDGRID_API_KEY": "SG.test",
    "EXTERNAL_API_TOKEN": "token",
    "API_SECRET": "secret",
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Apply the example's config to a store file, and make its modules importable."""
    url = f"file:{tmp_path}/secrets.jsonl"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("TAILORSECRETS_STORE", url)
    monkeypatch.syspath_prepend(ORDERS)
    run("apply", "--yes", **VALUES)
    yield url
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def server(store: str) -> Iterator[Recorder]:
    """Return the other company's server, which the example's executor sends orders to."""
    with recorder() as record:
        env: dict[str, Any] = module("orders").app._env
        env["external_url"] = record.url
        yield record


def module(name: str) -> ModuleType:
    """Import a module of the example."""
    return importlib.import_module(name)


def run(*words: str, **environ: str) -> str:
    """Run the tailorsecrets command in the folder of the example."""
    return bash(f"{Path(sys.executable).parent / 'tailorsecrets'} {' '.join(words)}", **environ)


def bash(command: str, **environ: str) -> str:
    """Run *command* in the folder of the example and return what it prints."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environ}
    done = subprocess.run(
        ["bash", "-c", command], cwd=ORDERS, env=variables, capture_output=True, text=True, check=True
    )
    return done.stdout


def post(*requests: tuple[str, dict[str, Any]]) -> list[httpx.Response]:
    """Send *requests* to the example's web app, which is started and stopped around them."""
    web = module("web").web

    async def send() -> list[httpx.Response]:
        async with (
            web.router.lifespan_context(web),
            httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://test") as client,
        ):
            return [await client.post(path, **options) for path, options in requests]

    return anyio.run(send)


def test_fastapi_calls_resolvers(store: str) -> None:
    """A route calls a resolver, and returns the problems of the input."""
    paid, refused = post(
        ("/payments", {"json": {"amount": 5, "currency": "EUR"}}), ("/payments", {"json": {"amount": "5"}})
    )
    assert paid.json() == {"paid": 5, "signed_in": True}
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        ["input.currency: is missing", "input.amount: expected int, got str"],
    )


def test_fastapi_takes_webhooks(store: str) -> None:
    """A request with a right signature is an event; without one, or with a wrong one, it is refused."""
    body = json.dumps({"id": "pay-1", "status": "paid"}).encode()
    with open_store(store) as opened:
        key = opened.get("webhooks", "signing-key") or ""
    signature = {"signature": hmac.digest(key.encode(), body, "sha256").hex()}
    wrong = [{}, {b"signature": b"0" * 64}, {b"signature": "é".encode()}]
    taken, *refused = post(
        ("/hooks/stripe", {"content": body, "headers": signature}),
        *(("/hooks/stripe", {"content": body, "headers": headers}) for headers in wrong),
    )
    assert (taken.json(), [answer.status_code for answer in refused]) == ({"stripe-events": True}, [401] * 3)


def test_sqlalchemy_emits_records(server: Recorder) -> None:
    """A committed order becomes a webhook with both secrets; one that is rolled back does not."""
    database = module("database")
    with session_of(database) as session:
        session.add(database.Order(id="o-1", total=12))
        session.flush()
        session.rollback()
        session.add(database.Order(id="o-2", total=12))
        session.commit()
    (arrived,) = server.arrived
    assert json.loads(arrived.body) == {"orderId": "o-2", "amount": 12}
    assert (arrived.headers["authorization"], arrived.headers["x-api-key"]) == ("Bearer token", "secret")
    assert [outcome.ok for outcome in database.outcomes] == [True]


@contextmanager
def session_of(database: ModuleType) -> Iterator[Any]:
    """Open a session of the example's on a database in memory."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    engine = create_engine("sqlite://", poolclass=StaticPool)
    database.Base.metadata.create_all(engine)
    with database.RecordSession(engine) as session:
        yield session
    engine.dispose()


def test_sqlalchemy_knows_the_values_before(server: Recorder) -> None:
    """An update has both records, a deletion the old one."""
    database = module("database")
    with session_of(database) as session:
        order = database.Order(id="o-1", total=12)
        session.add(order)
        session.commit()
        order.total = 13
        session.flush()
        (updated,) = session.info["events"]
        assert (updated.new_record, updated.old_record) == ({"id": "o-1", "total": 13}, {"id": "o-1", "total": 12})
        session.commit()
        session.delete(order)
        session.flush()
        (deleted,) = session.info["events"]
        assert deleted.old_record == {"id": "o-1", "total": 13}
        session.commit()


def leave_logging(**_: object) -> None:
    """Keep Celery from setting the level of the root logger, which other tests have, too."""


def test_celery_takes_events_from_its_queue(server: Recorder) -> None:
    """A worker takes the event from the queue, and the webhook is sent; a failure is tried again."""
    from celery.contrib.testing.worker import start_worker
    from celery.signals import setup_logging

    setup_logging.connect(leave_logging)
    tasks = module("tasks")
    tasks.queue.conf.broker_transport_options = {"polling_interval": 0.05}
    server.fail(400)
    document = {"kind": "recordCreated", "type": "Order", "new_record": {"id": "o-1", "total": 12}}
    with start_worker(tasks.queue, pool="solo", perform_ping_check=False, shutdown_timeout=10):
        assert tasks.emit.delay(document).get(timeout=10) == 1
    assert [json.loads(arrived.body) for arrived in server.arrived] == [{"orderId": "o-1", "amount": 12}] * 2


def test_cron_runs_a_schedule(store: str) -> None:
    """The command of the crontab line runs, and the line has the times of the executor."""
    *_, line = (ORDERS / "crontab").read_text().splitlines()
    *times, command = line.split(maxsplit=5)
    assert " ".join(times) == module("orders").app.executors[1].trigger.cron
    assert bash(command.replace("/srv/orders", str(ORDERS))) == "nightly-report: done\n"
    assert json.loads(run("app", "run", "close-books", '\'{"year": 2025, "month": 6}\'', "--app", "orders:app")) == (
        "books of 2025-06 are closed"
    )


def test_the_other_resolver(store: str) -> None:
    """The notification resolver reads both of its secrets."""
    assert module("orders").app.call("send-notification", "hello") is True
