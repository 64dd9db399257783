"""The least privilege that a login needs, as a policy in HCL. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from tailorsecrets.driver import Target, VaultNames
from tailorsecrets.errors import ConfigError

_READ: Final = {"data": ("read",)}
_READ_METADATA: Final = {"metadata": ("list", "read"), "detailed-metadata": ("list",)}
_WRITE: Final = {"data": ("create", "update", "delete"), "metadata": ("list", "read", "patch"), "undelete": ("update",)}
_PURGE: Final = {"metadata": ("delete",)}  # before a mount is dropped
_WRITE_RECORD: Final = {"data": ("create", "read", "update", "delete"), "metadata": ("read", "patch", "delete")}

Rule = tuple[str, tuple[str, ...]]


def policy(target: Target, vaults: Sequence[VaultNames], use: Literal["read", "deploy"]) -> str:
    """Return the policy for *vaults*.

    A reader may read the values and nothing else. A deployer may read the metadata of the whole workspace and its
    records, and may write the vaults. It cannot read any value but those that
    are copied to other targets.
    """
    merged: dict[str, set[str]] = {}
    for vault in vaults:
        for path, rights in _reader(target, vault) if use == "read" else _deployer(target, vault):
            merged.setdefault(path, set()).update(rights)
    return "\n".join(_stanza(path, rights) for path, rights in sorted(merged.items()))


def _reader(target: Target, vault: VaultNames) -> Iterator[Rule]:
    if vault.secrets.startswith("/"):
        yield from _external(target, vault.secrets.removeprefix("/"))
        return
    yield from _rules(target, vault, vault.secrets + "*", _READ)
    if vault.container:
        yield from _rules(target, vault, vault.record, {"data": ("deny",)})  # it holds the key of the stamps


def _external(target: Target, name: str) -> Iterator[Rule]:
    """Yield the rule for another tool's entry; without a mount in the URL, one for each mount that *name* may name."""
    if target.path.strip("/"):
        yield f"{_mount(target)}/data/{name}", ("read",)
        return
    parts = name.split("/")
    for end in range(1, len(parts)):
        yield f"{'/'.join(parts[:end])}/data/{'/'.join(parts[end:])}", ("read",)


def _deployer(target: Target, vault: VaultNames) -> Iterator[Rule]:
    yield from _rules(target, vault, (vault.secrets if vault.container else vault.workspace) + "*", _READ_METADATA)
    yield from _rules(target, vault, vault.secrets + "*", _WRITE)
    yield from _rules(target, vault, vault.record, _WRITE_RECORD)
    for name in vault.copied:
        yield from _rules(target, vault, name, _READ)
    if vault.container:
        yield from _rules(target, vault, vault.secrets + "*", _PURGE)
        yield f"sys/mounts/{vault.container}", ("create", "update", "delete")
    else:
        yield from _rules(target, vault, vault.records + "*", _READ)  # they name the owners of the other vaults


def _rules(target: Target, vault: VaultNames, name: str, rights: Mapping[str, tuple[str, ...]]) -> Iterator[Rule]:
    """Yield a rule for each kind of request about *name*, a native name that begins with its mount."""
    mount = vault.container or _mount(target)
    for kind, allowed in rights.items():
        yield f"{mount}/{kind}/{name.removeprefix(mount + '/')}", allowed


def _mount(target: Target) -> str:
    """Return the mount in the path of *target*; raise ConfigError where only the server knows where it ends."""
    path, mount = target.path.strip("/"), target.options.get("mount", "").strip("/")
    if "/" in path and not mount:
        first = path.partition("/")[0]
        hint = f"name it with the option mount, for example vault://HOST/{path}?mount={first}"
        raise ConfigError(f"a policy needs the mount, which may be any beginning of {path}", hint=hint)
    return mount or path


def _stanza(path: str, rights: set[str]) -> str:
    allowed = ", ".join(f'"{right}"' for right in sorted(rights))
    return f'path "{path}" {{\n  capabilities = [{allowed}]\n}}\n'
