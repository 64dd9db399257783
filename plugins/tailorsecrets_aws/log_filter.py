"""Keeping values out of the log: at level DEBUG botocore writes down every request and answer."""

from logging import WARNING, Filter, LogRecord, getLogger
from typing import Final

from tailorsecrets_aws.retry import in_operation

_LOGS_VALUES: Final = ("botocore.endpoint", "botocore.parsers", "botocore.auth")


class _Quiet(Filter):
    """Drops what is below WARNING while an operation of ours runs in the thread."""

    def filter(self, record: LogRecord) -> bool:
        return record.levelno >= WARNING or not in_operation()


_QUIET: Final = _Quiet()


def keep_logs_quiet() -> None:
    """Let no value into the log; what other boto3 clients of the process log stays as it is."""
    for name in _LOGS_VALUES:
        getLogger(name).addFilter(_QUIET)  # a filter that is there already is not added again
