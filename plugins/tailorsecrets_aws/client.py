"""One botocore client, made at the first call, for all threads of one process."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError
from botocore.session import Session

from tailorsecrets.driver import PerProcess, ServerClock, Target
from tailorsecrets.errors import ConfigError
from tailorsecrets_aws.log_filter import install_log_filter
from tailorsecrets_aws.login import Login, handed_variables, open_session
from tailorsecrets_aws.retry import Retry, client_config, operation, refuse_empty

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_FILES: Final = "check the URL, ~/.aws/config, ~/.aws/credentials and the AWS_ variables"


class Connection:
    """Gives the client for the time of one operation."""

    def __init__(self, target: Target) -> None:
        """Check region, profile and files of *target*; nothing is called."""
        sessions = PerProcess(lambda: open_session(target))
        with _config_errors():
            sessions.get()
        target.file("ca_bundle")
        self._target, self.clock = target, ServerClock()
        self._client = PerProcess(lambda: _open_client(target, sessions.drop() or open_session(target), self.clock))

    def prepare(self) -> None:
        """Make the client."""
        self._client.get()

    @contextmanager
    def reading(self) -> "Generator[SecretsManagerClient]":
        """Give the client for one read: all calls in the block share its budget."""
        with operation(self._target.seconds()):
            yield self._client.get()

    @contextmanager
    def writing(self) -> "Generator[SecretsManagerClient]":
        """Give the client for one write, which has more time."""
        with operation(self._target.seconds(write=True)):
            yield self._client.get()

    def close(self) -> None:
        """Close the client; the next operation makes another."""
        client = self._client.drop()
        if client:
            client.close()


def _open_client(target: Target, session: Session, clock: ServerClock) -> "SecretsManagerClient":
    """Return a client; it signs in at its first call. *clock* gets each answer."""
    with _config_errors():
        login = Login(session, target)
        client: SecretsManagerClient = session.create_client(  # type: ignore[assignment]  # typed for boto3
            "secretsmanager",
            endpoint_url=target.options.get("endpoint_url") or handed_endpoint(target, "SECRETS_MANAGER"),
            verify=target.file("ca_bundle") or None,
            config=client_config(target.timeout, attempts=1),
        )
    events: Any = client.meta.events  # the stubs know no handler that answers
    events.unregister("needs-retry.secrets-manager", unique_id="retry-config-secrets-manager")  # botocore's own
    events.register("needs-retry.secrets-manager", Retry(target.timeout, login))
    events.register("after-call.secrets-manager", refuse_empty)
    events.register("response-received.secrets-manager", partial(_hear, clock))
    install_log_filter()
    return client


def _hear(clock: ServerClock, *, response_dict: Mapping[str, Any] | None, **_: object) -> None:
    """Answer botocore's event ``response-received``, also for an error; there is none where nothing answered."""
    headers: Mapping[str, str] = (response_dict or {}).get("headers", {})
    clock.hear(headers.get("date", ""))


@contextmanager
def _config_errors() -> Generator[None]:
    """Raise ConfigError for a profile, a file or a variable that botocore refuses."""
    try:
        yield
    except (BotoCoreError, ValueError) as exc:
        raise ConfigError(str(exc), hint=_FILES) from None


def handed_endpoint(target: Target, service: str) -> str | None:
    """Return the endpoint of *service* in the variables of *target*; None where botocore looks itself."""
    handed = handed_variables(target.environ)
    return handed.get(f"AWS_ENDPOINT_URL_{service}") or handed.get("AWS_ENDPOINT_URL") or None
