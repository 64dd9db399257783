"""What an ``azure:`` URL says, checked before anything is opened. Pure, but for a look for the file with the CA."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from tailorsecrets.driver import Target
from tailorsecrets.errors import ConfigError

LOGINS: Final = ("environment", "workload", "managed", "cli", "azd", "powershell")


class Cloud(NamedTuple):
    """One of Azure's clouds: what its Key Vaults' hosts end with, who signs in, and what a token is for."""

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
_AUTHORITY: Final = re.compile(r"(https://)?[A-Za-z0-9.-]+(:\d{1,5})?/?")
_API_VERSION: Final = re.compile(r"[\w.-]{3,20}", re.ASCII)
_CLIENT_ID: Final = re.compile(r"[0-9A-Fa-f-]{36}")
_MOST_TAGS: Final = 13  # Azure takes 15; one tells of the write, one the whole name of a long one
_LONGEST: Final = 256  # characters of a tag's name, and of its value


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the Key Vault is, who asks, and how versions are written."""

    host: str  # HOST[:PORT]
    credential: str = ""  # one of LOGINS; "": DefaultAzureCredential
    client_id: str = ""
    authority: str = f"https://{PUBLIC.authority}"
    ca_bundle: str = ""
    api_version: str = ""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    content_type: str = ""
    expires_days: int = 0  # 0: never
    timeout: float = 15.0  # seconds that a read may take

    @property
    def url(self) -> str:
        """The address of the Key Vault."""
        return f"https://{self.host}"

    @property
    def is_private(self) -> bool:
        """Whether somebody else than Microsoft signs in, whom Microsoft knows nothing about."""
        return self.authority not in {f"https://{cloud.authority}" for cloud in CLOUDS}

    @property
    def is_azure(self) -> bool:
        """Whether the host's name is one that only Microsoft gives."""
        return cloud_of(self.host) is not None


def read_settings(target: Target) -> Settings:
    """Return what the URL of *target* says; raise ConfigError, naming the remedy, where nothing works with that."""
    options = target.options
    host = host_of(target)
    return Settings(
        host=host,
        credential=_login(options.get("credential", "")),
        client_id=_one(target, "client_id", _CLIENT_ID, "a client id, as in 00000000-0000-0000-0000-000000000000"),
        authority=_authority(target, host),
        ca_bundle=_file(target, options.get("ca_bundle", "")),
        api_version=_one(target, "api_version", _API_VERSION, "a version, as in 2025-07-01"),
        tags=_tags(options.get("tags", "")),
        content_type=_content_type(options.get("content_type", "")),
        expires_days=_days(options.get("expires_days", "")),
        timeout=target.timeout,
    )


def host_of(target: Target) -> str:
    """Return the host of a Key Vault's name, or the host that stands there itself."""
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
    chosen = _one(target, "authority", _AUTHORITY, "a host, as in login.microsoftonline.us")
    found = chosen or target.environ.get("AZURE_AUTHORITY_HOST", "") or (cloud_of(host) or PUBLIC).authority
    return found.rstrip("/") if "://" in found else f"https://{found}"


def _login(text: str) -> str:
    if text and text not in LOGINS:
        raise ConfigError(f"credential={text}: no such login", hint=f"known are {', '.join(LOGINS)}")
    return text


def _one(target: Target, option: str, form: re.Pattern[str], meant: str) -> str:
    text = target.options.get(option, "")
    if option in target.options and not form.fullmatch(text):
        raise ConfigError(f"{option}={text}: {meant} is meant")
    return text


def _file(target: Target, name: str) -> str:
    if not name:
        return ""
    path = Path(target.base, name)
    if not path.is_file():
        raise ConfigError(f"ca_bundle={name}: there is no such file")
    return str(path)


def _tags(text: str) -> dict[str, str]:
    parts = [pair.partition("=") for pair in text.split(",")] if text else []
    tags = {name: value for name, _, value in parts}
    if len(parts) > _MOST_TAGS or len(tags) < len(parts):
        raise ConfigError(f"tags={text}: up to {_MOST_TAGS} tags, each name once")
    for name, value in tags.items():
        if not 0 < len(name) <= _LONGEST or len(value) > _LONGEST or name.lower().startswith("tailorsecrets"):
            raise ConfigError(f"tags={text}: {name!r} is no tag to use", hint="write tags=name=value,name=value")
    return tags


def _content_type(text: str) -> str:
    if len(text) >= _LONGEST:
        raise ConfigError(f"content_type has over {_LONGEST - 1} characters")
    return text


def _days(text: str) -> int:
    if text and not (text.isascii() and text.isdecimal() and 0 < int(text) <= 36_500):  # noqa: PLR2004  # a century
        raise ConfigError(f"expires_days={text}: a number of days from 1 up is meant")
    return int(text or 0)
