"""The operations of executors: send a webhook, call a function, start a workflow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast
from urllib.parse import urlsplit

from tailorsecrets.app.parameters import bind
from tailorsecrets.app.workflows import Workflow
from tailorsecrets.errors import ConfigError
from tailorsecrets.references.resolving import HeaderValue, ParsedHeaders, cover, parse_headers, references
from tailorsecrets.references.transport import check_transport

CREDENTIAL_HINT: Final = "send it in a header that refers to a secret"
_KINDS: Final = ("webhook", "function", "workflow")
_WEBHOOK_KEYS: Final = ("url", "headers", "requestBody", "timeout", "retries", "backoff", "allow_http")


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of a webhook: the status of the response, and the number of attempts."""

    status: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Webhook:
    """An HTTP POST."""

    url: str | Callable[..., Any]
    headers: ParsedHeaders = field(default_factory=dict[str, Any])
    request_body: Any = None
    timeout: float = 10.0
    retries: int = 3
    backoff: float = 0.5
    allow_http: bool = False

    def __str__(self) -> str:
        """Show the host, but no path, which is a secret with some services."""
        return f"webhook {'/'.join(self.url.split('/')[:3])}" if isinstance(self.url, str) else "webhook"

    def check(self, event: type) -> None:
        """Raise ConfigError where it cannot be sent for such an event."""
        if isinstance(self.url, str):
            _check_url(self)
        else:
            bind("url", self.url, event)
        if callable(self.request_body):
            bind("requestBody", self.request_body, event)
        if not (self.timeout > 0 and self.retries >= 0 and self.backoff >= 0):
            raise ConfigError("a webhook needs a timeout above 0, and retries and backoff of 0 or more")


@dataclass(frozen=True, slots=True)
class Function:
    """A call of a function."""

    body: Callable[..., Any]

    def __str__(self) -> str:
        return "function"

    def check(self, event: type) -> None:
        """Raise ConfigError where the body cannot be called for such an event."""
        bind("body", self.body, event)


@dataclass(frozen=True, slots=True)
class WorkflowStart:
    """The start of a workflow, given as such or by its name in the app."""

    workflow: Workflow | str
    args: Any = None

    def __str__(self) -> str:
        return f"workflow {self.workflow if isinstance(self.workflow, str) else self.workflow.name}"

    def check(self, event: type) -> None:
        """Raise ConfigError where the args cannot be made from such an event."""
        if callable(self.args):
            bind("args", self.args, event)


Operation = Webhook | Function | WorkflowStart


def webhook(
    *,
    url: str | Callable[..., Any],
    headers: Mapping[str, HeaderValue] | None = None,
    request_body: Any = None,
    timeout: float = 10.0,
    retries: int = 3,
    backoff: float = 0.5,
    allow_http: bool = False,
) -> Webhook:
    """Send a POST to *url*. A status of 2xx is success; redirects are not followed.

    *url* and *request_body* may be functions of the event, plain or async. *headers* may have references to secrets,
    resolved at each send. A body of text or bytes is sent as it is, any other but None as JSON. *timeout* is in
    seconds, for connecting, sending and waiting each. After a connection error, a time-out or a 5xx it is sent again,
    at most *retries* times, after *backoff* seconds, doubled each time up to 60; the receiver may get it twice. Secrets
    go over https only, or to this machine, unless *allow_http*.
    """
    headers = cover(headers or {})
    return Webhook(url, parse_headers(headers), request_body, timeout, retries, backoff, allow_http)


def parse_operation(given: object) -> Operation:
    """Return the operation of *given*, a mapping with a ``kind``; raise ConfigError where it is not one."""
    if isinstance(given, Operation):
        return given
    if not isinstance(given, Mapping):
        raise ConfigError(f"operation: expected a mapping with a kind, got {type(given).__name__}")
    fields: dict[str, Any] = dict(cast("Mapping[str, Any]", given))
    match fields.pop("kind", None):
        case "webhook":
            _check_keys("webhook", fields, {"url"}, _WEBHOOK_KEYS)
            return webhook(request_body=fields.pop("requestBody", None), **fields)
        case "function":
            _check_keys("function", fields, {"body"}, ("body",))
            return Function(fields["body"])
        case "workflow":
            _check_keys("workflow", fields, {"workflow"}, ("workflow", "args"))
            return WorkflowStart(**fields)
        case kind:
            raise ConfigError(f"operation: kind must be one of {', '.join(_KINDS)}, not {kind!r}")


def _check_keys(kind: str, fields: Mapping[str, Any], needed: set[str], known: tuple[str, ...]) -> None:
    wrong = sorted((needed - set(fields)) | (set(fields) - set(known)))
    if wrong:
        raise ConfigError(
            f"operation {kind}: missing or unknown: {', '.join(wrong)}", hint=f"known: {', '.join(known)}"
        )


def _check_url(operation: Webhook) -> None:
    try:
        parts = urlsplit(str(operation.url))
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.username or parts.password:  # not shown
        raise ConfigError("url: it contains a credential", hint=CREDENTIAL_HINT)
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigError(f"url: {operation.url!r} is not an http or https URL")
    if references(operation.headers):
        check_transport(parts.scheme, host, allow_http=operation.allow_http)
