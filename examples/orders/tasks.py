"""Celery emits the events: an event waits in the queue and is retried, so it is not lost if this process dies."""

from typing import Any

from celery import Celery
from orders import app as orders

from tailorsecrets.app import parse_event

queue = Celery("orders", broker="memory://", backend="cache+memory://")


@queue.task(autoretry_for=(RuntimeError,), retry_backoff=True, max_retries=5)
def emit(document: dict[str, Any]) -> int:
    """Emit the event that *document* means; return how many executors ran."""
    outcomes = orders.emit(parse_event(document))
    failed = [f"{outcome.executor}: {outcome.error}" for outcome in outcomes if not outcome.ok]
    if failed:
        raise RuntimeError("; ".join(failed))
    return len(outcomes)
