"""What a ``gcp:`` URL says, checked before anything is opened. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tailorsecrets.driver import Target
from tailorsecrets.errors import ConfigError

HOST: Final = "secretmanager.googleapis.com"
LONGEST_PREFIX: Final = 63  # with it the longest name of ours has 255 characters, and none needs another form

_LOOPBACK: Final = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?")
_PROJECT: Final = re.compile(r"[a-z0-9][a-z0-9.:-]*")
_REGION: Final = re.compile(r"[a-z]+(-[a-z]+)*\d+")
_ACCOUNT: Final = re.compile(r"[^@\s/]+@[^@\s/]+")
_ENDPOINT: Final = re.compile(r"([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:\d{1,5})?")
_KMS_KEY: Final = re.compile(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+")
_PLAN: Final = re.compile("access")
_LABEL: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}=[a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the secrets are, who asks for them, and how new ones are made."""

    project: str
    host: str = HOST  # HOST[:PORT]
    plain: bool = False  # without TLS and without a login: something on this machine
    location: str = ""  # of regional secrets; "": global ones
    locations: tuple[str, ...] = ()  # the replicas of global secrets; (): Google's choice
    kms_keys: tuple[str, ...] = ()  # one for all, or one for each of the locations
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    keep_versions: int = 0  # 0: all
    by_access: bool = False  # a look accesses the newest version, for its number
    impersonate: str = ""
    quota_project: str = ""
    timeout: float = 15.0  # seconds that a read may take

    @property
    def parent(self) -> str:
        """The resource under which the secrets are."""
        return f"projects/{self.project}" + (f"/locations/{self.location}" if self.location else "")

    def new_secret(self, annotations: Mapping[str, str]) -> dict[str, Any]:
        """Return the body of a CreateSecret."""
        body: dict[str, Any] = {"labels": dict(self.labels), "annotations": dict(annotations)}
        if self.location:
            return body | self._encryption(0)
        if not self.locations:
            return body | {"replication": {"automatic": self._encryption(0)}}
        replicas = [{"location": place} | self._encryption(n) for n, place in enumerate(self.locations)]
        return body | {"replication": {"user_managed": {"replicas": replicas}}}

    def _encryption(self, number: int) -> dict[str, Any]:
        keys = self.kms_keys[number : number + 1]
        return {"customer_managed_encryption": {"kms_key_name": keys[0]}} if keys else {}


def read_settings(target: Target) -> Settings:
    """Return what the URL of *target* says; raise ConfigError, naming the remedy, where that is nothing to work with.

    The project is that of the URL, else GOOGLE_CLOUD_PROJECT's.
    """
    _check_prefix(target.path.strip("/"))
    options, location = target.options, _one(target, "location", _REGION, "a region such as europe-west3")
    endpoint = _one(target, "endpoint", _ENDPOINT, "HOST or HOST:PORT")
    settings = Settings(
        project=_project(target),
        host=endpoint or (f"secretmanager.{location}.rep.googleapis.com" if location else HOST),
        plain=_LOOPBACK.fullmatch(endpoint) is not None,
        location=location,
        locations=_list(target, "locations", _REGION, "regions with commas between, as in europe-west1,europe-west3"),
        kms_keys=_list(target, "kms_key", _KMS_KEY, "projects/P/locations/L/keyRings/R/cryptoKeys/K"),
        labels=dict(_pair(text) for text in _list(target, "labels", _LABEL, "lower case, as in team=payments")),
        keep_versions=_count(options.get("keep_versions", "")),
        by_access=bool(_one(target, "plan", _PLAN, "access")),
        impersonate=_one(target, "impersonate", _ACCOUNT, "the email address of a service account"),
        quota_project=_one(target, "quota_project", _PROJECT, "a project id"),
        timeout=target.timeout,
    )
    _check_places(settings)
    return settings


def _project(target: Target) -> str:
    project = target.host or target.environ.get("GOOGLE_CLOUD_PROJECT", "")
    if not project:
        raise ConfigError("the store URL names no project", hint="write gcp://PROJECT, or set GOOGLE_CLOUD_PROJECT")
    if not _PROJECT.fullmatch(project):
        raise ConfigError(f"{project!r} is not the id of a Google Cloud project", hint="write gcp://PROJECT[/PREFIX]")
    return project


def _check_prefix(prefix: str) -> None:
    if len(prefix) > LONGEST_PREFIX:
        raise ConfigError(f"the prefix has over {LONGEST_PREFIX} characters", hint="a secret's whole name has 255")


def _check_places(settings: Settings) -> None:
    if settings.location and settings.locations:
        raise ConfigError("location and locations exclude each other", hint="locations is for global secrets")
    if len(settings.kms_keys) not in {0, max(1, len(settings.locations))}:
        raise ConfigError("kms_key names another number of keys than there are locations", hint="give one for each")


def _one(target: Target, option: str, form: re.Pattern[str], meant: str) -> str:
    text = target.options.get(option, "")
    if option in target.options and not form.fullmatch(text):
        raise ConfigError(f"{option}={text}: {meant} is meant")
    return text


def _list(target: Target, option: str, form: re.Pattern[str], meant: str) -> tuple[str, ...]:
    texts = target.options[option].split(",") if option in target.options else []
    if not all(map(form.fullmatch, texts)):
        raise ConfigError(f"{option}={target.options[option]}: {meant} is meant")
    return tuple(texts)


def _pair(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key, value


def _count(text: str) -> int:
    if text and not (text.isascii() and text.isdecimal() and int(text)):
        raise ConfigError(f"keep_versions={text}: a number from 1 up is meant")
    return int(text or 0)
