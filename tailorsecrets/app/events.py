"""The events that a process emits to its app."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from typing import Any, Final, TypeVar

from tailorsecrets.errors import ConfigError

T = TypeVar("T", bound="Event")


@dataclass(frozen=True, slots=True)
class RecordCreated:
    """A record was created. *type* is its class or the name of its class; the record may be any object."""

    type: str | type
    new_record: Any


@dataclass(frozen=True, slots=True)
class RecordUpdated:
    """A record was updated."""

    type: str | type
    new_record: Any
    old_record: Any


@dataclass(frozen=True, slots=True)
class RecordDeleted:
    """A record was deleted."""

    type: str | type
    old_record: Any


@dataclass(frozen=True, slots=True)
class Scheduled:
    """It is time for the scheduled executor of that name."""

    executor: str
    time: datetime


@dataclass(frozen=True, slots=True)
class IncomingWebhook:
    """An HTTP request came in for the executor of that name. Its repr hides the body and the headers."""

    executor: str
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    method: str = "POST"


Event = RecordCreated | RecordUpdated | RecordDeleted | Scheduled | IncomingWebhook
KINDS: Final[Mapping[str, type[Event]]] = {
    "recordCreated": RecordCreated,
    "recordUpdated": RecordUpdated,
    "recordDeleted": RecordDeleted,
    "scheduled": Scheduled,
    "incomingWebhook": IncomingWebhook,
}


def parse_event(document: object) -> Event:
    """Return the event of a JSON document: ``{"kind": "recordCreated", "type": ..., "new_record": ...}``.

    ``time`` is in ISO 8601. Raise ConfigError for an unknown kind, and for missing or unknown fields.
    """
    if not isinstance(document, Mapping):
        raise ConfigError("an event must be a JSON object")
    given: dict[str, Any] = {str(name): value for name, value in document.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    kind = KINDS.get(str(given.pop("kind", "")))
    if kind is None:
        raise ConfigError(f"an event must have a kind: {', '.join(KINDS)}")
    known = {item.name: item for item in fields(kind)}
    needed = {n for n, item in known.items() if item.default is MISSING and item.default_factory is MISSING}
    wrong = sorted((set(given) - set(known)) | (needed - set(given)))
    if wrong:
        raise ConfigError(
            f"a {kind.__name__} event has the fields {', '.join(known)}; missing or unknown: {', '.join(wrong)}"
        )
    return Scheduled(given["executor"], _time(given["time"])) if kind is Scheduled else kind(**given)


def _time(text: object) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        problem = f"time: {text!r} is not a time in ISO 8601"
    raise ConfigError(problem)
