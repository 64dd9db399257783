"""Keeps values out of the log: at level DEBUG botocore logs each request and answer."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from logging import WARNING, Filter, LogRecord, getLogger
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_LOGS_VALUES: Final = ("botocore.endpoint", "botocore.parsers", "botocore.auth")
_is_ours: Final = ContextVar("tailorsecrets_ssm_call", default=False)


class _DropValues(Filter):
    """Drops records below WARNING while this thread is in a call of the driver."""

    def filter(self, record: LogRecord) -> bool:
        return record.levelno >= WARNING or not _is_ours.get()


_DROP_VALUES: Final = _DropValues()


def quiet(call: Callable[P, T]) -> Callable[P, T]:
    """Make *call* without a log record that shows a value; records of the process's other clients stay."""
    for name in _LOGS_VALUES:
        getLogger(name).addFilter(_DROP_VALUES)  # adding it twice changes nothing

    @wraps(call)
    def made(*args: P.args, **options: P.kwargs) -> T:
        token = _is_ours.set(True)
        try:
            return call(*args, **options)
        finally:
            _is_ours.reset(token)

    return made
