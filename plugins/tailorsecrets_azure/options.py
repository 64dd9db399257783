"""The settings in an ``azure:`` URL, checked before anything is opened. Pure, except that it checks for the CA file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tailorsecrets.driver import Option, Target
from tailorsecrets.errors import ConfigError

OPTIONS: Final = {
    "credential": Option(
        "the only login to use",
        form="environment|workload|managed|cli|azd|powershell",
        expected="environment, workload, managed, cli, azd or powershell",
        default="all of them in turn",
        place=False,
    ),
    "client_id": Option(
        "the client id of the managed or workload identity",
        form="[0-9A-Fa-f-]{36}",
        expected="a client id, for example 00000000-0000-0000-0000-000000000000",
        default="`AZURE_CLIENT_ID`",
        place=False,
    ),
    "authority": Option(
        "the host to sign in at",
        form=r"(https://)?[A-Za-z0-9.-]+(:\d{1,5})?/?",
        expected="a host, for example login.microsoftonline.us",
        default="`AZURE_AUTHORITY_HOST`, then the host for the Key Vault's cloud",
        place=False,
    ),
    "ca_bundle": Option(
        "a PEM file with the certificate authorities to trust", default="`REQUESTS_CA_BUNDLE`", place=False
    ),
    "api_version": Option(
        "the version of the service's API",
        form=r"[\w.-]{3,20}",
        expected="a version, for example 2025-07-01",
        default="the newest one that the SDK knows",
        place=False,
    ),
    "tags": Option(
        "tags for each new version, for example `team=payments,stage=prod`",
        form="(?!(?i:tailorsecrets))[^=]{1,256}=.{0,256}",
        expected="name=value with up to 256 characters each, and a name that does not begin with tailorsecrets",
        separator=",",
        place=False,
    ),
    "content_type": Option(
        "the content type of each new version, for example `text/plain`",
        form=".{1,255}",
        expected="up to 255 characters",
        place=False,
    ),
    "expires_days": Option(
        "the days until a new version expires; Azure still returns an expired version",
        form=r"[1-9]\d{0,4}",
        expected="a number of days from 1 to 99999",
        default="never",
        place=False,
    ),
}


class Cloud(NamedTuple):
    """One of Azure's clouds: the suffix of its Key Vaults' hosts, the host to sign in at, the scope of its tokens."""

    suffix: str
    authority: str
    scope: str


PUBLIC: Final = Cloud(".vault.azure.net", "login.microsoftonline.com", "https://vault.azure.net/.default")
CLOUDS: Final = (
    PUBLIC,
    Cloud(".vault.azure.cn", "login.chinacloudapi.cn", "https://vault.azure.cn/.default"),
    Cloud(".vault.usgovcloudapi.net", "login.microsoftonline.us", "https://vault.usgovcloudapi.net/.default"),
)

_NAME: Final = re.compile(r"[A-Za-z](?!.*--)[A-Za-z0-9-]{1,22}[A-Za-z0-9]")
_HOST: Final = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(:\d{1,5})?")
_MOST_TAGS: Final = 13  # Azure takes 15; one is the version tag, one the full name of a secret with a long name


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Where the Key Vault is, which login to use, and how versions are written."""

    host: str  # HOST[:PORT]
    credential: str = ""  # "": DefaultAzureCredential
    client_id: str = ""
    authority: str = f"https://{PUBLIC.authority}"
    ca_bundle: str = ""
    api_version: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    content_type: str = ""
    expires_days: int = 0  # 0: never

    @property
    def url(self) -> str:
        """The address of the Key Vault."""
        return f"https://{self.host}"

    @property
    def is_private(self) -> bool:
        """Whether the sign-in service is not Microsoft's own."""
        return self.authority not in {f"https://{cloud.authority}" for cloud in CLOUDS}

    @property
    def is_azure(self) -> bool:
        """Whether the host's name belongs to Microsoft."""
        return cloud_of(self.host) is not None


def read_options(target: Target) -> Options:
    """Return the options in the URL of *target*; ConfigError for a host, tags or a file that cannot work."""
    texts, host = target.options, host_of(target)
    return Options(
        host=host,
        credential=texts.get("credential", ""),
        client_id=texts.get("client_id", ""),
        authority=_authority(target, host),
        ca_bundle=target.file("ca_bundle"),
        api_version=texts.get("api_version", ""),
        tags=target.pairs("tags", most=_MOST_TAGS),
        content_type=texts.get("content_type", ""),
        expires_days=int(texts.get("expires_days", 0)),
    )


def host_of(target: Target) -> str:
    """Return the host in the URL; for the name of a Key Vault, its host in the public cloud."""
    if not target.host:
        raise ConfigError("the store URL names no Key Vault", hint="write azure://NAME or azure://HOST")
    if _NAME.fullmatch(target.host):
        return target.host.lower() + PUBLIC.suffix
    if not {".", ":"}.intersection(target.host) or not _HOST.fullmatch(target.host):
        raise ConfigError(
            f"{target.host!r} is not a Key Vault's name", hint="write azure://NAME or azure://HOST[:PORT]"
        )
    return target.host.lower()


def cloud_of(host: str) -> Cloud | None:
    """Return the cloud that *host* belongs to, None for a host that is not Microsoft's."""
    return next((cloud for cloud in CLOUDS if host.endswith(cloud.suffix)), None)


def _authority(target: Target, host: str) -> str:
    default = target.environ.get("AZURE_AUTHORITY_HOST") or (cloud_of(host) or PUBLIC).authority
    authority = target.options.get("authority", default)
    return authority.rstrip("/") if "://" in authority else f"https://{authority.rstrip('/')}"
