"""Keeps values out of the log: at level DEBUG botocore logs each request and answer."""

from logging import WARNING, Filter, LogRecord, getLogger
from typing import Final

from tailorsecrets_aws.retry import current_operation

_LOGS_VALUES: Final = ("botocore.endpoint", "botocore.parsers", "botocore.auth")


class _DropValues(Filter):
    """Drops records below WARNING while this thread runs an operation of the driver."""

    def filter(self, record: LogRecord) -> bool:
        return record.levelno >= WARNING or current_operation() is None


_DROP_VALUES: Final = _DropValues()


def install_log_filter() -> None:
    """Keep the values of our calls out of the log; records of the process's other clients stay."""
    for name in _LOGS_VALUES:
        getLogger(name).addFilter(_DROP_VALUES)  # adding it twice changes nothing
