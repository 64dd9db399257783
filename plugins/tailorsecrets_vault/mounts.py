"""The mount behind a native name: one for each vault, or one that holds all vaults as folders."""

import abc
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from hvac import Client
from hvac.exceptions import Forbidden, InvalidRequest

from tailorsecrets.driver import Entry, PerProcess, Target
from tailorsecrets.errors import ConfigError, NameInvalid, NotEmpty, NotFound
from tailorsecrets_vault.client import Connection
from tailorsecrets_vault.entries import Json
from tailorsecrets_vault.kv import Kv, KvPath
from tailorsecrets_vault.messages import mount_in_use

_NAME: Final = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9_+=.@-]+(?:/[A-Za-z0-9_+=.@-]+)*")
_NOTE: Final = "tailorsecrets: "  # begins the description of a mount that was made here


class Mounts(abc.ABC):
    """The mounts behind native names. The server is asked once for each, before the first write or after a miss."""

    def __init__(self, connection: Connection) -> None:
        self._call = connection.call
        self._settings: dict[str, PerProcess[Json | None]] = {}  # None: absent, or hidden from this token

    @abc.abstractmethod
    def path(self, name: str) -> KvPath:
        """Return the path of *name*."""

    def folder(self, prefix: str) -> tuple[KvPath, str]:
        """Return the folder that holds everything under *prefix*, and how its names there begin."""
        above, _, start = prefix.rpartition("/")
        mount, path = self.path(f"{above}/x")
        return KvPath(mount, path.removesuffix("x")), start

    def check(self, mount: str) -> None:
        """Raise ConfigError if *mount* is not KV version 2. An absent one passes: the calls that follow fail."""
        settings = self._ask_once(mount)
        if settings is not None and not _is_kv2(settings):
            self._settings.pop(mount, None)  # somebody may upgrade it
            raise _wrong_type(mount, settings)

    def _remember(self, mount: str, settings: Json | None) -> None:
        self._settings[mount] = PerProcess(lambda: settings)

    def _ask_once(self, path: str) -> Json | None:
        """Return the settings of the mount that holds *path*; threads that need them wait for one request."""
        return self._settings.setdefault(path, PerProcess(partial(self._ask_if_visible, path))).get()

    def _ask_if_visible(self, path: str) -> Json | None:
        try:
            return self._ask(path)
        except Forbidden:
            return None

    def _ask(self, path: str) -> Json:
        """Return the settings of the mount that holds *path*; any right on a path in it is enough."""
        answer: dict[str, Json] = self._call(lambda client: client.adapter.get(f"/v1/sys/internal/ui/mounts/{path}"))
        return answer["data"]


class OneMount(Mounts):
    """One mount with a folder for each vault. The path of *target* is the mount, and perhaps a folder in it."""

    def __init__(self, connection: Connection, target: Target) -> None:
        super().__init__(connection)
        self._path, self._mount = target.path.strip("/"), target.options.get("mount", "").strip("/")
        if self._mount and not f"{self._path}/".startswith(f"{self._mount}/"):
            raise ConfigError(f"mount={self._mount}: the path of the store URL does not begin with it")
        if "/" not in self._path:
            self._mount = self._path

    def path(self, name: str) -> KvPath:
        """Return the path of *name*."""
        _check_name(name)
        mount = self._mount or self._mount_of_path()
        if name.startswith("/"):
            return KvPath(mount, name.removeprefix("/"))
        if not name.startswith(f"{mount}/"):
            raise NameInvalid(f"{name!r} is outside of the mount {mount}")
        return KvPath(mount, name.removeprefix(f"{mount}/"))

    def _mount_of_path(self) -> str:
        """Return the mount that the path begins with; a mount may have slashes, so the server is asked once."""
        settings = self._ask_once(self._path)
        if settings is None:
            self._mount = self._path.partition("/")[0]
        else:
            self._mount = settings["path"].strip("/")
            self._remember(self._mount, settings)
        return self._mount


class MountPerVault(Mounts):
    """Each vault is a mount, at its workspace and name."""

    def path(self, name: str) -> KvPath:
        """Return the path of *name*."""
        _check_name(name)
        if name.startswith("/"):
            return self._elsewhere(name.removeprefix("/"))
        workspace, vault, path = name.split("/", 2)
        return KvPath(f"{workspace}/{vault}", path)

    def _elsewhere(self, name: str) -> KvPath:
        """Return the path of ``MOUNT/KEY``; a mount may have slashes, so the server is asked once."""
        settings = self._ask_once(name)
        mount = name.partition("/")[0] if settings is None else str(settings["path"]).strip("/")
        return KvPath(mount, name.removeprefix(f"{mount}/"))

    def containers(self, prefix: str) -> Iterator[Entry]:
        """Yield the KV version 2 mounts under *prefix* that the token may see."""
        answer = self._call(lambda client: client.adapter.get("/v1/sys/internal/ui/mounts"))
        mounts: Mapping[str, Json] = answer["data"]["secret"]
        for path, settings in sorted(mounts.items()):
            if path.startswith(prefix) and _is_kv2(settings):
                self._remember(path.strip("/"), settings)
                yield Entry(name=path.strip("/"), stamp=_note(settings))

    def make(self, container: str, note: str) -> None:
        """Mount a new store for *container*."""
        _check_name(container)
        try:
            self._call(partial(_enable, path=container, note=note))
        except InvalidRequest as exc:
            if mount_in_use(exc) == container:
                self.check(container)
            raise
        self._remember(container, None)

    def drop(self, container: str, kv: Kv) -> None:
        """Unmount *container*, which must be empty: an unmounted store is gone for good."""
        _check_name(container)
        settings = self._ask(container)
        if settings["path"] != f"{container}/":
            raise NotFound
        if not _is_kv2(settings):
            raise _wrong_type(container, settings)
        if not kv.is_empty(container):
            raise NotEmpty
        self._call(lambda client: client.sys.disable_secrets_engine(container))
        self._settings.pop(container, None)


def _enable(client: Client, path: str, note: str) -> None:
    client.sys.enable_secrets_engine("kv", path=path, description=_NOTE + note, options={"version": "2"})


def _wrong_type(mount: str, settings: Json) -> ConfigError:
    is_kv = settings["type"] in {"kv", "generic"}
    found = f"KV version {_version(settings)}" if is_kv else f"of type {settings['type']}"
    return ConfigError(
        f"the mount {mount}/ is {found}; KV version 2 is needed",
        hint=f"make another mount, or upgrade it with: vault kv enable-versioning {mount}",
    )


def _is_kv2(settings: Json) -> bool:
    return settings["type"] == "kv" and _version(settings) == "2"


def _version(settings: Json) -> str:
    options: Mapping[str, str] = settings["options"] or {}
    return options.get("version", "1")


def _note(settings: Json) -> str:
    text = str(settings.get("description", ""))
    return text.removeprefix(_NOTE) if text.startswith(_NOTE) else ""


def _check_name(name: str) -> None:
    """Refuse names that hvac would turn into another path, such as ``a/../b`` and ``a//b``.

    A slash at the start marks the name of another tool's entry.
    """
    if not _NAME.fullmatch(name.removeprefix("/")):
        raise NameInvalid(f"{name!r} cannot be a path in Vault")
