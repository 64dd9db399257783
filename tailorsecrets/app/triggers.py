"""When an executor runs: triggers, and which events they match. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import Any, Final

from tailorsecrets.app.events import Event, IncomingWebhook, RecordCreated, RecordDeleted, RecordUpdated, Scheduled
from tailorsecrets.app.parameters import bind
from tailorsecrets.errors import ConfigError

Condition = Callable[..., Any]
RecordEvent = type[RecordCreated] | type[RecordUpdated] | type[RecordDeleted]
_WORDS: Final = {RecordCreated: "created", RecordUpdated: "updated", RecordDeleted: "deleted"}


@dataclass(frozen=True, slots=True)
class RecordTrigger:
    """Matches the creation, update or deletion of records of one type."""

    event: RecordEvent
    type: str
    condition: Condition | None = None

    def __str__(self) -> str:
        return f"{self.type} {_WORDS[self.event]}" + (", if a condition holds" if self.condition else "")


@dataclass(frozen=True, slots=True)
class ScheduleTrigger:
    """Matches ``Scheduled`` for its executor; the process, or cron, keeps the time."""

    cron: str
    timezone: str = "UTC"
    event: type[Scheduled] = Scheduled

    def __str__(self) -> str:
        return f"cron {self.cron} ({self.timezone})"

    def next_time(self, after: datetime) -> datetime:
        """Return the first time of the schedule after *after*, which has a timezone, in the schedule's timezone."""
        from zoneinfo import ZoneInfo

        return _simulate(self.cron, after.astimezone(ZoneInfo(self.timezone)))


@dataclass(frozen=True, slots=True)
class IncomingWebhookTrigger:
    """Matches ``IncomingWebhook`` for its executor."""

    event: type[IncomingWebhook] = IncomingWebhook

    def __str__(self) -> str:
        return "incoming webhook"


Trigger = RecordTrigger | ScheduleTrigger | IncomingWebhookTrigger


def record_created_trigger(*, type: str | type, condition: Condition | None = None) -> RecordTrigger:  # noqa: A002
    """Run when a record of *type*, a class or its name, was created, if *condition* of the event is true."""
    return _record_trigger(RecordCreated, type, condition)


def record_updated_trigger(*, type: str | type, condition: Condition | None = None) -> RecordTrigger:  # noqa: A002
    """Run when a record of *type* was updated, if *condition* is true."""
    return _record_trigger(RecordUpdated, type, condition)


def record_deleted_trigger(*, type: str | type, condition: Condition | None = None) -> RecordTrigger:  # noqa: A002
    """Run when a record of *type* was deleted, if *condition* is true."""
    return _record_trigger(RecordDeleted, type, condition)


def schedule_trigger(*, cron: str, timezone: str = "UTC") -> ScheduleTrigger:
    """Run at the times of *cron* (five fields, as in crontab(5)) in *timezone*, an IANA name.

    Raise ConfigError where one of them is wrong, for a schedule without any time, and where cronsim is missing.
    """
    if find_spec("cronsim") is None:
        raise ConfigError("a schedule needs cronsim, which is not installed", hint="pip install 'tailorsecrets[app]'")
    problem = _schedule_problem(cron, timezone)
    if problem:
        raise ConfigError(problem)
    return ScheduleTrigger(cron, timezone)


def incoming_webhook_trigger() -> IncomingWebhookTrigger:
    """Run when the process emits an HTTP request that it received for this executor."""
    return IncomingWebhookTrigger()


def matches(trigger: Trigger, executor: str, event: Event) -> bool:
    """Tell whether *trigger* of *executor* matches *event*, without its condition."""
    if not isinstance(event, trigger.event):
        return False
    if isinstance(event, Scheduled | IncomingWebhook):
        return event.executor == executor
    return isinstance(trigger, RecordTrigger) and trigger.type == _type_name(event.type)


def _record_trigger(event: RecordEvent, type_: str | type, condition: Condition | None) -> RecordTrigger:
    if not isinstance(type_, str | type) or not type_:
        raise ConfigError("a record trigger: type must be a class or the name of a class")
    if condition is not None:
        bind("condition", condition, event)
    return RecordTrigger(event, _type_name(type_), condition)


def _type_name(type_: str | type) -> str:
    return type_ if isinstance(type_, str) else type_.__name__


def _schedule_problem(cron: str, timezone: str) -> str:
    from zoneinfo import ZoneInfo

    from cronsim import CronSimError

    if not isinstance(cron, str) or len(cron.split()) != 5:  # noqa: PLR2004  # minute, hour, day, month, weekday
        return f"cron {cron!r}: expected five fields, for example '0 3 * * 1'"
    try:
        zone = ZoneInfo(timezone)
    except (OSError, ValueError, KeyError):
        return f"timezone {timezone!r}: expected an IANA timezone, for example 'Europe/Berlin'"
    try:
        _simulate(cron, datetime(2000, 1, 1, tzinfo=zone))
    except (CronSimError, StopIteration) as exc:
        return f"cron {cron!r}: {exc or 'it has no time at all'}"
    return ""


def _simulate(cron: str, after: datetime) -> datetime:
    from cronsim import CronSim

    return next(CronSim(cron, after))
