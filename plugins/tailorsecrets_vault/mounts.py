"""Where a native name is: in a mount of its vault's own, or in a folder of one mount that is there."""

import abc
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from tailorsecrets.driver import Entry, Target
from tailorsecrets.errors import ConfigError, NameInvalid, NotEmpty, NotFound
from tailorsecrets_vault.client import Connection
from tailorsecrets_vault.entries import Facts
from tailorsecrets_vault.hvac_types import Forbidden, InvalidRequest
from tailorsecrets_vault.kv import Kv, Spot
from tailorsecrets_vault.refusals import taken_path

_NAME: Final = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9_+=.@-]+(?:/[A-Za-z0-9_+=.@-]+)*")
_NOTE: Final = "tailorsecrets: "  # begins the description of a mount that was made here


class Places(abc.ABC):
    """The mounts behind native names. A mount is looked at once, before the first write or after a first miss."""

    def __init__(self, connection: Connection) -> None:
        self._call = connection.call
        self._known: set[str] = set()

    @abc.abstractmethod
    def spot(self, name: str) -> Spot:
        """Return where *name* is."""

    def folder(self, prefix: str) -> tuple[Spot, str]:
        """Return the folder that everything under *prefix* is in, and how its names there begin."""
        above, _, start = prefix.rpartition("/")
        mount, path = self.spot(f"{above}/x")
        return Spot(mount, path.removesuffix("x")), start

    def check(self, mount: str) -> None:
        """Raise ConfigError if *mount* is not KV version 2. An absent one passes: what is asked of it fails."""
        if mount not in self._known:
            with suppress(Forbidden):  # absent, or out of sight for this token
                _check(mount, self._look(mount))
            self._known.add(mount)

    def _look(self, path: str) -> Facts:
        """Return what the mount that holds *path* is; any policy on a path in it is enough."""
        answer: dict[str, Facts] = self._call(lambda client: client.adapter.get(f"/v1/sys/internal/ui/mounts/{path}"))
        return answer["data"]


class Folders(Places):
    """Folders of one mount. *target*'s path is the mount and perhaps more."""

    def __init__(self, connection: Connection, target: Target) -> None:
        super().__init__(connection)
        self._path, self._mount = target.path.strip("/"), target.options.get("mount", "").strip("/")
        if self._mount and not f"{self._path}/".startswith(f"{self._mount}/"):
            raise ConfigError(f"mount={self._mount}: the path of the store URL does not begin with it")
        if "/" not in self._path:
            self._mount = self._path

    def spot(self, name: str) -> Spot:
        """Return where *name* is."""
        _check_name(name)
        mount = self._found()
        if not name.startswith(f"{mount}/"):
            raise NameInvalid(f"{name!r} is outside of the mount {mount}")
        return Spot(mount, name.removeprefix(f"{mount}/"))

    def _found(self) -> str:
        """Return the mount that the path begins with; it may have slashes, so the server is asked once."""
        if not self._mount:
            try:
                self._mount = self._look(self._path)["path"].strip("/")
            except Forbidden:
                self._mount = self._path.partition("/")[0]  # absent, or out of sight for this token
        return self._mount


class Mounts(Places):
    """Each vault is a mount, at its workspace and name."""

    def spot(self, name: str) -> Spot:
        """Return where *name* is."""
        _check_name(name)
        workspace, vault, path = name.split("/", 2)
        return Spot(f"{workspace}/{vault}", path)

    def containers(self, prefix: str) -> Iterator[Entry]:
        """Yield the KV version 2 mounts under *prefix* that the token may see."""
        answer = self._call(lambda client: client.adapter.get("/v1/sys/internal/ui/mounts"))
        mounts: Mapping[str, Facts] = answer["data"]["secret"]
        for path, facts in sorted(mounts.items()):
            if path.startswith(prefix) and _is_kv2(facts):
                self._known.add(path.strip("/"))
                yield Entry(name=path.strip("/"), stamp=_note(facts))

    def make(self, container: str, note: str) -> None:
        """Mount a new store for *container*."""
        _check_name(container)
        try:
            self._call(lambda client: _enable(client, container, note))
        except InvalidRequest as exc:
            if taken_path(exc) == container:
                self.check(container)
            raise
        self._known.add(container)

    def drop(self, container: str, kv: Kv) -> None:
        """Unmount *container*, which must be empty: what is in it would be gone for good."""
        _check_name(container)
        mount = self._look(container)
        if mount["path"] != f"{container}/":
            raise NotFound
        _check(container, mount)
        if not kv.is_empty(container):
            raise NotEmpty
        self._call(lambda client: client.sys.disable_secrets_engine(container))
        self._known.discard(container)


def _enable(client: Any, path: str, note: str) -> None:
    client.sys.enable_secrets_engine("kv", path=path, description=_NOTE + note, options={"version": "2"})


def _check(mount: str, facts: Facts) -> None:
    if not _is_kv2(facts):
        kind = f"KV version {_version(facts)}" if facts["type"] in {"kv", "generic"} else f"of type {facts['type']}"
        raise ConfigError(
            f"the mount {mount}/ is {kind}; KV version 2 is needed",
            hint=f"make another mount, or upgrade it with: vault kv enable-versioning {mount}",
        )


def _is_kv2(facts: Facts) -> bool:
    return facts["type"] == "kv" and _version(facts) == "2"


def _version(facts: Facts) -> str:
    options: Mapping[str, str] = facts["options"] or {}
    return options.get("version", "1")


def _note(facts: Facts) -> str:
    text = str(facts.get("description", ""))
    return text.removeprefix(_NOTE) if text.startswith(_NOTE) else ""


def _check_name(name: str) -> None:
    """Refuse what hvac would turn into another path, such as ``a/../b`` and ``a//b``."""
    if not _NAME.fullmatch(name):
        raise NameInvalid(f"{name!r} cannot be a path in Vault")
