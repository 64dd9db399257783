"""SQLAlchemy emits the events: when a transaction is committed, its writes become events."""

from typing import Any

from orders import app
from sqlalchemy import event, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, UOWTransaction, mapped_column

from tailorsecrets import Outcome, RecordCreated, RecordDeleted, RecordUpdated

outcomes: list[Outcome] = []  # here they are only kept; a program logs the failures, or puts them back into a queue


class Base(DeclarativeBase):
    """The tables."""


class Order(Base):
    """An order."""

    __tablename__ = "orders"
    id: Mapped[str] = mapped_column(primary_key=True)
    total: Mapped[int] = mapped_column(active_history=True)  # so that the value before a change is known


class RecordSession(Session):
    """A session that emits an event for each commit."""


@event.listens_for(RecordSession, "after_flush")
def remember(session: Session, _flush: UOWTransaction) -> None:
    """Note what was written; the values before a change are known only now."""
    events = session.info.setdefault("events", [])
    events += [RecordCreated(type(record), now(record)) for record in session.new]
    events += [
        RecordUpdated(type(record), now(record), before(record))
        for record in session.dirty
        if session.is_modified(record)
    ]
    events += [RecordDeleted(type(record), before(record)) for record in session.deleted]


@event.listens_for(RecordSession, "after_commit")
def emit(session: Session) -> None:
    """Emit what was noted."""
    for noted in session.info.pop("events", []):
        outcomes.extend(app.emit(noted))


@event.listens_for(RecordSession, "after_rollback")
def forget(session: Session) -> None:
    """Drop what was noted: the transaction was rolled back."""
    session.info.pop("events", None)


def now(record: object) -> dict[str, Any]:
    """Return the columns of *record*."""
    return {column.key: column.value for column in inspect(record).attrs}


def before(record: object) -> dict[str, Any]:
    """Return the columns of *record* as they were before the flush."""
    attributes = inspect(record).attrs
    return {a.key: a.history.deleted[0] if a.history.deleted else a.value for a in attributes}
