"""Region, botocore session and credentials: botocore's chain of logins, with a role on top where the URL names one."""

import os
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    Credentials,
    DeferredRefreshableCredentials,
    ReadOnlyCredentials,
    RefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.loaders import create_loader
from botocore.session import Session

from tailorsecrets.driver import PerProcess, Target
from tailorsecrets.errors import ConfigError, Unauthenticated
from tailorsecrets_aws.errors import explain
from tailorsecrets_aws.retry import client_config, current_operation

_STS_ATTEMPTS: Final = 2
_REGION: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_VARIABLES: Final = {
    "profile": "AWS_PROFILE",
    "config_file": "AWS_CONFIG_FILE",
    "credentials_file": "AWS_SHARED_CREDENTIALS_FILE",
    "ca_bundle": "AWS_CA_BUNDLE",
}


def open_session(target: Target) -> Session:
    """Return a session with the region and the profile of *target*; it reads botocore's files and calls nothing."""
    session = Session(profile=target.options.get("profile"))
    session.set_default_client_config(client_config(target.timeout, attempts=_STS_ATTEMPTS))
    handed = handed_variables(target.environ)
    for variable, name in _VARIABLES.items():
        if name in handed and variable not in session.instance_variables():
            session.set_config_variable(variable, handed[name])
    session.set_config_variable("region", _region_of(target, session.get_scoped_config()))
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return session


_loader = cache(create_loader)  # all sessions share what it has parsed: most of the time to make a client


def _region_of(target: Target, profile: Mapping[str, Any]) -> str:
    """Return the region of the URL, of AWS_REGION, of AWS_DEFAULT_REGION or of the profile; ConfigError for none."""
    environ = target.environ
    named = (target.host, environ.get("AWS_REGION"), environ.get("AWS_DEFAULT_REGION"), profile.get("region"))
    region = next(filter(None, named), "")
    if not region:
        raise ConfigError(f"{target.url} names no region", hint="write aws://REGION or set AWS_REGION")
    if not _REGION.fullmatch(region):
        raise ConfigError(f"{region!r} is not a region", hint="a region looks like eu-west-1")
    return region


def handed_variables(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the AWS variables of *environ*, {} where they are those of the process, which botocore itself reads."""
    handed, own = (
        {name: text for name, text in variables.items() if name.startswith("AWS_")}
        for variables in (environ, os.environ)
    )
    return {} if handed == own else handed


class Login(Credentials):
    """The credentials of a client: found at the first call, and found again when AWS no longer accepts them.

    It replaces the session's chain of logins, which botocore asks for credentials when it makes a client.
    """

    def __init__(self, session: Session, target: Target) -> None:
        super().__init__("", "")
        self._target = target
        self._first: tuple[Session, Any] | None = _chain_of(session)
        self._found = PerProcess(self._sign_in)
        session.register_component("credential_provider", self)

    def load_credentials(self) -> Credentials:
        """Return itself; nothing is looked for before the first call."""
        return self

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Return the keys to sign a call with; sign in where there are none yet, or where they cannot be renewed."""
        found = self._found.get()
        frozen = _frozen(found)
        if frozen is None:
            self._found.drop(found)
            found = self._found.get()
            frozen = found.get_frozen_credentials()
        running = current_operation()
        if running:
            running.signed_with = found
        return frozen

    def renew(self, refused: Credentials) -> bool:
        """Sign in again after AWS did not accept *refused*; return whether there are other keys now."""
        if self._found.drop(refused) is None:
            return True  # another thread has done so
        found = self._found.get()
        if found.get_frozen_credentials() != _frozen(refused):
            return True
        self._found.drop(found)  # the next operation signs in: until then another tool may have renewed the login
        return False

    def end(self) -> tuple[datetime | None, bool]:
        """Return when the keys end, None for never, and whether botocore then gets new ones."""
        found = self._found.get()
        until: datetime | None = getattr(found, "_expiry_time", None)  # botocore shows it nowhere else
        return until, isinstance(found, RefreshableCredentials)

    def _sign_in(self) -> Credentials:
        """Ask the chain of logins; from the second time on a new chain, which reads all files again."""
        session, chain = self._first or _chain_of(open_session(self._target))
        self._first = None
        found: Credentials | None = self._handed_keys() or chain.load_credentials()
        if found is None:
            raise NoCredentialsError
        if "role_arn" in self._target.options:
            found = self._in_role(session, found)
        found.get_frozen_credentials()  # raises where they are of no use
        return found

    def _handed_keys(self) -> Credentials | None:
        handed = handed_variables(self._target.environ)
        key, secret = handed.get("AWS_ACCESS_KEY_ID"), handed.get("AWS_SECRET_ACCESS_KEY")
        if not key or not secret or "profile" in self._target.options:
            return None
        return Credentials(key, secret, handed.get("AWS_SESSION_TOKEN"))

    def _in_role(self, session: Session, source: Credentials) -> Credentials:
        """Return credentials that assume the role when they are needed, and again before each expiry."""
        options = self._target.options
        arguments = {"RoleSessionName": options.get("session_name", "tailorsecrets")}
        if "external_id" in options:
            arguments["ExternalId"] = options["external_id"]
        sts: Any = session.create_client
        fetcher = AssumeRoleCredentialFetcher(sts, source, options["role_arn"], extra_args=arguments)
        return DeferredRefreshableCredentials(method="assume-role", refresh_using=fetcher.fetch_credentials)


def _chain_of(session: Session) -> tuple[Session, Any]:
    return session, session.get_component("credential_provider")


def _frozen(found: Credentials) -> ReadOnlyCredentials | None:
    """Return the keys of *found*, None where they have expired and cannot be renewed."""
    try:
        return found.get_frozen_credentials()
    except (BotoCoreError, ClientError) as exc:
        if explain(exc, "get").kind is not Unauthenticated:
            raise
    return None
