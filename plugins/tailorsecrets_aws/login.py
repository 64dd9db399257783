"""Where the store is and who asks: the region, and boto3's chain of logins, with a role on top where one is named."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import boto3
from botocore.client import BaseClient
from botocore.credentials import AssumeRoleCredentialFetcher, Credentials, DeferredRefreshableCredentials
from botocore.exceptions import NoCredentialsError, ProfileNotFound
from botocore.session import Session

from tailorsecrets.driver import Target
from tailorsecrets.errors import ConfigError
from tailorsecrets_aws.retry import wire

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_STS_ATTEMPTS: Final = 2
_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL")
_REGION: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VARIABLES: Final = {
    "profile": "AWS_PROFILE",
    "config_file": "AWS_CONFIG_FILE",
    "credentials_file": "AWS_SHARED_CREDENTIALS_FILE",
    "ca_bundle": "AWS_CA_BUNDLE",
}


def region_of(target: Target) -> str:
    """Return the URL's region, else AWS_REGION, AWS_DEFAULT_REGION or the profile's; ConfigError where none is told."""
    environ, profile = target.environ, _profile(target)
    told = (target.host, environ.get("AWS_REGION"), environ.get("AWS_DEFAULT_REGION"), profile.get("region"))
    region = next((region for region in told if region), "")
    if not region:
        raise ConfigError(f"{target.url} names no region", hint="write aws://REGION or set AWS_REGION")
    if not _REGION.fullmatch(region):
        raise ConfigError(f"{region!r} is no region", hint="a region looks like eu-west-1")
    return region


def check_files(target: Target) -> None:
    """Raise ConfigError for a ca_bundle that is not there; reads nothing of it."""
    path = _ca_bundle(target)
    if path and not Path(path).is_file():
        raise ConfigError(f"ca_bundle={target.options['ca_bundle']}: there is no file {path}")


def open_client(target: Target) -> "SecretsManagerClient":
    """Return a client. Only finding the login may call something: the machine's or the container's own service."""
    region, session = region_of(target), _session(target)
    if "role_arn" in target.options:
        session.register_component("credential_provider", _Role(session, target.options, region))
    opened = boto3.Session(botocore_session=session, region_name=region)
    untyped: Any = opened  # its stubs have an overload for each of AWS's services
    client: SecretsManagerClient = untyped.client(
        "secretsmanager",
        endpoint_url=target.options.get("endpoint_url") or _endpoint(target.environ),
        verify=_ca_bundle(target),
        config=wire(target.timeout, attempts=1),
    )
    return client


class _Role:
    """Stands in for botocore's chain of logins: what the chain finds assumes a role, again before each expiry."""

    def __init__(self, session: Session, options: Mapping[str, str], region: str) -> None:
        self._session, self._options, self._region = session, options, region
        self._chain = session.get_component("credential_provider")

    def load_credentials(self) -> DeferredRefreshableCredentials:
        """Return credentials that call STS when they are needed first; NoCredentialsError where the chain has none."""
        source: Credentials | None = self._chain.load_credentials()
        if source is None:
            raise NoCredentialsError
        named = {"RoleSessionName": self._options.get("session_name", "tailorsecrets")}
        if "external_id" in self._options:
            named["ExternalId"] = self._options["external_id"]
        fetcher = AssumeRoleCredentialFetcher(self._create_client, source, self._options["role_arn"], extra_args=named)
        return DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)

    def _create_client(self, service: str, **login: Any) -> BaseClient:
        return self._session.create_client(service, region_name=self._region, **login)


def _session(target: Target) -> Session:
    session = Session(profile=target.options.get("profile"))
    session.set_default_client_config(wire(target.timeout, attempts=_STS_ATTEMPTS))
    if _is_foreign(target.environ):
        _adopt(session, target.environ)
    return session


def _profile(target: Target) -> Mapping[str, Any]:
    """Return what the profile says; ConfigError where it is named and not there."""
    try:
        return cast("Mapping[str, Any]", _session(target).get_scoped_config())
    except ProfileNotFound as exc:
        told = str(exc)
    raise ConfigError(told, hint="aws configure list-profiles shows those that are there")


def _ca_bundle(target: Target) -> str | None:
    path = target.options.get("ca_bundle")
    return str(Path(target.base) / path) if path else None


def _is_foreign(environ: Mapping[str, str]) -> bool:
    """Tell whether *environ* says other things about AWS than the process environment, which is what botocore reads."""
    names = {name for name in (*environ, *os.environ) if name.startswith("AWS_")}
    return any(environ.get(name) != os.environ.get(name) for name in names)


def _adopt(session: Session, environ: Mapping[str, str]) -> None:
    """Let *session* take from *environ* the variables that choose a login."""
    chosen = session.instance_variables()
    for variable, name in _VARIABLES.items():
        if name in environ and variable not in chosen:
            session.set_config_variable(variable, environ[name])
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if key and secret and "profile" not in chosen:
        session.set_credentials(key, secret, environ.get("AWS_SESSION_TOKEN"))


def _endpoint(environ: Mapping[str, str]) -> str | None:
    if not _is_foreign(environ):
        return None  # botocore looks itself, also in the profile
    return next((environ[name] for name in _ENDPOINTS if environ.get(name)), None)
