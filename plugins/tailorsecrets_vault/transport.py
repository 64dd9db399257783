"""The hvac adapter, with what hvac lacks.

Errors carry their status, time-outs depend on the request, values are sent as UTF-8, a truncated answer or a web page
is an error, and a server that is not ready or refuses the connection is asked again for a while.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, cast

import requests
from hvac.adapters import JSONAdapter
from hvac.exceptions import VaultError
from urllib3 import Timeout

from tailorsecrets.driver import CONNECT_SECONDS, Budget, seconds_for
from tailorsecrets.errors import Unavailable
from tailorsecrets.kit import retry_after
from tailorsecrets_vault.messages import annotate, is_not_ready, status_of

NOT_READY_SECONDS: Final = 5.0  # for a new mount to become usable, or a standby to catch up
READS: Final = ("get", "list")
_VAULT_KEYS: Final = frozenset({"errors", "data", "warnings"})
_STANDBY_BEHIND: Final = 412  # a standby of Vault Enterprise that has not caught up


class InvalidAnswer(VaultError):
    """The answer is not from a Vault server, or it is truncated."""


class Adapter(JSONAdapter):
    """The requests of one session, which ``session.new_session`` makes."""

    def request(self, method: str, url: str, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
        """Send a request until the server is ready for it, and return the JSON object of the answer, if it has one."""
        if "json" in options:
            options["data"] = json.dumps(options.pop("json"), ensure_ascii=False).encode()
            headers = {"Content-Type": "application/json", **(headers or {})}
        seconds = seconds_for(self._kwargs["timeout"], write=method not in READS)
        options["timeout"] = Timeout(connect=min(CONNECT_SECONDS, seconds), total=seconds)
        budget = Budget(min(NOT_READY_SECONDS, seconds))
        while True:
            try:
                return _valid(super().request(method, url, dict(headers or {}), **options))
            except VaultError as exc:
                if not (status_of(exc) == _STANDBY_BEHIND or is_not_ready(exc)) or not budget.wait():
                    raise
            except requests.ConnectionError as exc:
                if not _is_refused(exc):
                    raise
                if not budget.wait(refused=True):
                    break
        raise Unavailable(hint=f"connection refused: is the server at {self.base_uri} running?", retryable=False)

    def _raise_for_error(self, method: str, url: str, response: requests.Response) -> None:
        if response.status_code == requests.codes.not_found and not _is_from_vault(response):
            raise InvalidAnswer  # of a proxy, for example: it says nothing about a secret
        try:
            super()._raise_for_error(method, url, response)
        except VaultError as exc:
            annotate(exc, response.status_code, retry_after(response.headers))
            raise


def _is_refused(exc: BaseException | None) -> bool:
    while exc is not None and not isinstance(exc, ConnectionRefusedError):
        exc = exc.__cause__ or exc.__context__
    return exc is not None


def _valid(answer: Any) -> Any:
    """Return *answer*; hvac returns the response itself where it is not JSON."""
    is_text = isinstance(answer, requests.Response) and answer.status_code == requests.codes.ok
    if is_text or not isinstance(answer, (dict, requests.Response)):
        raise InvalidAnswer
    return cast("Any", answer)


def _is_from_vault(response: requests.Response) -> bool:
    """Tell whether a 404 is from Vault, which says why in JSON."""
    body: object = None
    with suppress(ValueError):
        body = response.json()
    return isinstance(body, dict) and not _VAULT_KEYS.isdisjoint(cast("dict[str, object]", body))
