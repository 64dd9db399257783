"""How other tools name a secret. Pure.

The fields are those of the operator's ``GCPSMProvider``, of the CSI provider's ``secrets``, of a Cloud Run service in
YAML, and of Terraform's ``google_secret_manager_secret_version``.
"""

from collections.abc import Mapping
from typing import Final

from tailorsecrets.driver import ExternalSecret, Format, Location, SecretProvider, Target
from tailorsecrets.errors import Unsupported
from tailorsecrets_gcp.options import Options, read_options

_OBJECTS: Final = '- resourceName: "{parent}/secrets/{name}/versions/latest"\n  path: "{alias}"\n'
_CLOUD_RUN: Final = """\
# a container's env in the YAML of a service of the project {project}
env:
  - name: "{variable}"
    valueFrom:
      secretKeyRef:
        name: "{name}"
        key: latest
"""
_TERRAFORM: Final = """\
# the value is ephemeral.google_secret_manager_secret_version.{label}.secret_data
ephemeral "google_secret_manager_secret_version" "{label}" {{
  project = "{project}"
  secret  = "{name}"
  version = "latest"
}}
"""
_REGIONAL: Final = """\
# the value is data.google_secret_manager_regional_secret_version.{label}.secret_data
data "google_secret_manager_regional_secret_version" "{label}" {{
  project  = "{project}"
  location = "{location}"
  secret   = "{name}"
}}
"""


def _eso(target: Target, location: Location) -> ExternalSecret:
    options = read_options(target)
    region = {"location": options.location} if options.location else {}
    return ExternalSecret({"gcpsm": {"projectID": options.project, **region}}, location.name)


def _csi(target: Target, location: Location) -> SecretProvider:
    options = read_options(target)
    objects = _OBJECTS.format(parent=options.parent, name=location.name, alias=location.secret)
    return SecretProvider("gcp", {"secrets": objects})


def _cloudrun(target: Target, location: Location) -> str:
    options = read_options(target)
    if options.location:
        raise Unsupported("Cloud Run reads global secrets, and this store has regional ones")
    return _filled(_CLOUD_RUN, options, location)


def _terraform(target: Target, location: Location) -> str:
    options = read_options(target)
    return _filled(_REGIONAL if options.location else _TERRAFORM, options, location)


def _filled(form: str, options: Options, location: Location) -> str:
    return form.format(
        project=options.project,
        location=options.location,
        name=location.name,
        label=location.label,
        variable=location.variable,
    )


WHERE: Final[Mapping[str, Format]] = {
    "eso": _eso,
    "csi": _csi,
    "cloudrun": _cloudrun,
    "terraform": _terraform,
}
