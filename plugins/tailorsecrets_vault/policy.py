"""The least that a login needs, as a policy in HCL. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from tailorsecrets.driver import Target

_RECORD: Final = "v"  # the part of a native name that marks a vault's own record
_READ: Final = {"data": ("read",)}
_LOOK: Final = {"metadata": ("list", "read"), "detailed-metadata": ("list",)}
_WRITE: Final = {"data": ("create", "update", "delete"), "metadata": ("list", "read", "patch"), "undelete": ("update",)}
_EMPTY: Final = {"metadata": ("delete",)}  # before a mount is dropped
_KEEP_RECORD: Final = {"data": ("create", "read", "update", "delete"), "metadata": ("read", "patch", "delete")}

Rule = tuple[str, tuple[str, ...]]


class _Vault(NamedTuple):
    """Where a vault is: its workspace, the beginning of its secrets' paths, and its record."""

    mount: str
    workspace: str
    inside: str
    record: str
    is_mount: bool


def policy(target: Target, names: Sequence[str], use: Literal["read", "deploy"]) -> str:
    """Return the policy for *names*: native names, and beginnings of them, with a slash at their end.

    Whoever reads may read the values and nothing else. Whoever deploys may look at the whole workspace, metadata and
    vaults' records, and write these names; the values stay closed.
    """
    merged: dict[str, set[str]] = {}
    for name in names:
        if _is_record(target, name):
            continue  # a deployer's come with the vault's own name, and no reader's business are they
        vault = _vault_of(target, name)
        last = name.rpartition("/")[2] or "*"
        for path, rights in _reading(vault, last) if use == "read" else _deploying(vault, last):
            merged.setdefault(path, set()).update(rights)
    return "\n".join(_stanza(path, rights) for path, rights in sorted(merged.items()))


def _reading(vault: _Vault, last: str) -> Iterator[Rule]:
    yield from _rules(vault, vault.inside + last, _READ)
    if vault.is_mount and last == "*":
        yield from _rules(vault, vault.record, {"data": ("deny",)})  # it holds the key of the stamps


def _deploying(vault: _Vault, last: str) -> Iterator[Rule]:
    yield from _rules(vault, f"{vault.workspace}*", _LOOK)
    yield from _rules(vault, vault.inside + last, _WRITE)
    yield from _rules(vault, vault.record, _KEEP_RECORD)
    if vault.is_mount:
        yield from _rules(vault, vault.inside + last, _EMPTY)
        yield f"sys/mounts/{vault.mount}", ("create", "update", "delete")
    else:
        yield from _rules(vault, f"{vault.workspace}{_RECORD}/*", _READ)  # whose the other vaults are


def _is_record(target: Target, name: str) -> bool:
    parts = name.split("/")
    return parts[-2 if target.path.strip("/") else -1] == _RECORD


def _rules(vault: _Vault, path: str, rights: Mapping[str, tuple[str, ...]]) -> Iterator[Rule]:
    for kind, allowed in rights.items():
        yield f"{vault.mount}/{kind}/{path}", allowed


def _vault_of(target: Target, name: str) -> _Vault:
    """Return the vault that *name* is in, or is the beginning of."""
    if not target.path.strip("/"):
        workspace, vault = name.split("/")[:2]
        return _Vault(f"{workspace}/{vault or '+'}", "", "", _RECORD, is_mount=True)
    mount = target.options.get("mount", "").strip("/") or target.path.strip("/").partition("/")[0]
    above, _, vault = name.removeprefix(f"{mount}/").rpartition("/")[0].rpartition("/")
    workspace = f"{above}/" if above else ""
    return _Vault(mount, workspace, f"{workspace}{vault}/", f"{workspace}{_RECORD}/{vault}", is_mount=False)


def _stanza(path: str, rights: set[str]) -> str:
    allowed = ", ".join(f'"{right}"' for right in sorted(rights))
    return f'path "{path}" {{\n  capabilities = [{allowed}]\n}}\n'
