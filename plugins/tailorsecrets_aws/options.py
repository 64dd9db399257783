"""The options of the URL, checked before anything is opened. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tailorsecrets.driver import Target
from tailorsecrets.errors import ConfigError

DEFAULT_RECOVERY: Final = 30  # days, AWS's own default
_RECOVERY: Final = range(7, 31)
_LONGEST_PREFIX: Final = 512 - 3 * 63 - 3  # what W/V/S and the slashes leave of AWS's 512 characters
_MOST_TAGS: Final = 50
_TAG_KEY: Final = re.compile(r"(?!aws:)[\w .:/=+@-]{1,127}")
_TAG_VALUE: Final = re.compile(r"[\w .:/=+@-]{0,255}")
_REGION: Final = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+")
_OF_A_ROLE: Final = {
    "role_arn": re.compile(r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+"),
    "external_id": re.compile(r"[\w+=,.@:/-]{2,1224}"),
    "session_name": re.compile(r"[\w+=,.@-]{2,64}"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the URL says about secrets that are created or deleted."""

    kms_key_id: str = ""
    tags: dict[str, str] = field(default_factory=dict[str, str])
    replicas: tuple[str, ...] = ()
    recovery_days: int = DEFAULT_RECOVERY


def read_options(target: Target) -> Options:
    """Return the options of *target*; ConfigError for one that AWS would refuse at the first write."""
    options = target.options
    if len(target.path.strip("/")) > _LONGEST_PREFIX:
        raise ConfigError(f"the prefix is too long: AWS leaves {_LONGEST_PREFIX} characters for it")
    _check_role(options)
    return Options(
        kms_key_id=options.get("kms_key_id", ""),
        tags=_tags(options.get("tags", "")),
        replicas=_regions(options.get("replicas", "")),
        recovery_days=_days(options.get("recovery_days", str(DEFAULT_RECOVERY))),
    )


def _check_role(options: Mapping[str, str]) -> None:
    given = [name for name in _OF_A_ROLE if name in options]
    if given and "role_arn" not in options:
        raise ConfigError(f"{given[0]} without role_arn", hint="add role_arn=ARN to the URL")
    wrong = [name for name in given if not _OF_A_ROLE[name].fullmatch(options[name])]
    if wrong:
        raise ConfigError(f"{wrong[0]}={options[wrong[0]]}: AWS takes no such {wrong[0]}")


def _days(text: str) -> int:
    if not text.isdecimal() or int(text) not in _RECOVERY:
        raise ConfigError(f"recovery_days={text}: AWS takes {_RECOVERY[0]} to {_RECOVERY[-1]}")
    return int(text)


def _tags(text: str) -> dict[str, str]:
    parts = [pair.partition("=") for pair in text.split(",")] if text else []
    tags = {key: value for key, equals, value in parts if equals}
    if len(parts) > _MOST_TAGS or len(tags) < len(parts):
        raise ConfigError(f"tags={text}: up to {_MOST_TAGS} of key=value are meant, each key once")
    for key, value in tags.items():
        if not (_TAG_KEY.fullmatch(key) and _TAG_VALUE.fullmatch(value)):
            raise ConfigError(f"tags={text}: {key!r} is no tag that AWS takes", hint="write tags=key=value,key=value")
    return tags


def _regions(text: str) -> tuple[str, ...]:
    regions = tuple(text.split(",")) if text else ()
    wrong = [region for region in regions if not _REGION.fullmatch(region)]
    if wrong:
        raise ConfigError(f"replicas={text}: {wrong[0]!r} is no region", hint="write replicas=eu-west-1,us-east-1")
    return regions
