"""The options of a ``gcp:`` URL, checked before anything is opened. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tailorsecrets.driver import Option, Target
from tailorsecrets.errors import ConfigError

HOST: Final = "secretmanager.googleapis.com"
_MOST_LABELS: Final = 64  # of a secret
LONGEST_PREFIX: Final = 63  # with it the longest name of ours has 255 characters, and no name needs a hash form

_LOOPBACK: Final = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?")
_PROJECT: Final = re.compile(r"[a-z0-9][a-z0-9.:-]*")

_REGION: Final = r"[a-z]+(-[a-z]+)*\d+"
OPTIONS: Final = {
    "impersonate": Option(
        "the service account, by email, to act as, on top of the login found",
        form=r"[^@\s/]+@[^@\s/]+",
        expected="the email address of a service account",
        place=False,
    ),
    "quota_project": Option(
        "the project that the calls are counted against",
        form=r"[a-z0-9][a-z0-9.:-]*",
        expected="a project id",
        default="`GOOGLE_CLOUD_QUOTA_PROJECT`",
        place=False,
    ),
    "location": Option(
        "the region of regional secrets, for example `europe-west3`",
        form=_REGION,
        expected="a region, for example europe-west3",
        default="global secrets",
    ),
    "locations": Option(
        "the regions that new global secrets are replicated to, for example `europe-west1,europe-west3`",
        form=_REGION,
        expected="a region, for example europe-west3",
        separator=",",
        default="Google's choice",
        place=False,
    ),
    "kms_key": Option(
        "the KMS key of new secrets, by its whole name; with several `locations`, one for each, in their order",
        form=r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+",
        expected="projects/P/locations/L/keyRings/R/cryptoKeys/K",
        separator=",",
        place=False,
    ),
    "labels": Option(
        "labels of new secrets, for example `team=payments,stage=prod`",
        form=r"[a-z][a-z0-9_-]{0,62}=[a-z0-9_-]{0,63}",
        expected="a label in lower case, for example team=payments",
        separator=",",
        place=False,
    ),
    "keep_versions": Option(
        "how many versions of a secret a write leaves; older ones are destroyed for good",
        form=r"0*[1-9]\d*",
        expected="a whole number over 0",
        default="all",
        place=False,
    ),
    "plan": Option(
        "`access`: a plan accesses each secret to learn the number of its version, which has a larger quota",
        form="access",
        expected="access",
        place=False,
    ),
    "endpoint": Option(
        "`HOST` or `HOST:PORT` of the service; on a loopback address without TLS and without a login",
        form=r"([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:\d{1,5})?",
        expected="HOST or HOST:PORT",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where the secrets are, which login reads them, and how new ones are created."""

    project: str
    host: str = HOST  # HOST[:PORT]
    plain: bool = False  # without TLS and without a login: an emulator on this machine
    location: str = ""  # of regional secrets; "": global ones
    locations: tuple[str, ...] = ()  # the replicas of global secrets; (): Google chooses
    kms_keys: tuple[str, ...] = ()  # one for all, or one for each of the locations
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    keep_versions: int = 0  # 0: all
    by_access: bool = False  # a metadata read accesses the newest version, for its number
    impersonate: str = ""
    quota_project: str = ""

    @property
    def parent(self) -> str:
        """The resource that holds the secrets."""
        return f"projects/{self.project}" + (f"/locations/{self.location}" if self.location else "")

    def new_secret(self, annotations: Mapping[str, str]) -> dict[str, Any]:
        """Return the body of a CreateSecret."""
        body: dict[str, Any] = {"labels": dict(self.labels), "annotations": dict(annotations)}
        if self.location:
            return body | self._encryption(0)
        if not self.locations:
            return body | {"replication": {"automatic": self._encryption(0)}}
        replicas = [{"location": region} | self._encryption(n) for n, region in enumerate(self.locations)]
        return body | {"replication": {"user_managed": {"replicas": replicas}}}

    def _encryption(self, number: int) -> dict[str, Any]:
        keys = self.kms_keys[number : number + 1]
        return {"customer_managed_encryption": {"kms_key_name": keys[0]}} if keys else {}


def read_options(target: Target) -> Options:
    """Return the options of *target*, whose form the core has checked.

    Raise ConfigError for a project or prefix that cannot be one, and for options that cannot be combined.
    """
    _check_prefix(target.path.strip("/"))
    given = target.options
    endpoint, location = given.get("endpoint", ""), given.get("location", "")
    options = Options(
        project=_project(target),
        host=endpoint or (f"secretmanager.{location}.rep.googleapis.com" if location else HOST),
        plain=_LOOPBACK.fullmatch(endpoint) is not None,
        location=location,
        locations=target.several("locations"),
        kms_keys=target.several("kms_key"),
        labels=target.pairs("labels", most=_MOST_LABELS),
        keep_versions=int(given.get("keep_versions", "0")),
        by_access="plan" in given,
        impersonate=given.get("impersonate", ""),
        quota_project=given.get("quota_project", ""),
    )
    _check_locations(options)
    return options


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


def _check_locations(options: Options) -> None:
    if options.location and options.locations:
        raise ConfigError("location and locations cannot be combined", hint="locations is for global secrets")
    if len(options.kms_keys) not in {0, max(1, len(options.locations))}:
        raise ConfigError("kms_key and locations differ in number", hint="give one key for each location")
