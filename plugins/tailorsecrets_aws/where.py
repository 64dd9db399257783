"""How other tools name a secret. Pure, but for the ARN, whose account and last six characters only AWS knows.

The fields are those of a container definition's ``secrets``, of the operator's ``AWSProvider``, of the CSI provider's
``objects``, and of Terraform's ``aws_secretsmanager_secret_version``.
"""

import json
from collections.abc import Mapping
from typing import Final

from tailorsecrets.driver import ExternalSecret, Format, Location, SecretProvider, Target

_REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
_OBJECTS: Final = '- objectName: "{name}"\n  objectType: secretsmanager\n  objectAlias: "{alias}"\n'
_TERRAFORM: Final = """\
# the value is ephemeral.aws_secretsmanager_secret_version.{label}.secret_string
ephemeral "aws_secretsmanager_secret_version" "{label}" {{
  secret_id = "{name}"
}}
"""


def _arn(_target: Target, location: Location) -> str:
    return f"{location.locate()}\n"


def _ecs(_target: Target, location: Location) -> str:
    return json.dumps({"name": location.variable, "valueFrom": location.locate()}, indent=2) + "\n"


def _eso(target: Target, location: Location) -> ExternalSecret:
    return ExternalSecret({"aws": {"service": "SecretsManager", "region": _region(target, location)}}, location.name)


def _csi(target: Target, location: Location) -> SecretProvider:
    objects = _OBJECTS.format(name=location.name, alias=location.secret)
    return SecretProvider("aws", {"region": _region(target, location), "objects": objects})


def _terraform(_target: Target, location: Location) -> str:
    return _TERRAFORM.format(label=location.label, name=location.name)


def _region(target: Target, location: Location) -> str:
    """Return the region of the URL or the environment; else that of the ARN, since a file of AWS's may name it."""
    named = (target.host, *(target.environ.get(name, "") for name in _REGIONS))
    return next(filter(None, named), "") or location.locate().split(":")[3]


WHERE: Final[Mapping[str, Format]] = {
    "arn": _arn,
    "ecs": _ecs,
    "eso": _eso,
    "csi": _csi,
    "terraform": _terraform,
}
