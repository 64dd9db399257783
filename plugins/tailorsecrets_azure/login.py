"""Who asks: the logins of azure-identity, one token for all threads, and for nothing but Key Vault.

azure-identity reads the environment of the process. Only where a program opens the store with an environment of its
own, the service principal that stands there is taken from it.
"""

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from azure import identity
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from tailorsecrets.driver import Target
from tailorsecrets.errors import ConfigError, Unavailable, is_outage
from tailorsecrets_azure.options import CLOUDS, Settings

_SCOPES: Final = frozenset(cloud.scope for cloud in CLOUDS)
_EARLY: Final = 300.0  # seconds before its end in which a token is not used any more, as the SDK has it
_SERVICE_PRINCIPAL: Final = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
_LONGEST_PROCESS: Final = 10.0  # seconds that az and its like may take


class Credential(Protocol):
    """What the SDK takes for a login."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """Return a token for *scopes*."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


class Login:
    """A credential that signs in when it is first needed, one thread at a time, and keeps the token for all of them."""

    def __init__(self, settings: Settings, target: Target) -> None:
        self._settings, self._target = settings, target
        self._credential: Credential | None = None
        self._token: AccessToken | None = None
        self._request: tuple[object, ...] = ()
        self._status = 0  # of the last answer of a service that signs in; MSAL asks no more for a while after a bad one
        self._lock = threading.Lock()

    def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, enable_cae: bool = False, **_: Any
    ) -> AccessToken:
        """Return a token for Key Vault.

        Raise ConfigError where the server asks for a token to something else, and Unavailable where the service that
        signs in is out of order, which azure-identity calls a failed login.
        """
        if not _SCOPES.issuperset(scopes):
            raise ConfigError("the server asks for a token that is not for Key Vault", hint="check the host in the URL")
        request = (scopes, tenant_id)
        with self._lock:
            if claims or request != self._request or not _is_good(self._token):
                self._token = self._new_token(*scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae)
                self._request = request
            assert self._token is not None
            return self._token

    def forget(self) -> None:
        """Close the credential, and let the next call sign in anew by another: each keeps the tokens that it got."""
        with self._lock:
            credential, self._credential, self._token = self._credential, None, None
        if credential:
            credential.close()

    def _new_token(self, *scopes: str, **options: Any) -> AccessToken:
        try:
            return self._source().get_token(*scopes, **options)
        except (ClientAuthenticationError, ValueError):  # ValueError: an answer that is no JSON
            if not is_outage(self._status):
                raise
        raise Unavailable(hint=f"the service that signs in answers with {self._status}")

    def _source(self) -> Credential:
        self._credential = self._credential or open_credential(self._settings, self._target, self._hear)
        return self._credential

    def _hear(self, response: Any) -> None:
        self._status = response.http_response.status_code


def open_credential(settings: Settings, target: Target, hear: Callable[[Any], None]) -> Credential:
    """Return the login that *settings* name, else azure-identity's chain of logins; call nothing.

    *hear* is called with each answer of a service that signs in.
    """
    _keep_off_stderr()
    web = {"raw_response_hook": hear, **_times(settings)}
    own = {name: target.environ.get(name, "") for name in _SERVICE_PRINCIPAL}
    if settings.credential in {"", "environment"} and all(own.values()) and _is_foreign(own):
        tenant, client, secret = own.values()
        return identity.ClientSecretCredential(tenant, client, secret, **_authority(settings), **web)
    if settings.credential:
        return _named(settings, web)
    client_id = {"managed_identity_client_id": settings.client_id} if settings.client_id else {}
    common = {**client_id, **_authority(settings), **web}
    return identity.DefaultAzureCredential(process_timeout=_seconds(settings), **common)


def _named(settings: Settings, web: Mapping[str, Any]) -> Credential:
    client_id: dict[str, Any] = {"client_id": settings.client_id} if settings.client_id else {}
    match settings.credential:
        case "environment":
            return identity.EnvironmentCredential(**_authority(settings), **web)
        case "workload":
            return identity.WorkloadIdentityCredential(**client_id, **_authority(settings), **web)
        case "managed":
            return identity.ManagedIdentityCredential(**client_id, **web)
        case "azd":
            return identity.AzureDeveloperCliCredential(process_timeout=_seconds(settings))
        case "powershell":
            return identity.AzurePowerShellCredential(process_timeout=_seconds(settings))
        case _:
            return identity.AzureCliCredential(process_timeout=_seconds(settings))


def _authority(settings: Settings) -> dict[str, Any]:
    """Return where to sign in; a private authority has its certificate from that of the option ca_bundle."""
    if not settings.is_private:
        return {"authority": settings.authority}
    verify = {"connection_verify": settings.ca_bundle} if settings.ca_bundle else {}
    return {"authority": settings.authority, "disable_instance_discovery": True, **verify}


def _keep_off_stderr() -> None:
    """Have azure-identity's warnings, pages long, reach only those who set up logging: the error says it in a line."""
    logger = logging.getLogger("azure")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _times(settings: Settings) -> dict[str, Any]:
    """Return what keeps signing in within the time of a read: azure-identity's own is 300 seconds and ten attempts."""
    longest = settings.timeout / 3
    return {"connection_timeout": min(3.0, longest), "read_timeout": longest, "retry_total": 1}


def _seconds(settings: Settings) -> int:
    return math.ceil(min(settings.timeout, _LONGEST_PROCESS))


def _is_foreign(own: Mapping[str, str]) -> bool:
    """Tell whether *own* is not what the process environment says, which azure-identity reads by itself."""
    return any(os.environ.get(name) != value for name, value in own.items())


def _is_good(token: AccessToken | None) -> bool:
    return token is not None and token.expires_on - time.time() > _EARLY
