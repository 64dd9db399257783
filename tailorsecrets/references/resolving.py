"""References to secrets in HTTP headers, resolved when a request is sent."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol, cast

from tailorsecrets.errors import ConfigError, NameInvalid, SecretNotFound, ValueInvalid
from tailorsecrets.references.ref import SecretRef
from tailorsecrets.secret import Secret

HeaderValue = str | Secret | SecretRef | Mapping[str, str]
ParsedHeaders = Mapping[str, Secret | SecretRef]  # plain text is a Secret too
Values = Mapping[str, Mapping[str, Secret | None]]

_FIELD: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, token
_TEXT: Final = re.compile(r"[\t\x20-\x7e]*")  # RFC 9110 allows more, but clients differ
_KEYS: Final = {"vault", "key", "format"}


class Reader(Protocol):
    """The source of the values: a SecretManager."""

    def get_all(self, vault: str, secrets: Sequence[str]) -> list[str | None]:
        """Return the values of *secrets* in the order asked, None for missing ones."""
        ...

    async def aget_all(self, vault: str, secrets: Sequence[str]) -> list[str | None]:
        """Do the same as get_all, on asyncio or trio."""
        ...


def headers(secrets: Reader, given: Mapping[str, HeaderValue]) -> dict[str, str]:
    """Return *given* with every reference replaced by the value of its secret, for any HTTP client.

    A reference is a SecretRef or ``{"vault": ..., "key": ..., "format": "Bearer {}"}`` (``format`` is optional). Raise
    ConfigError for an invalid header, SecretNotFound for a secret that does not exist, ValueInvalid for a value that a
    header cannot have (CR, LF, NUL, other control characters, non-ASCII, blank), and any error of the read.
    """
    given = cover(given)
    return revealed(resolve(secrets, parse_headers(given)))


async def aheaders(secrets: Reader, given: Mapping[str, HeaderValue]) -> dict[str, str]:
    """Do the same as headers, on asyncio or trio."""
    given = cover(given)
    return revealed(await aresolve(secrets, parse_headers(given)))


def cover(given: Mapping[str, HeaderValue]) -> dict[str, HeaderValue]:
    """Return *given* with its texts as Secrets: users paste tokens, and a traceback may show the locals of frames."""
    return {name: Secret(value) if isinstance(value, str) else value for name, value in given.items()}


def parse_headers(given: Mapping[str, HeaderValue]) -> ParsedHeaders:
    """Return *given* with its references as SecretRefs; raise ConfigError that lists all problems."""
    given = cover(given)
    problems = [*_name_problems(given), *(p for name, value in given.items() for p in _value_problems(name, value))]
    if problems:
        raise ConfigError("headers: " + "; ".join(problems))
    return {name: value if isinstance(value, Secret) else _reference(value) for name, value in given.items()}


def references(parsed: ParsedHeaders) -> list[SecretRef]:
    """Return the references among *parsed*."""
    return [value for value in parsed.values() if isinstance(value, SecretRef)]


def resolve(secrets: Reader, parsed: ParsedHeaders) -> dict[str, Secret]:
    """Return *parsed* with the values of its references, in one read for each vault."""
    return _filled(parsed, {vault: _by_key(keys, secrets.get_all(vault, keys)) for vault, keys in _wanted(parsed)})


async def aresolve(secrets: Reader, parsed: ParsedHeaders) -> dict[str, Secret]:
    """Do the same as resolve, on asyncio or trio."""
    found = {vault: _by_key(keys, await secrets.aget_all(vault, keys)) for vault, keys in _wanted(parsed)}
    return _filled(parsed, found)


def revealed(resolved: Mapping[str, Secret]) -> dict[str, str]:
    """Return the headers as text, for an HTTP client."""
    return {name: value.reveal() for name, value in resolved.items()}


def _name_problems(given: Mapping[str, object]) -> Iterator[str]:
    seen: set[str] = set()
    for name in given:
        if not _FIELD.fullmatch(name):
            yield f"{name!r} is not a header name"
        if name.lower() in seen:
            yield f"{name!r} is there twice"
        seen.add(name.lower())


def _value_problems(name: str, value: object) -> Iterator[str]:
    if isinstance(value, Secret):
        if not _TEXT.fullmatch(value.reveal()):
            yield f"{name}: the text has characters that are not allowed in a header"
        return
    try:
        _reference(value)
    except (ConfigError, NameInvalid) as error:
        yield f"{name}: {error}"


def _reference(value: object) -> SecretRef:
    if isinstance(value, SecretRef):
        return _checked(value)
    if not isinstance(value, Mapping):
        raise ConfigError(f"expected text or a reference to a secret, got {type(value).__name__}")
    fields = cast("Mapping[str, str]", value)
    wrong = sorted({str(key) for key in fields} ^ ({"vault", "key"} | (fields.keys() & {"format"})))
    if wrong:
        raise ConfigError(f'a reference has "vault", "key" and "format"; missing or unknown: {", ".join(wrong)}')
    return _checked(SecretRef(**fields))


def _checked(ref: SecretRef) -> SecretRef:
    if not _TEXT.fullmatch(ref.format):
        raise ConfigError(f"reference to {ref}: format must have one {{}} and no control characters")
    return ref


def _wanted(parsed: ParsedHeaders) -> list[tuple[str, list[str]]]:
    keys: dict[str, dict[str, None]] = {}
    for ref in references(parsed):
        keys.setdefault(ref.vault, {})[ref.key] = None
    return [(vault, list(names)) for vault, names in keys.items()]


def _by_key(keys: Sequence[str], values: Sequence[str | None]) -> dict[str, Secret | None]:
    return {key: None if value is None else Secret(value) for key, value in zip(keys, values, strict=True)}


def _filled(parsed: ParsedHeaders, found: Values) -> dict[str, Secret]:
    """Fill in the values. No local holds a bare value, because a traceback may show locals."""
    return {n: _fill(n, v, found) if isinstance(v, SecretRef) else v for n, v in parsed.items()}


def _fill(name: str, ref: SecretRef, found: Values) -> Secret:
    value = found[ref.vault][ref.key]
    if value is None:
        raise SecretNotFound(
            f"secret {ref} does not exist, so header {name} cannot be sent", vault=ref.vault, secret=ref.key
        )
    if not _fits(value):
        raise ValueInvalid(
            f"secret {ref}: header {name} cannot have its value, which is blank, or has CR, LF, NUL, another control"
            " character or a character outside ASCII",
            code="HEADER_VALUE_INVALID",
            hint="a value read from a file often ends with a newline",
            vault=ref.vault,
            secret=ref.key,
        )
    return Secret(ref.format.replace("{}", value.reveal()))


def _fits(value: Secret) -> bool:
    return _TEXT.fullmatch(value.reveal()) is not None and value.reveal().strip() != ""
