"""The least that a login needs, as gcloud commands. Pure."""

from collections.abc import Sequence
from typing import Final, Literal

from tailorsecrets.driver import Target, VaultNames
from tailorsecrets_gcp.options import Settings, read_settings

_ACCESSOR: Final = "roles/secretmanager.secretAccessor"
_ANYWHERE: Final = ("secretmanager.secrets.create", "secretmanager.secrets.list")
_AROUND: Final = ("secretmanager.secrets.get", "secretmanager.versions.list")
_NAMED: Final = (
    "secretmanager.secrets.update",
    "secretmanager.versions.add",
    "secretmanager.versions.disable",
    "secretmanager.versions.enable",
)
_MOST: Final = 6  # names in one condition: Google takes twelve logical operators there, and a name needs up to two
_ADMIN: Final = ("secretmanager.secrets.delete",)  # of bare names, and to purge
_LOOK: Final = "List, look and write; read the records of the workspace's vaults, and no value of a secret."
_LOOK_BY_ACCESS: Final = "List, look and write; read the workspace's records, and with plan=access the secrets' values."
_HEAD: Final = """\
# {purpose}
MEMBER=serviceAccount:NAME@{project}.iam.gserviceaccount.com
# Conditions compare resource names, and those have the project's number.
NUMBER=$(gcloud projects describe {project} --format='value(projectNumber)')
"""
_ROLE: Final = """
gcloud iam roles create {role} --project={project} --stage=GA \\
  --permissions={permissions}
"""
_BIND: Final = """
gcloud projects add-iam-policy-binding {project} --member="$MEMBER" \\
  --role={role} \\
  --condition={condition}
"""


def policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    """Return commands that grant *use* of *vaults*.

    A reader may access the values. A deployer may list and create secrets in the whole project, since IAM has no names
    there. It may read the metadata of the whole workspace and access its records, which name the owners of its vaults,
    and may write the vaults. With plan=access it may access their values too.
    """
    settings, own = read_settings(target), f"projects/{read_settings(target).project}/roles"
    secrets = [vault.secrets for vault in vaults]
    if use == "read":
        return _head(settings, "Read the values, and nothing else.") + _bind(settings, _ACCESSOR, "read", secrets)
    workspaces, records = ({getattr(vault, part) for vault in vaults} for part in ("workspace", "records"))
    written = [name for vault in vaults for name in (vault.secrets, vault.record)]
    return "".join(
        [
            _head(settings, _LOOK_BY_ACCESS if settings.by_access else _LOOK),
            _own_role(settings, "tailorsecretsList", _ANYWHERE),
            _bind(settings, f"{own}/tailorsecretsList", "", []),
            _own_role(settings, "tailorsecretsLook", _AROUND),
            _bind(settings, f"{own}/tailorsecretsLook", "look", sorted(workspaces)) if vaults else "",
            _own_role(settings, "tailorsecretsWrite", _write_rights(settings)),
            _bind(settings, f"{own}/tailorsecretsWrite", "write", written),
            _bind(settings, _ACCESSOR, "records", sorted(records)) if vaults else "",
            _bind(settings, _ACCESSOR, "versions", secrets) if settings.by_access and secrets else "",
        ]
    )


def _write_rights(settings: Settings) -> tuple[str, ...]:
    return _NAMED + _ADMIN + (("secretmanager.versions.destroy",) if settings.keep_versions else ())


def _head(settings: Settings, purpose: str) -> str:
    return _HEAD.format(purpose=purpose, project=settings.project)


def _own_role(settings: Settings, role: str, rights: Sequence[str]) -> str:
    return _ROLE.format(role=role, project=settings.project, permissions=",".join(rights))


def _bind(settings: Settings, role: str, title: str, names: Sequence[str]) -> str:
    """Return as many bindings as *names* need; with none of them, one without a condition."""
    parts = [names[start : start + _MOST] for start in range(0, len(names), _MOST)]
    conditions = [_condition(settings, f"{title}{number or ''}", part) for number, part in enumerate(parts)]
    return "".join(
        _BIND.format(project=settings.project, role=role, condition=condition) for condition in conditions or ["None"]
    )


def _condition(settings: Settings, title: str, names: Sequence[str]) -> str:
    expression = " || ".join(_term(settings, name) for name in names)
    return f'"title=tailorsecrets-{title},expression={expression}"'


def _term(settings: Settings, name: str) -> str:
    place = f"/locations/{settings.location}" if settings.location else ""
    resource = f"projects/$NUMBER{place}/secrets/{name}"
    if name.endswith("_"):
        return f"resource.name.startsWith('{resource}')"
    return f"resource.name == '{resource}' || resource.name.startsWith('{resource}/')"
