"""The options of the URL. Pure."""

from dataclasses import dataclass, field
from typing import Final

from tailorsecrets.driver import Option, Target
from tailorsecrets.errors import ConfigError

OPTIONS: Final = {
    "profile": Option("the profile of ~/.aws/config to sign in with", default="AWS_PROFILE"),
    "role_arn": Option(
        "the ARN of a role to assume with the login that was found",
        form=r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+",
        expected="the ARN of a role, for example arn:aws:iam::123456789012:role/deployer",
    ),
    "external_id": Option(
        "the external id that the role asks for",
        form=r"[\w+=,.@:/-]{2,1224}",
        expected="2 to 1224 letters, digits or +=,.@:/_-",
        place=False,
    ),
    "session_name": Option(
        "the name of the assumed role's session in CloudTrail",
        form=r"[\w+=,.@-]{2,64}",
        expected="2 to 64 letters, digits or +=,.@_-",
        default="tailorsecrets",
        place=False,
    ),
    "endpoint_url": Option(
        "the address of Secrets Manager: a VPC endpoint or a local server",
        form=r"https?://\S+",
        expected="a URL, for example http://127.0.0.1:4566",
        default="AWS_ENDPOINT_URL",
    ),
    "ca_bundle": Option("a PEM file with the authorities to trust", default="AWS_CA_BUNDLE", place=False),
    "kms_key_id": Option(
        "the KMS key, by id, ARN or alias, of secrets that are created", default="aws/secretsmanager", place=False
    ),
    "tags": Option(
        "tags of secrets that are created, for example team=payments,stage=prod",
        form=r"(?u:(?!aws:)[\w .:/+@-]{1,127}=[\w .:/=+@-]{0,255})",
        expected="key=value with a key that does not begin with aws:",
        separator=",",
        place=False,
    ),
    "replicas": Option(
        "regions that get a replica of secrets that are created, for example eu-west-1,us-east-1",
        form=r"[a-z]{2,}(-[a-z]+)+-\d+",
        expected="a region, for example eu-west-1",
        separator=",",
        place=False,
    ),
    "recovery_days": Option(
        "the days in which a deleted secret can be restored",
        form=r"[7-9]|[12]\d|30",
        expected="a number of days, 7 to 30",
        default="30",
        place=False,
    ),
}
_LONGEST_PREFIX: Final = 512 - 3 * 63 - 3  # W/V/S and the slashes take the rest of AWS's 512 characters
_MOST_TAGS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options for secrets that are created or deleted."""

    kms_key_id: str = ""
    tags: dict[str, str] = field(default_factory=dict[str, str])
    replicas: tuple[str, ...] = ()
    recovery_days: int


def read_options(target: Target) -> Options:
    """Return the options of *target*; ConfigError where AWS would refuse them together at the first write."""
    options = target.options
    if len(target.path.strip("/")) > _LONGEST_PREFIX:
        raise ConfigError(f"the prefix is too long: AWS leaves {_LONGEST_PREFIX} characters for it")
    without_role = [name for name in ("external_id", "session_name") if name in options and "role_arn" not in options]
    if without_role:
        raise ConfigError(f"{without_role[0]} without role_arn", hint="add role_arn=ARN to the URL")
    return Options(
        kms_key_id=options.get("kms_key_id", ""),
        tags=target.pairs("tags", most=_MOST_TAGS),
        replicas=target.several("replicas"),
        recovery_days=int(options.get("recovery_days", OPTIONS["recovery_days"].default)),
    )
