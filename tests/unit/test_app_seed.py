"""The three examples that the project began with, in Python, under the same names."""

import json
from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from tailorsecrets.app import (
    App,
    RecordCreated,
    Resolver,
    create_executor,
    create_resolver,
    record_created_trigger,
)
from tests.support.web import Recorder, manager, recorder

secrets = manager(
    {
        "stripe-secret-key": "sk_test",
        "sendgrid-api-key": "SG.test",
        "external-api-token": "token",
        "api-secret": "secret",
    }
)


class order:  # noqa: N801  # as the example has it
    """The record type."""


@pytest.fixture
def server() -> Iterator[Recorder]:
    """Return the service that gets the webhook."""
    with recorder() as record:
        yield record


async def call_stripe(context: Any) -> dict[str, Any]:
    """Read one secret, as the seed's resolver does, in an async body."""
    return {"key": await secrets.aget("api-keys", "stripe-secret-key"), "input": context.input}


def call_stripe_plainly(input: Any) -> dict[str, Any]:  # noqa: A002
    """Do the same in a plain body that names what it needs."""
    return {"key": secrets.get("api-keys", "stripe-secret-key"), "input": input}


@pytest.mark.parametrize("operation", [call_stripe, call_stripe_plainly])
def test_the_stripe_resolver(operation: Any) -> None:
    """A resolver reads one secret."""
    resolver = create_resolver(name="call-stripe", operation=operation)
    assert both_ways(resolver, {"amount": 1}) == [{"key": "sk_test", "input": {"amount": 1}}] * 2


def test_the_notification_resolver() -> None:
    """A resolver reads several secrets of one vault at once."""

    async def operation(input: Any) -> list[str | None]:  # noqa: A002
        api_key, webhook_secret = secrets.get_all("api-keys", ["sendgrid-api-key", "stripe-secret-key"])
        return [api_key, webhook_secret, input]

    resolver = create_resolver(name="send-notification", operation=operation)
    assert both_ways(resolver, "hello") == [["SG.test", "sk_test", "hello"]] * 2


def both_ways(resolver: Resolver, given: Any) -> list[Any]:
    """Return what call and acall give."""
    app = App(secrets, resolver)
    return [
        app.call("call-stripe" if resolver.name == "call-stripe" else resolver, given),
        anyio.run(app.acall, resolver, given),
    ]


def test_the_order_executor(server: Recorder) -> None:
    """An executor sends a webhook with two secret headers and a body made from the record."""
    executor = create_executor(
        name="notify-external-service",
        trigger=record_created_trigger(type=order),
        operation={
            "kind": "webhook",
            "url": f"{server.url}/orders",
            "headers": {
                "Content-Type": "application/json",
                "Authorization": {"vault": "api-keys", "key": "external-api-token"},
                "X-API-Key": {"vault": "api-keys", "key": "api-secret"},
            },
            "requestBody": lambda *, new_record: {"orderId": new_record["id"], "amount": new_record["total"]},
        },
    )
    (outcome,) = App(secrets, executor).emit(RecordCreated(order, {"id": "o-1", "total": 12}))
    assert outcome.ok
    assert server.last.path == "/orders"
    expected = {"content-type": "application/json", "authorization": "token", "x-api-key": "secret"}
    assert server.last.headers.items() >= expected.items()
    assert json.loads(server.last.body) == {"orderId": "o-1", "amount": 12}
