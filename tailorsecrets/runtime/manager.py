"""Reading secrets at run time: the object that a config exports."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Self, cast

from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.errors import ConfigError, NameInvalid, SecretsError, UndeclaredSecret
from tailorsecrets.runtime.cache import Cache, Want, held_of
from tailorsecrets.runtime.clock import Clock, seconds
from tailorsecrets.runtime.connection import Connection, Opener
from tailorsecrets.runtime.events import CacheInfo, Hook, Reading
from tailorsecrets.runtime.fetch import fetch
from tailorsecrets.runtime.freshness import Held
from tailorsecrets.runtime.preload import check_all
from tailorsecrets.targets.cache_settings import DEFAULTS

if TYPE_CHECKING:
    import httpx

    from tailorsecrets.references import HeaderValue, Reader


class ManagerBase:
    """All of a manager but the reads of one vault, whose signatures a generated class narrows to declared names.

    Safe for many threads, asyncio and trio at once, and across a fork. All times and ages are in seconds.
    """

    def __init__(self, declarations: Declarations, *, clock: Clock = seconds) -> None:
        """Hold what is declared; the store is opened by the first read. *clock* tells the age of values."""
        self.declarations = declarations
        self._names = declarations.names()
        self._connection = Connection(declarations.folder)
        self._cache = Cache(self._fetch, clock=clock)
        self._profiled = DEFAULTS  # what the profile says
        self._configured: dict[str, Any] = {}  # keywords of CacheSettings

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self._names) or 'no vaults'}>"

    def connect(
        self, *, store: str | Opener | None = None, workspace: str | None = None, profile: str | None = None
    ) -> Self:
        """Choose the target of the reads that follow, over the environment and the profile file; return self.

        *store* is a URL, or a function that opens a Store. Nothing is opened now, and what was read before is
        forgotten. Raise ConfigError for an unknown profile and for what is no store, NameInvalid for a workspace.
        """
        if not (store is None or isinstance(store, str) or callable(store)):
            raise ConfigError(f"connect: store is a URL or a function that opens a Store, not {type(store).__name__}")
        self._connection.point(store=store, workspace=workspace, profile=profile)
        self._cache.forget()
        return self

    def close(self) -> None:
        """Let go of the connection; values that are held stay, and the next read of another one connects anew."""
        self._connection.close()

    def configure(
        self,
        *,
        ttl: float | None = None,
        grace: float | None = None,
        max_stale: float | None = None,
        negative: float | None = None,
        timeout: float | None = None,
        size: int | None = None,
        on_event: Hook | EllipsisType | None = ...,
    ) -> Self:
        """Set how long values are held, over the profile; None leaves a number as it is. Return self.

        A value younger than *ttl* is answered as it is; for *grace* after that it is answered and refreshed in the
        background; while the store does not answer, it serves up to the age *max_stale* (0: never). A missing secret is
        taken for missing for *negative*. A read waits for the store at most *timeout*. At most *size* names are held.
        *on_event* is called with a CacheEvent for each call and stale answer, one after the other on a thread of its
        own, and must not read secrets; None ends that. Raise ConfigError for what is no number from 0, or no function.
        """
        if not (on_event is None or on_event is ... or callable(on_event)):
            raise ConfigError(f"on_event is a function or None, not {type(on_event).__name__}")
        given = {"ttl": ttl, "grace": grace, "max_stale": max_stale, "negative": negative, "timeout": timeout}
        new = {**given, "size": size}
        configured = self._configured | {name: value for name, value in new.items() if value is not None}
        self._cache.configure(replace(self._profiled, **configured))
        self._configured = configured
        if not isinstance(on_event, EllipsisType):
            self._cache.on_event = on_event
        return self

    def preload(self) -> None:
        """Read all declared secrets in the least calls, however long it takes.

        Raise one error, Denied or SecretNotFound, that lists every denied and every missing one; any other error as
        it is.
        """
        wants = self._all()
        check_all(wants, self._cache.read(wants, patient=True))

    async def apreload(self) -> None:
        """Do as preload, on asyncio or trio."""
        wants = self._all()
        check_all(wants, await self._cache.aread(wants, patient=True))

    def refresh(self, vault: str | None = None, secret: str | None = None) -> None:
        """Read again, in the least calls, what is held: of *secret* in *vault*, of all of *vault*, or of all.

        Operations the store also where a pause after failures is not over. Raise what the first one that cannot be read
        raises; its last value still stands in for a store that does not answer.
        """
        for answer in self._cache.read(self._held(vault, secret), 0, patient=True):
            held_of(answer)

    async def arefresh(self, vault: str | None = None, secret: str | None = None) -> None:
        """Do as refresh, on asyncio or trio."""
        for answer in await self._cache.aread(self._held(vault, secret), 0, patient=True):
            held_of(answer)

    def forget(self, vault: str | None = None, secret: str | None = None) -> None:
        """Drop what is held of *secret* in *vault*, of all of *vault*, or of all; the next read calls the store."""
        self._check_chosen(vault, secret)
        self._cache.forget(vault, secret)

    def headers(self, given: "Mapping[str, HeaderValue]") -> dict[str, str]:
        """Return *given* with every reference to a secret replaced by its value; see ``references.headers``."""
        from tailorsecrets import references

        return references.headers(cast("Reader", self), given)

    async def aheaders(self, given: "Mapping[str, HeaderValue]") -> dict[str, str]:
        """Do as headers, on asyncio or trio."""
        from tailorsecrets import references

        return await references.aheaders(cast("Reader", self), given)

    def auth(self, given: "Mapping[str, HeaderValue]", *, allow_http: bool = False) -> "httpx.Auth":
        """Return an ``httpx.Auth`` that puts *given* on each request as it is sent; see ``references.auth``."""
        from tailorsecrets import references

        return references.auth(cast("Reader", self), given, allow_http=allow_http)

    def cache_info(self) -> CacheInfo:
        """Return what the cache holds, and what it did so far."""
        return self._cache.info()

    def _fetch(self, wants: Sequence[Want]) -> Mapping[Want, Held | SecretsError]:
        return fetch(self._connection.store(), wants)

    def _wants(self, vault: str, secrets: Sequence[str], versions: int = 1) -> list[Want]:
        """Return what to read, with the target chosen."""
        if isinstance(secrets, str):
            raise NameInvalid("get_all takes a list of names, not one name", hint="use get", vault=vault)
        if not isinstance(secrets, Collection):
            raise NameInvalid(f"get_all takes a list of names, not {type(secrets).__name__}", vault=vault)
        if not isinstance(versions, int) or isinstance(versions, bool) or versions < 1:
            raise ConfigError("recent: n is a whole number from 1")
        self._check_declared(vault, secrets)
        return self._aimed([Want(vault, secret, versions) for secret in secrets])

    def _check_declared(self, vault: str, secrets: Sequence[str]) -> None:
        """Raise UndeclaredSecret, with the nearest name, for anything that is no name in the config."""
        if not isinstance(vault, str) or vault not in self._names:
            near = _nearest(vault, list(self._names))
            raise UndeclaredSecret(f"vault {vault!r} is not in the config; {near}", vault=str(vault))
        for secret in secrets:
            if not isinstance(secret, str) or secret not in self._names[vault]:
                near = _nearest(secret, self._names[vault])
                raise UndeclaredSecret(f"{vault!r} has no secret {secret!r} in the config; {near}", vault=vault)

    def _all(self) -> list[Want]:
        return self._aimed([Want(vault, secret) for vault, secrets in self._names.items() for secret in secrets])

    def _check_chosen(self, vault: str | None, secret: str | None) -> None:
        """Do the same where None stands for all names."""
        if vault is not None:
            self._check_declared(vault, [] if secret is None else [secret])
        elif secret is not None:
            raise NameInvalid(f"secret {secret!r} stands without its vault")

    def _held(self, vault: str | None, secret: str | None) -> list[Want]:
        self._check_chosen(vault, secret)
        wants = self._aimed(self._cache.wants(vault, secret))
        self._cache.try_again(wants)
        return wants

    def _aimed(self, wants: list[Want]) -> list[Want]:
        """Return *wants* once it is clear from which store, and with which settings, they are read."""
        choice, new = self._connection.choice()
        while new:  # until what it followed is still what is chosen: connect may come in between
            self._profiled = choice.cache or DEFAULTS
            self._cache.configure(replace(self._profiled, **self._configured))
            followed, (choice, _) = choice, self._connection.choice()
            new = choice is not followed
        return wants


class SecretManager(ManagerBase):
    """The secrets that a config declares, read from the store at run time and held in memory.

    Each read gives None for a secret or vault that does not exist, and raises ``UndeclaredSecret`` for a name that the
    config does not declare, before any call; ``Denied``, ``Unauthenticated``, ``Unavailable``, ``Throttled`` and
    ``Corrupt`` are never None. With *max_age* no value is older than so many seconds; 0 asks the store. Needs the right
    to read these secrets, and no other.
    """

    def get(self, vault: str, secret: str, *, max_age: float | None = None) -> str | None:
        """Return the value of *secret* in *vault*."""
        cache = self._cache
        try:
            held = cache.held[vault, secret, 1]
        except (KeyError, TypeError):  # TypeError: what is no name, which the slow path says
            pass
        else:
            if max_age is None and cache.clock() < held.until:
                return held.value
        return self._read(vault, [secret], max_age)[0].value

    def get_all(self, vault: str, secrets: Sequence[str], *, max_age: float | None = None) -> list[str | None]:
        """Return the values of *secrets* in the order asked; the first that cannot be read raises."""
        return [held.value for held in self._read(vault, secrets, max_age)]

    def read(self, vault: str, secret: str, *, max_age: float | None = None) -> Reading:
        """Return the value of *secret* in *vault* with its version and age."""
        return _reading(self._read(vault, [secret], max_age)[0], self._cache.clock())

    def recent(self, vault: str, secret: str, n: int = 2, *, max_age: float | None = None) -> list[str]:
        """Return the last *n* values of *secret* in *vault*, newest first, fewer where there are fewer.

        While a secret is rotated, what was made with the value before is still good. Needs the right to list the
        versions; raise Unsupported where the store keeps none.
        """
        return _values(self._read(vault, [secret], max_age, n)[0])

    async def aget(self, vault: str, secret: str, *, max_age: float | None = None) -> str | None:
        """Do as get, on asyncio or trio; a value that is fresh is returned without a switch to another task."""
        cache = self._cache  # as in get: a call of a shared function would double what a hit costs
        try:
            held = cache.held[vault, secret, 1]
        except (KeyError, TypeError):  # TypeError: what is no name, which the slow path says
            pass
        else:
            if max_age is None and cache.clock() < held.until:
                return held.value
        return (await self._aread(vault, [secret], max_age))[0].value

    async def aget_all(self, vault: str, secrets: Sequence[str], *, max_age: float | None = None) -> list[str | None]:
        """Do as get_all, on asyncio or trio."""
        return [held.value for held in await self._aread(vault, secrets, max_age)]

    async def aread(self, vault: str, secret: str, *, max_age: float | None = None) -> Reading:
        """Do as read, on asyncio or trio."""
        return _reading((await self._aread(vault, [secret], max_age))[0], self._cache.clock())

    async def arecent(self, vault: str, secret: str, n: int = 2, *, max_age: float | None = None) -> list[str]:
        """Do as recent, on asyncio or trio."""
        return _values((await self._aread(vault, [secret], max_age, n))[0])

    def _read(self, vault: str, secrets: Sequence[str], max_age: float | None, versions: int = 1) -> list[Held]:
        return [held_of(answer) for answer in self._cache.read(self._wants(vault, secrets, versions), max_age)]

    async def _aread(self, vault: str, secrets: Sequence[str], max_age: float | None, versions: int = 1) -> list[Held]:
        return [held_of(answer) for answer in await self._cache.aread(self._wants(vault, secrets, versions), max_age)]


def _reading(held: Held, now: float) -> Reading:
    return Reading(held.value, held.version, now - held.as_of, held.stale)


def _values(held: Held) -> list[str]:
    return [] if held.value is None else [held.value, *held.older]


def _nearest(name: object, known: Sequence[str]) -> str:
    close = get_close_matches(str(name), known, n=1, cutoff=0)
    return f"did you mean {close[0]!r}?" if close else "the config declares none"
