"""Which store and workspace is meant, and opening it: flags, environment, profile, default."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from os import PathLike, fspath, getcwd
from os.path import exists
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from tailorsecrets import plugins
from tailorsecrets.calls import read_only
from tailorsecrets.driver import Driver, StoreType, Target
from tailorsecrets.errors import ConfigError, Unsupported
from tailorsecrets.names import check_name
from tailorsecrets.profiles import read_profile
from tailorsecrets.store import Store

if TYPE_CHECKING:
    from tailorsecrets.aging import Settings

DEFAULT_STORE: Final = "file:.tailorsecrets/secrets.jsonl"
DEFAULT_WORKSPACE: Final = "default"
_TIMEOUT: Final = 15.0
_URL: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL
)  # RFC 3986
_CREDENTIAL: Final = re.compile(r"//[^/?#]*@")  # in the address that an option names
_TIMEOUT_HELP: Final = "seconds that a read may take in all (default 15); a write may take four times as many"


class Choice(NamedTuple):
    """The target that flags, environment and profile name together."""

    url: str
    workspace: str
    base: str  # where a relative path in the URL starts
    named: bool = True  # False: nobody named a store, it is the default
    read_only: str = ""  # the profile that may only read, "" for none
    cache: "Settings | None" = None  # how long values are held at run time; None: the defaults

    def __str__(self) -> str:
        return f"{self.url}, workspace {self.workspace}"

    def check_writable(self) -> None:
        """Raise Denied under a profile that may only read."""
        if self.read_only:
            raise read_only(self.read_only)


def choose(
    environ: Mapping[str, str],
    folder: str | PathLike[str],
    *,
    store: str | None = None,
    workspace: str | None = None,
    profile: str | None = None,
    cwd: str | PathLike[str] | None = None,
) -> Choice:
    """Return the target: what is given here, else the environment's, else the profile's, else the default.

    *folder* is the config's: the profile file and the default store are there. Relative paths in a URL start at
    *cwd* (default: the working directory), those in the profile file at *folder*.
    """
    found = read_profile(folder, profile or environ.get("TAILORSECRETS_PROFILE", ""))
    named = store or environ.get("TAILORSECRETS_STORE", "")
    space = workspace or environ.get("TAILORSECRETS_WORKSPACE", "") or found.workspace or DEFAULT_WORKSPACE
    check_name("workspace", space)
    return Choice(
        url=named or found.store or DEFAULT_STORE,
        workspace=space,
        base=fspath((cwd or getcwd()) if named else folder),
        named=bool(named or found.store),
        read_only=f"profile {found.name!r} may only read" if found.permission == "read" else "",
        cache=found.cache,
    )


def open_choice(choice: Choice, environ: Mapping[str, str], *, create: bool | None = None) -> Store:
    """Open the store of *choice*; nothing is called yet. *create*: may a write make the store (default: if named)."""
    kind, target = _parse(choice.url, choice.base, environ, create=choice.named if create is None else create)
    return Store(
        _layered(_driver(kind, target), target),
        choice.workspace,
        url=target.url,
        prefix=target.path if kind.prefixed else "",
        read_only=choice.read_only,
        may_make=target.create,
    )


def target_of(choice: Choice, environ: Mapping[str, str]) -> Target:
    """Return the parsed URL of *choice*."""
    return _parse(choice.url, choice.base, environ, create=choice.named)[1]


def policy_of(choice: Choice, environ: Mapping[str, str], vaults: Iterable[str], use: Literal["read", "deploy"]) -> str:
    """Return the least-privilege policy for *use* of *vaults*, as the store's own document; calls nothing.

    Raise Unsupported for a store without permissions of its own.
    """
    kind, target = _parse(choice.url, choice.base, environ, create=False)
    if kind.policy is None:
        raise Unsupported(f"{choice.url}: the store has no policies; who can open it can read and write all of it")
    with open_choice(choice, environ) as store:
        names = [name for vault in vaults for name in store.native_names(vault)]
    return kind.policy(target, names, use)


def open_store(url: str, workspace: str = DEFAULT_WORKSPACE, *, environ: Mapping[str, str] | None = None) -> Store:
    """Open the store at *url*, untyped and without a config. A write makes a store file that is not there.

    Raise ConfigError for a URL that no plugin opens, with unknown options or a credential in it.
    """
    import os

    variables = os.environ if environ is None else environ
    return open_choice(Choice(url, workspace, getcwd()), variables)


def load_env_files(required: list[str], optional: list[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the env files add to *environ*: required ones first, later over earlier, never over *environ*."""
    added: dict[str, str] = {}
    for path in required:
        if not exists(path):
            raise ConfigError(f"env file {path}: not found", hint="--env-file-if-exists skips a missing one")
    for path in [*required, *(path for path in optional if exists(path))]:
        added |= _env_file(path)
    return {name: value for name, value in added.items() if name not in environ}


