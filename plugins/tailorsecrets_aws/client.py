"""One boto3 client, made at the first call, for all threads of one process."""

import os
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from tailorsecrets.driver import Target
from tailorsecrets.errors import Unauthenticated
from tailorsecrets_aws.errors import explain
from tailorsecrets_aws.log_filter import keep_logs_quiet
from tailorsecrets_aws.login import check_files, open_client, region_of
from tailorsecrets_aws.retry import WRITE_BUDGET, Patience, budget, refuse_nothing

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True, slots=True)
class _Opened:
    client: "SecretsManagerClient"
    process: int


class Connection:
    """Gives the client for the time of one operation."""

    def __init__(self, target: Target) -> None:
        """Check what *target* says of region, profile and files; call nothing."""
        region_of(target)
        check_files(target)
        self._target = target
        self._opened: _Opened | None = None
        self._lock, self._process = threading.Lock(), os.getpid()

    @contextmanager
    def reading(self) -> "Generator[SecretsManagerClient]":
        """Give the client for one read: all calls in the block share its budget."""
        with self._within(self._target.timeout) as client:
            yield client

    @contextmanager
    def writing(self) -> "Generator[SecretsManagerClient]":
        """Give the client for one write, which may take longer."""
        with self._within(self._target.timeout * WRITE_BUDGET) as client:
            yield client

    def close(self) -> None:
        """Let go of the client; the next operation would make another."""
        opened, self._opened = self._opened, None
        if opened and opened.process == os.getpid():
            opened.client.close()

    @contextmanager
    def _within(self, seconds: float) -> "Generator[SecretsManagerClient]":
        with budget(seconds):
            opened = self._current()
            try:
                yield opened.client
            except (BotoCoreError, ClientError) as exc:
                if issubclass(explain(exc, "get").kind, Unauthenticated):
                    self._forget(opened)  # the next operation looks for a login anew: a tool may have renewed it
                raise

    def _current(self) -> _Opened:
        opened = self._opened
        if opened is None or opened.process != os.getpid():
            with self._own_lock():
                opened = self._opened
                if opened is None or opened.process != os.getpid():
                    self._opened = opened = _Opened(_prepared(self._target), os.getpid())
        return opened

    def _forget(self, opened: _Opened) -> None:
        if self._opened is opened:
            self._opened = None

    def _own_lock(self) -> threading.Lock:
        if self._process != os.getpid():  # a fork copies a lock without the thread that would let go of it
            self._lock, self._process = threading.Lock(), os.getpid()
        return self._lock


def _prepared(target: Target) -> "SecretsManagerClient":
    client = open_client(target)
    events: Any = client.meta.events  # whose stubs know no handler that answers
    events.register("needs-retry.secrets-manager", Patience(target.timeout))
    events.register("after-call.secrets-manager", refuse_nothing)
    keep_logs_quiet()
    return client
