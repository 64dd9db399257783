"""One run of a command: its streams, the common options, and the target that they choose."""

import os.path
from collections.abc import Mapping
from contextlib import redirect_stdout
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from tailorsecrets.cli.streams import Io
from tailorsecrets.cli.waiting import WaitNotice
from tailorsecrets.errors import ConfigError
from tailorsecrets.targets.environment import Environment

if TYPE_CHECKING:
    from tailorsecrets.config.config import Config
    from tailorsecrets.store.store import Store
    from tailorsecrets.targets.choice import Choice
    from tailorsecrets.targets.routes import Routes

_NO_CONFIG: Final = "no tailor_config.py in this folder or above"


class Common:
    """The common options, from the command and from the groups before it; these are their defaults."""

    workspace_id: str | None = None
    profile: str | None = None
    profiles: tuple[str, ...] = ()  # of a command that takes several; they replace ``profile``
    store: str | None = None
    config: str | None = None
    env_file: tuple[str, ...] = ()
    env_file_if_exists: tuple[str, ...] = ()
    json: bool = False
    verbose: bool = False

    def take(self, name: str, value: Any) -> None:
        """Take the option *name*. The last one wins; repeatable ones add up."""
        setattr(self, name, (*getattr(self, name), *value) if isinstance(value, tuple) else value)

    def flags(self) -> str:
        """Return the options that choose the target, for a suggested command."""
        from shlex import quote

        given = [
            ("workspace-id", self.workspace_id),
            *(("profile", profile) for profile in self.profiles or (self.profile,)),
            ("store", self.store),
            ("config", self.config),
        ]
        return "".join(f" --{name} {quote(value)}" for name, value in given if value)


class Invocation:
    """The context of a command. Files are read at the first use of what they hold."""

    def __init__(self, io: Io) -> None:
        self.io = io
        self.common = Common()
        self.wait_notice = WaitNotice(io.say)

    def take(self, name: str, value: Any) -> None:
        """Take the common option *name*. With --json nothing is in colour."""
        self.common.take(name, value)
        self.io.plain = self.common.json

    @property
    def json(self) -> bool:
        """Whether data and errors are JSON."""
        return self.common.json

    @property
    def can_ask(self) -> bool:
        """Whether a person can answer a prompt."""
        return self.io.terminal and not self.json

    @cached_property
    def environ(self) -> Environment:
        """The environment with the env files. The process gets them too, since configs and SDKs read it."""
        common, cwd = self.common, self.io.cwd
        if common.env_file or common.env_file_if_exists:
            from tailorsecrets.targets.env_files import load_env_files

            required = [os.path.join(cwd, path) for path in common.env_file]
            optional = [os.path.join(cwd, path) for path in common.env_file_if_exists]
            self.io.environ.update(load_env_files(required, optional, self.io.environ))
        return Environment(self.io.environ)

    @cached_property
    def config_path(self) -> str | None:
        """The config file, or None."""
        from tailorsecrets.config.loading import find_config

        return find_config(self.common.config, self.environ, self.io.cwd)

    @property
    def folder(self) -> str:
        """The folder of the profile file and the default store: that of the config, else the working directory."""
        return os.path.dirname(self.config_path) if self.config_path else os.fspath(self.io.cwd)

    @property
    def choice(self) -> "Choice":
        """The store and workspace of a command that takes one target."""
        return self.routes[0].primary

    def routes_of(self, target: str | None) -> "Routes":
        """Return the routes of a command that takes one profile, with *target*, of ``--target``, as their only one."""
        if target is None:
            return self.routes[0]
        return self._routes(self.common.profile, store=target, option="--target")

    @cached_property
    def routes(self) -> "tuple[Routes, ...]":
        """The targets that the options, the environment and the profile choose, for each profile that is named."""
        common = self.common
        profiles = dict.fromkeys(common.profiles or (common.profile,))
        return tuple(self._routes(profile, store=common.store) for profile in profiles)

    def _routes(self, profile: str | None, *, store: str | None, option: str = "--store") -> "Routes":
        from tailorsecrets.targets.routes import choose_routes

        return choose_routes(
            self.environ,
            self.folder,
            store=store,
            workspace=self.common.workspace_id,
            profile=profile,
            cwd=self.io.cwd,
            option=option,
        )

    def config(self) -> "Config":
        """Run the config file, once. Its prints go to stderr. Raise ConfigError where there is none."""
        return self._config

    @cached_property
    def _config(self) -> "Config":
        self.environ  # noqa: B018  # the env files come before the file that may read them
        if self.config_path is None:
            hint = "run: tailorsecrets init, or name a config with --config"
            raise ConfigError(_NO_CONFIG, code="CONFIG_NOT_FOUND", hint=hint)
        from tailorsecrets.config.loading import load_config

        with redirect_stdout(self.io.stderr):
            return load_config(self.config_path)

    def declared_names(self) -> Mapping[str, list[str]]:
        """Return the names in the config, for completion and suggestions; none where it cannot be loaded."""
        try:
            return self.config().declarations.names()
        except Exception:  # noqa: BLE001  # completion and other errors must not show this one
            return {}

    def open(self, *, create: bool | None = None) -> "Store":
        """Open the chosen store; nothing is called yet. From now on a notice says when it does not answer."""
        store = self.open_for_app(create=create)
        self.wait_notice.start(self.choice.url)
        return store

    def open_for_app(self, *, create: bool | None = None) -> "Store":
        """Open the chosen store without that notice: a program may work for long between its calls."""
        from tailorsecrets.targets.opening import open_choice

        external = self.routes[0].external_at(self.choice)
        return open_choice(self.choice, self.environ, create=create, external=external)

    def announce(self, action: str, *, writes: bool = True) -> None:
        """Name the target of *action* on stderr; raise Denied if it *writes* under a profile that may only read.

        A URL that is wrong, such as one with a credential, is refused before it is shown.
        """
        from tailorsecrets.targets.opening import target_of

        target_of(self.choice, self.environ)
        self.io.say(f"{action} -> {self.choice}")
        if writes:
            self.choice.check_writable()

    def report_change(self, name: str, sentence: str, *, changed: bool = True) -> None:
        """Report a change: JSON for programs, *sentence* for people."""
        if self.json:
            self.io.show_json({"changed": changed, "workspaceId": self.choice.workspace, "name": name})
        else:
            self.io.say(sentence)