def _env_file(path: str) -> dict[str, str]:
    read = _read_env_file(path)
    if isinstance(read, str):
        raise ConfigError(f"env file {path}: {read}")
    return read


def _read_env_file(path: str) -> dict[str, str] | str:
    """Return what the file says, as it stands, or what is wrong with it: an exception raised here would show it."""
    from io import StringIO

    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    except UnicodeDecodeError:
        return "it is not UTF-8 text"
    except OSError as exc:
        return exc.strerror or type(exc).__name__
    wrong = next((found.original for found in parse_stream(StringIO(text)) if found.error), None)
    if wrong is None:
        read = dotenv_values(stream=StringIO(text), interpolate=False)
        return {name: value for name, value in read.items() if value is not None}
    blank = len(wrong.string) - len(wrong.string.lstrip())
    return f"line {wrong.line + wrong.string[:blank].count(chr(10))} is not NAME=VALUE"


def _parse(url: str, base: str, environ: Mapping[str, str], *, create: bool) -> tuple[StoreType, Target]:
    parts = _split(url)
    kind = plugins.store_type(parts.scheme)
    options = _options(kind, parts.query)
    timeout = _seconds(options.pop("timeout", ""))
    return kind, Target(
        url=url,
        scheme=parts.scheme,
        host=parts.host,
        path=_unquoted(parts.path.removeprefix("/") if parts.host else parts.path),
        options=options,
        base=base,
        create=create,
        timeout=timeout,
        environ=environ,
    )


class _Parts(NamedTuple):
    scheme: str
    host: str
    path: str
    query: str
    fragment: str


def _split(url: str) -> _Parts:
    match = _URL.fullmatch(url)
    if match is None:
        raise ConfigError("a store URL begins with a scheme, as in file:secrets.jsonl or vault://host")
    parts = _Parts(*(part or "" for part in match.groups()))
    if "@" in parts.host:  # the URL is not shown: what stands before the @ may be a password
        raise ConfigError("the store URL has a credential in it", hint="take it out; sign in by the environment")
    if re.search(r"[\s\x00-\x1f\\<>{}|^`\"]", parts.host):
        raise ConfigError(f"the store URL has {parts.host!r} where a host stands, which is not a host")
    if parts.fragment:
        raise ConfigError("the store URL has a # in it", hint="write %23")
    return parts


def _options(kind: StoreType, query: str) -> dict[str, str]:
    known = {**kind.options, "timeout": _TIMEOUT_HELP}
    pairs = _pairs(query)
    unknown = sorted({name for name, _ in pairs} - set(known))
    if unknown:
        lines = "".join(f"\n  {name}: {text}" for name, text in sorted(known.items()))
        raise ConfigError(f"unknown option {', '.join(unknown)} in a {kind.scheme}: URL", hint=f"known are{lines}")
    if any(_CREDENTIAL.search(text) for _, text in pairs):
        raise ConfigError("the store URL has a credential in an option", hint="take it out; sign in by the environment")
    if len(dict(pairs)) < len(pairs):
        raise ConfigError("an option stands twice in the store URL")
    return dict(pairs)


def _pairs(query: str) -> list[tuple[str, str]]:
    if not query:
        return []
    from urllib.parse import parse_qsl

    return parse_qsl(query, keep_blank_values=True)


def _unquoted(path: str) -> str:
    if "%" not in path:
        return path
    from urllib.parse import unquote

    return unquote(path)


def _seconds(text: str) -> float:
    seconds = 0.0
    with suppress(ValueError):
        seconds = float(text or _TIMEOUT)
    if not 0 < seconds < float("inf"):
        raise ConfigError(f"timeout={text}: a number of seconds is meant")
    return seconds


def _driver(kind: StoreType, target: Target) -> Driver:
    try:
        return kind.open(target)
    except ImportError as exc:
        missing = exc.name or "a package"
    hint = f"pip install 'tailorsecrets[{kind.extra}]'" if kind.extra else ""
    raise ConfigError(f"the {kind.scheme}: store needs {missing}, which is not installed", hint=hint)


def _layered(driver: Driver, target: Target) -> Driver:
    if driver.caps.retries and not driver.caps.per_s:
        return driver
    from tailorsecrets.layers import stack

    return stack(driver, timeout=target.timeout)
