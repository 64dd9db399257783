"""Sending a webhook for an event: its URL, its body, its secrets, and retries."""

import json
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from tailorsecrets.app.operations import CREDENTIAL_HINT, Sent, Webhook
from tailorsecrets.app.outcome import WebhookFailed
from tailorsecrets.app.posting import PostRequest, PostResult
from tailorsecrets.app.runner import Runner
from tailorsecrets.errors import ConfigError, SecretsError, Unavailable
from tailorsecrets.references.resolving import Reader, references
from tailorsecrets.references.transport import check_httpx, check_transport
from tailorsecrets.secret import Secret

_LONGEST_WAIT: Final = 60.0
_OK: Final = range(200, 300)
_REDIRECTS: Final = range(300, 400)


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends webhooks with secrets from *secrets*, over TLS with the context that *verify* returns."""

    runner: Runner
    secrets: Reader
    verify: Callable[[], ssl.SSLContext]

    async def send(self, operation: Webhook, url: object, body: Any) -> Sent:
        """Send *body* to *url* until it is accepted or refused, or the retries are spent.

        Raise Unavailable where there was no response, WebhookFailed for a response that is not a 2xx, and the error of
        a secret that cannot be read or sent; then nothing is sent.
        """
        _check_url(operation, url)
        content, kind = _content(body)
        for attempt in count(1):
            headers = await self.runner.resolve(self.secrets, operation.headers)
            if kind and "content-type" not in map(str.lower, headers):
                headers["Content-Type"] = Secret(kind)
            request = PostRequest(str(url), headers, content, operation.timeout, self.verify())
            result = await self.runner.post(request)
            if result.status in _OK:
                return Sent(result.status, attempt)
            if not result.retryable or attempt > operation.retries:
                raise _error(result, attempt)
            await self.runner.sleep(_pause(operation.backoff, attempt))
        raise AssertionError("count has no end")


def _check_url(operation: Webhook, url: object) -> None:
    check_httpx()
    import httpx

    try:
        parsed = httpx.URL(str(url))
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if not isinstance(url, str) or parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ConfigError("url: the function did not return an http or https URL")
    if parsed.userinfo:
        raise ConfigError("url: it contains a credential", hint=CREDENTIAL_HINT)
    if references(operation.headers):
        check_transport(parsed.scheme, parsed.host, allow_http=operation.allow_http)


def _content(body: Any) -> tuple[bytes, str]:
    """Return the bytes to send and their content type, which a header may replace."""
    if body is None:
        return b"", ""
    if isinstance(body, bytes):
        return body, ""
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return json.dumps(body, allow_nan=False).encode(), "application/json"


def _pause(backoff: float, attempt: int) -> float:
    spread: float = random.uniform(0.5, 1)  # noqa: S311  # not a secret: it spreads the load
    return min(backoff * 2.0 ** (attempt - 1), _LONGEST_WAIT) * spread


def _error(result: PostResult, attempts: int) -> SecretsError:
    times = f" ({attempts} times)" if attempts > 1 else ""
    if not result.status:
        return Unavailable(f"the webhook got no response: {result.problem}{times}", op="webhook", retryable=False)
    hint = "redirects are not followed; give the final URL" if result.status in _REDIRECTS else ""
    return WebhookFailed(f"the response to the webhook was {result.status}{times}", status=result.status, hint=hint)
