"""The order service: two resolvers, and executors for orders, for a nightly report, and for Stripe's webhooks.

Nothing runs by itself. ``web.py``, ``database.py``, ``tasks.py`` and ``crontab`` are four ways to run it.
"""

from typing import Any, TypedDict

from tailor_config import config, secrets

from tailorsecrets import (
    App,
    IncomingWebhook,
    Scheduled,
    create_executor,
    create_resolver,
    create_workflow,
    create_workflow_job,
    incoming_webhook_trigger,
    record_created_trigger,
    schedule_trigger,
)


class Payment(TypedDict):
    """The fields of a payment."""

    amount: int
    currency: str


async def pay(input: Payment) -> dict[str, Any]:  # noqa: A002  # the part that it wants
    """Stand in for a call of Stripe's API."""
    key = await secrets.aget("api-keys", "stripe-secret-key")
    return {"paid": input["amount"], "signed_in": key is not None}


def notify(input: str) -> bool:  # noqa: A002
    """Stand in for an e-mail: tell whether it could be sent."""
    api_key, webhook_secret = secrets.get_all("api-keys", ["sendgrid-api-key", "stripe-secret-key"])
    return bool(input and api_key and webhook_secret)


def report(event: Scheduled) -> str:
    """Write the nightly report."""
    return f"report of {event.time:%Y-%m-%d}"


def settle(event: IncomingWebhook) -> str:
    """Note what Stripe reports about a payment."""
    return f"{event.body['id']} is {event.body['status']}"


def close_books(args: dict[str, int]) -> str:
    """Close a month."""
    return f"books of {args['year']}-{args['month']:02} are closed"


app = App(
    config,
    create_resolver(name="call-stripe", operation=pay, input=Payment),
    create_resolver(name="send-notification", operation=notify, input=None, output=bool),
    create_executor(
        name="notify-external-service",
        description="Tell the other company about each order.",
        trigger=record_created_trigger(type="Order"),
        operation={
            "kind": "webhook",
            "url": lambda env: f"{env['external_url']}/orders",
            "headers": {
                "Content-Type": "application/json",
                "Authorization": {"vault": "api-keys", "key": "external-api-token", "format": "Bearer {}"},
                "X-API-Key": {"vault": "api-keys", "key": "api-secret"},
            },
            "requestBody": lambda new_record: {"orderId": new_record["id"], "amount": new_record["total"]},
        },
    ),
    create_executor(
        name="nightly-report",
        trigger=schedule_trigger(cron="0 3 * * *", timezone="Europe/Berlin"),
        operation={"kind": "function", "body": report},
    ),
    create_executor(
        name="stripe-events",
        trigger=incoming_webhook_trigger(),
        operation={"kind": "function", "body": settle},
    ),
    create_workflow(name="close-books", main_job=create_workflow_job(name="close", body=close_books)),
)
