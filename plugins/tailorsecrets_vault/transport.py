"""hvac's adapter, and what it leaves out.

It tells the status of an error, has time-outs that depend on the request, sends values as UTF-8, takes nothing for an
answer that is cut or comes from a web page, and waits for a server that says "not yet".
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, cast

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Timeout

from tailorsecrets_vault.hvac_types import JSONAdapter, VaultError
from tailorsecrets_vault.options import Settings
from tailorsecrets_vault.refusals import is_not_yet

CONNECTING: Final = 3.0  # seconds
PATIENCE: Final = 5.0  # seconds that a new mount may take to be usable, or a standby to catch up
_PAUSE: Final = 0.05
_WRITES_TAKE: Final = 4  # times as long as reads
_CONNECTIONS: Final = 16  # kept open
_READS: Final = ("get", "list")
_SAYS: Final = frozenset({"errors", "data", "warnings"})
_LAGGING: Final = 412  # a standby of Vault Enterprise that has not caught up


class NoAnswer(VaultError):
    """What answers is no Vault server, or its answer was cut."""

    status = 200
    retry_after = None


class Wire(JSONAdapter):
    """One session of requests, made by ``http_session``."""

    def request(self, method: str, url: str, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
        """Send a request until the server is ready for it, and return its answer; the JSON object if it has one."""
        if "json" in options:
            options["data"] = json.dumps(options.pop("json"), ensure_ascii=False).encode()
            headers = {"Content-Type": "application/json", **(headers or {})}
        options["timeout"] = self._timeout(method)
        end = time.monotonic() + min(PATIENCE, self._kwargs["timeout"])
        while True:
            try:
                return _whole(super().request(method, url, dict(headers or {}), **options))
            except VaultError as exc:
                if not (exc.status == _LAGGING or is_not_yet(exc)) or time.monotonic() > end:
                    raise
            time.sleep(_PAUSE)

    def _timeout(self, method: str) -> Timeout:
        seconds: float = self._kwargs["timeout"]
        total = seconds * (1 if method in _READS else _WRITES_TAKE)
        return Timeout(connect=min(CONNECTING, total), total=total)

    def _raise_for_error(self, method: str, url: str, response: requests.Response) -> None:
        if response.status_code == requests.codes.not_found and not _is_of_vault(response):
            raise NoAnswer  # of a proxy, say: it is no word on a secret
        try:
            super()._raise_for_error(method, url, response)
        except VaultError as exc:
            exc.status, exc.retry_after = response.status_code, _seconds(response.headers.get("Retry-After", ""))
            raise


def http_session(settings: Settings) -> requests.Session:
    """Return a session that checks the server's certificate as *settings* say, and repeats nothing by itself."""
    session = requests.Session()
    session.verify, session.cert = settings.verify, settings.certificate
    session.auth = _with_the_token_alone
    session.mount("https://", _Named(settings.server_name))
    session.mount("http://", HTTPAdapter(pool_maxsize=_CONNECTIONS))
    return session


class _Named(HTTPAdapter):
    """Connections to a server whose certificate is made out to *name*."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__(pool_maxsize=_CONNECTIONS)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        if self._name:
            options |= {"server_hostname": self._name, "assert_hostname": self._name}
        super().init_poolmanager(*args, **options)


def _with_the_token_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add nothing: without an ``auth``, requests looks for a password in ~/.netrc at each call."""
    return request


def _whole(answer: Any) -> Any:
    """Return *answer*, which hvac gives as it came where it is no JSON."""
    text = isinstance(answer, requests.Response) and answer.status_code == requests.codes.ok
    if text or not isinstance(answer, (dict, requests.Response)):
        raise NoAnswer
    return cast("Any", answer)


def _is_of_vault(response: requests.Response) -> bool:
    """Tell whether an answer that finds nothing is one of Vault's, which say why in JSON."""
    body: object = None
    with suppress(ValueError):
        body = response.json()
    return isinstance(body, dict) and not _SAYS.isdisjoint(cast("dict[str, object]", body))


def _seconds(text: str) -> float | None:
    with suppress(ValueError):
        return max(0.0, float(text))
    return None
