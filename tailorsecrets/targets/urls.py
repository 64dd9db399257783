"""Store URLs: their parts, checked before a plugin sees them."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from tailorsecrets.driver import Option, StoreType, Target
from tailorsecrets.errors import ConfigError
from tailorsecrets.targets import plugins

_TIMEOUT: Final = 15.0
_URL: Final = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL
)  # RFC 3986
_CREDENTIAL: Final = re.compile(r"//[^/?#]*@")  # in the address that an option names
_WORKSPACE: Final = "workspace="
_SIGN_IN: Final = "remove it, and sign in through the environment"
WORKSPACE: Final = Option("the workspace; it wins over the profile's and the environment's", form=r"[a-z0-9-]+")
TIMEOUT: Final = Option(
    "seconds that a read may take, retries included; a write may take four times as many", default="15"
)


def parse_url(url: str, base: str, environ: Mapping[str, str], *, create: bool) -> tuple[StoreType, Target]:
    """Return the store type behind *url* and its target; relative paths start at *base*.

    Raise ConfigError for a URL that no plugin opens, with unknown options or with a credential in it.
    """
    parts = _split(url)
    store_type = plugins.store_type(parts.scheme)
    options = _options(store_type, parts.query)
    timeout = _seconds(options.pop("timeout", str(_TIMEOUT)))
    return store_type, Target(
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


def split_workspace(url: str) -> tuple[str, str]:
    """Return *url* without its ``?workspace=``, and that workspace, "" for none; ConfigError where it has two."""
    head, _, query = url.partition("?")
    parts = query.split("&") if query else []
    given = [part.removeprefix(_WORKSPACE) for part in parts if part.startswith(_WORKSPACE)]
    if not given:
        return url, ""
    if len(given) > 1:
        raise ConfigError("option workspace is given twice in the store URL")
    if not given[0]:
        raise ConfigError("option workspace in the store URL is empty", hint="write ?workspace=NAME")
    rest = "&".join(part for part in parts if not part.startswith(_WORKSPACE))
    return (f"{head}?{rest}" if rest else head), _unquoted(given[0])


class _Parts(NamedTuple):
    scheme: str
    host: str
    path: str
    query: str
    fragment: str


def _split(url: str) -> _Parts:
    match = _URL.fullmatch(url)
    if match is None:
        plugins.check_scheme(url.partition(":")[0])
        shown = "" if "@" in url else f"{url!r} is not a store URL: "  # a password may stand before an @
        raise ConfigError(f"{shown}a store URL begins with a scheme, as in file:secrets.jsonl or vault://host")
    scheme, *rest = (part or "" for part in match.groups())
    parts = _Parts(scheme.lower(), *rest)  # RFC 3986: schemes are case-insensitive
    if "@" in parts.host:  # the URL is not shown: a password may stand before the @
        raise ConfigError("the store URL contains a credential", hint=_SIGN_IN)
    if re.search(r"[\s\x00-\x1f\\<>{}|^`\"]", parts.host):
        raise ConfigError(f"{parts.host!r} in the store URL is not a host")
    if parts.fragment:
        raise ConfigError("the store URL contains a #", hint="write %23")
    return parts


def _options(store_type: StoreType, query: str) -> dict[str, str]:
    known = _known(store_type)
    pairs = _pairs(query)
    unknown = sorted({name for name, _ in pairs} - set(known))
    if unknown:
        lines = "".join(f"\n  {name}: {help_of(option)}" for name, option in sorted(known.items()))
        raise ConfigError(f"unknown option {', '.join(unknown)} in a {store_type.scheme}: URL", hint=f"known:{lines}")
    if any(_CREDENTIAL.search(text) for _, text in pairs):
        raise ConfigError("the store URL contains a credential in an option", hint=_SIGN_IN)
    if len(dict(pairs)) < len(pairs):
        twice = sorted({name for name, _ in pairs if [other for other, _ in pairs].count(name) > 1})
        raise ConfigError(f"option {', '.join(twice)} is given twice in the store URL")
    _check_forms(store_type, pairs)
    return dict(pairs)


def _known(store_type: StoreType) -> dict[str, Option | str]:
    return {**store_type.options, "timeout": TIMEOUT, "workspace": WORKSPACE}


def options_of(scheme: str) -> dict[str, str]:
    """Return the options of the URLs of *scheme*, each with its line of help."""
    return {name: help_of(option) for name, option in sorted(_known(plugins.store_type(scheme)).items())}


def _check_forms(store_type: StoreType, pairs: Sequence[tuple[str, str]]) -> None:
    for name, text in pairs:
        option = store_type.options.get(name)
        problem = option.problem(text) if isinstance(option, Option) else ""
        if problem:
            raise ConfigError(f"option {name}={text} in a {store_type.scheme}: URL: {problem}")


def help_of(option: Option | str) -> str:
    """Return the line of help of *option*, with its default."""
    if isinstance(option, str):
        return option
    return f"{option.help} (default: {option.default})" if option.default else option.help


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
        seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise ConfigError(f"option timeout={text}: expected a number of seconds over 0")
    return seconds
