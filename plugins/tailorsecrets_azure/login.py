"""Sign-in with azure-identity: one token for all threads, and for Key Vault only.

azure-identity reads the environment of the process. If a program opens the store with another environment, only the
service principal comes from it.
"""

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, cast

from azure import identity
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import RequestsTransport

from tailorsecrets.driver import Target
from tailorsecrets.errors import ConfigError, Unavailable, is_outage
from tailorsecrets_azure.errors import is_certificate
from tailorsecrets_azure.options import CLOUDS, PUBLIC, Options, cloud_of

_SCOPES: Final = frozenset(cloud.scope for cloud in CLOUDS)
_EARLY: Final = 300.0  # seconds before its end when a token is replaced, as in the SDK
_SERVICE_PRINCIPAL: Final = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
_NO_ANSWER: Final = "the sign-in service does not answer; check the network and the option authority"
_LONGEST_PROCESS: Final = 10.0  # seconds for az, azd and PowerShell


class Credential(Protocol):
    """The SDK's interface of a login."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a token for *scopes*."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


class Login:
    """A credential that signs in when it is first needed, one thread at a time, and keeps the token for all of them."""

    def __init__(self, options: Options, target: Target) -> None:
        self._options, self._target = options, target
        self._credential: Credential | None = None
        self._token: AccessToken | None = None
        self._request: tuple[object, ...] = ()
        self._transport = _Transport()
        self._timeouts = 0  # sign-ins so far that got no answer
        self._lock = threading.Lock()

    def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, enable_cae: bool = False, **_: Any
    ) -> AccessToken:
        """Return a token for Key Vault.

        Raise ConfigError where the server asks for a token for something else, and Unavailable where the sign-in
        service has an outage, which azure-identity reports as a failed login.
        """
        if not _SCOPES.issuperset(scopes):
            raise ConfigError("the server asks for a token that is not for Key Vault", hint="check the host in the URL")
        request, timeouts = (scopes, tenant_id), self._timeouts
        with self._lock:
            if timeouts != self._timeouts:  # while this thread waited for another one
                raise Unavailable(hint=_NO_ANSWER, retryable=False)
            if claims or request != self._request or not _is_good(self._token):
                self._token = self._new_token(*scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae)
                self._request = request
            assert self._token is not None
            return self._token

    def token(self) -> AccessToken:
        """Return the token of the last call; sign in where there is none that lasts."""
        token = self._token
        return token if token and _is_good(token) else self.get_token((cloud_of(self._options.host) or PUBLIC).scope)

    def forget(self) -> None:
        """Close the credential, which keeps its tokens; the next call signs in with a new one."""
        with self._lock:
            credential, self._credential, self._token = self._credential, None, None
        if credential:
            credential.close()

    def _new_token(self, *scopes: str, **request: Any) -> AccessToken:
        if self._credential is None:
            self._transport = _Transport(**_times(self._target), **_trust(self._options))
            self._credential = open_credential(self._options, self._target, self._transport)
        try:
            return self._credential.get_token(*scopes, **request)
        except (AzureError, ValueError):  # ValueError: the answer is not JSON
            outage = self._transport.outage
            if not outage:
                raise
        self._timeouts += outage == _NO_ANSWER
        raise Unavailable(hint=outage, retryable=outage != _NO_ANSWER)  # a slow one is not repeated


class _Transport(RequestsTransport):  # type: ignore[misc]  # azure.core imports it in a way that mypy cannot follow
    """Remembers the outages of a sign-in service, which azure-identity reports as failed logins.

    Its chain of logins even drops the original exceptions. ``outage`` says what went wrong with the last request; after
    an error MSAL sends no further one for a while.
    """

    outage = ""

    def send(self, request: Any, **options: Any) -> Any:
        """Send *request*."""
        is_search = "connection_timeout" in options  # for a managed identity, which this machine may not have
        try:
            response = cast("Any", super().send(request, **options))  # pyright: ignore[reportUnknownMemberType]
        except AzureError as exc:
            self.outage = "" if is_search or is_certificate(exc) else _NO_ANSWER
            raise
        status = response.status_code
        self.outage = f"the sign-in service answers with status {status}" if is_outage(status) else ""
        return response


def open_credential(options: Options, target: Target, transport: RequestsTransport) -> Credential:
    """Return the login that *options* name, else azure-identity's chain of logins; call nothing."""
    _keep_off_stderr()
    web: dict[str, Any] = {"transport": transport, "retry_total": 1}  # its own: ten repeats
    own = {name: target.environ.get(name, "") for name in _SERVICE_PRINCIPAL}
    if options.credential in {"", "environment"} and all(own.values()) and _differs_from_process(own):
        tenant, client, secret = own.values()
        return identity.ClientSecretCredential(tenant, client, secret, **_authority(options), **web)
    authority = _authority(options)
    process: dict[str, Any] = {"process_timeout": math.ceil(min(target.seconds(), _LONGEST_PROCESS))}
    client_id: dict[str, Any] = {"client_id": options.client_id} if options.client_id else {}
    managed = {f"managed_identity_{name}": text for name, text in client_id.items()}
    logins: dict[str, Callable[[], Credential]] = {
        "": lambda: identity.DefaultAzureCredential(**process, **managed, **authority, **web),
        "environment": lambda: identity.EnvironmentCredential(**authority, **web),
        "workload": lambda: identity.WorkloadIdentityCredential(**client_id, **authority, **web),
        "managed": lambda: identity.ManagedIdentityCredential(**client_id, **web),
        "cli": lambda: identity.AzureCliCredential(**process),
        "azd": lambda: identity.AzureDeveloperCliCredential(**process),
        "powershell": lambda: identity.AzurePowerShellCredential(**process),
    }
    return logins[options.credential]()


def _authority(options: Options) -> dict[str, Any]:
    return {"authority": options.authority, **({"disable_instance_discovery": True} if options.is_private else {})}


def _trust(options: Options) -> dict[str, Any]:
    """Return the authorities to trust: the option ca_bundle is for a private sign-in service too."""
    return {"connection_verify": options.ca_bundle} if options.is_private and options.ca_bundle else {}


def _keep_off_stderr() -> None:
    """Keep azure-identity's long warnings for programs that set up logging: the error says the same in one line."""
    logger = logging.getLogger("azure")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _times(target: Target) -> dict[str, Any]:
    """Return time-outs with which an attempt and its repeat fit into a read; azure-identity's own is 300 seconds."""
    longest = target.seconds() / 3
    return {"connection_timeout": min(3.0, longest), "read_timeout": longest}


def _differs_from_process(own: Mapping[str, str]) -> bool:
    """Return whether *own* differs from the process environment, which azure-identity reads itself."""
    return any(os.environ.get(name) != value for name, value in own.items())


def _is_good(token: AccessToken | None) -> bool:
    return token is not None and token.expires_on - time.time() > _EARLY
