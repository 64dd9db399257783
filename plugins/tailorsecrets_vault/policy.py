"""Least privilege: the policy document for reading or deploying some vaults and secrets. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from tailorsecrets.driver import Target

_RECORD: Final = "v"  # the part of a native name that marks a vault's own record
_READ: Final = {"data": ("read",)}
_WRITE: Final = {
    "data": ("create", "update", "delete"),
    "metadata": ("read", "patch"),
    "undelete": ("update",),
}
_PURGE: Final = {**_WRITE, "metadata": ("read", "patch", "delete")}
_RECORDS: Final = {**_PURGE, "data": ("create", "read", "update", "delete")}
_LIST: Final = {"metadata": ("list",), "detailed-metadata": ("list",)}

Rights = Mapping[str, tuple[str, ...]]


def policy(target: Target, names: Sequence[str], purpose: Literal["read", "deploy"]) -> str:
    """Return the policy in HCL. A name that ends in a slash is a vault, any other one secret."""
    mounts = not target.path.strip("/")
    rules = [rule for name in names for rule in _rules(target, name, purpose, mounts=mounts)]
    merged: dict[str, set[str]] = {}
    for path, rights in rules:
        merged.setdefault(path, set()).update(rights)
    return "\n".join(_stanza(path, rights) for path, rights in sorted(merged.items()))


def _rules(target: Target, name: str, purpose: str, *, mounts: bool) -> Iterator[tuple[str, tuple[str, ...]]]:
    mount, path = _split(target, name, mounts=mounts)
    everything = f"{path}*" if name.endswith("/") else path
    if purpose == "read":
        yield from _paths(mount, everything, _READ)
        if mounts and name.endswith("/"):
            yield f"{mount}/data/{_RECORD}", ("deny",)  # the vault's own record has the key of its stamps
        return
    yield from _paths(mount, everything, _PURGE if mounts else _WRITE)
    if name.endswith("/"):
        yield from _vault(mount, path, mounts=mounts)


def _vault(mount: str, path: str, *, mounts: bool) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what listing a vault and writing its record take, and in mounts, making and dropping it."""
    if mounts:
        yield from _paths(mount, _RECORD, _RECORDS)
        yield from _paths(mount, "", _LIST)
        yield f"sys/mounts/{mount}", ("create", "update", "delete")
        return
    above, _, vault = path.rstrip("/").rpartition("/")
    workspace = f"{above}/" if above else ""
    yield from _paths(mount, f"{workspace}{_RECORD}/{vault}", _RECORDS)
    for folder in (workspace, f"{workspace}{_RECORD}/", path):
        yield from _paths(mount, folder, _LIST)


def _paths(mount: str, path: str, rights: Rights) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from ((f"{mount}/{kind}/{path}", allowed) for kind, allowed in rights.items())


def _split(target: Target, name: str, *, mounts: bool) -> tuple[str, str]:
    if mounts:
        workspace, vault, path = name.split("/", 2)
        return f"{workspace}/{vault}", path
    mount = target.options.get("mount", "").strip("/") or target.path.strip("/").partition("/")[0]
    return mount, name.removeprefix(f"{mount}/")


def _stanza(path: str, rights: set[str]) -> str:
    return f'path "{path}" {{\n  capabilities = [{", ".join(f"{right!r}" for right in sorted(rights))}]\n}}\n'.replace(
        "'", '"'
    )
