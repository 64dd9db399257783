"""The least rights that a login needs, as gcloud commands. Pure."""

from collections.abc import Sequence
from typing import Final, Literal

from tailorsecrets.driver import Target, VaultNames
from tailorsecrets_gcp.options import Options, read_options

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
_ADMIN: Final = ("secretmanager.secrets.delete",)  # to purge
_DEPLOY: Final = "List, read metadata and write; read the records of the workspace's vaults, but no secret's value."
_DEPLOY_BY_ACCESS: Final = "List, read metadata and write; read records, and with plan=access the secrets' values."
_HEAD: Final = """\
# {purpose} Run it again after a change: it updates the roles.
MEMBER=serviceAccount:NAME@{project}.iam.gserviceaccount.com
# Conditions compare resource names, and those have the project's number.
NUMBER=$(gcloud projects describe {project} --format='value(projectNumber)')
"""
_ROLE: Final = """
gcloud iam roles create {role} --project={project} --stage=GA \\
  --permissions={permissions} ||
gcloud iam roles update {role} --project={project} --stage=GA --quiet \\
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
    and may write the vaults. It may access the values that are copied to other targets, and with plan=access all
    values.
    """
    options = read_options(target)
    own = f"projects/{options.project}/roles"
    secrets = [vault.secrets for vault in vaults]
    if use == "read":
        return _head(options, "Read the values, and nothing else.") + _bind(options, _ACCESSOR, "read", secrets)
    workspaces, records = ({getattr(vault, part) for vault in vaults} for part in ("workspace", "records"))
    written = [name for vault in vaults for name in (vault.secrets, vault.record)]
    copied = [name for vault in vaults for name in vault.copied]
    return "".join(
        [
            _head(options, _DEPLOY_BY_ACCESS if options.by_access else _DEPLOY),
            _own_role(options, "tailorsecretsList", _ANYWHERE),
            _bind(options, f"{own}/tailorsecretsList", "", []),
            _own_role(options, "tailorsecretsMetadata", _AROUND),
            _bind(options, f"{own}/tailorsecretsMetadata", "metadata", sorted(workspaces)) if vaults else "",
            _own_role(options, "tailorsecretsWrite", _write_rights(options)),
            _bind(options, f"{own}/tailorsecretsWrite", "write", written),
            _bind(options, _ACCESSOR, "records", sorted(records)) if vaults else "",
            _bind(options, _ACCESSOR, "versions", secrets) if options.by_access and secrets else "",
            _bind(options, _ACCESSOR, "copied", copied) if copied else "",
        ]
    )


def _write_rights(options: Options) -> tuple[str, ...]:
    return _NAMED + _ADMIN + (("secretmanager.versions.destroy",) if options.keep_versions else ())


def _head(options: Options, purpose: str) -> str:
    return _HEAD.format(purpose=purpose, project=options.project)


def _own_role(options: Options, role: str, rights: Sequence[str]) -> str:
    return _ROLE.format(role=role, project=options.project, permissions=",".join(rights))


def _bind(options: Options, role: str, title: str, names: Sequence[str]) -> str:
    """Return as many bindings as *names* need; with none of them, one without a condition."""
    parts = [names[start : start + _MOST] for start in range(0, len(names), _MOST)]
    conditions = [_condition(options, f"{title}{number or ''}", part) for number, part in enumerate(parts)]
    return "".join(
        _BIND.format(project=options.project, role=role, condition=condition) for condition in conditions or ["None"]
    )


def _condition(options: Options, title: str, names: Sequence[str]) -> str:
    expression = " || ".join(_term(options, name) for name in names)
    return f'"title=tailorsecrets-{title},expression={expression}"'


def _term(options: Options, name: str) -> str:
    place = f"/locations/{options.location}" if options.location else ""
    resource = f"projects/$NUMBER{place}/secrets/{name}"
    if name.endswith("_"):
        return f"resource.name.startsWith('{resource}')"
    return f"resource.name == '{resource}' || resource.name.startsWith('{resource}/')"
