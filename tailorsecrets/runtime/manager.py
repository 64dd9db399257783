"""Reading secrets at run time: the object that a config exports."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Self, cast

from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.errors import ConfigError, NameInvalid, UndeclaredSecret
from tailorsecrets.runtime.answers import CacheKey
from tailorsecrets.runtime.cache import Cache, entry_or_raise
from tailorsecrets.runtime.clock import Clock, seconds
from tailorsecrets.runtime.connection import Connection, Opener
from tailorsecrets.runtime.events import CacheInfo, Hook, Reading
from tailorsecrets.runtime.failover import Failover
from tailorsecrets.runtime.freshness import CacheEntry
from tailorsecrets.runtime.preload import check_all
from tailorsecrets.targets.cache_settings import DEFAULTS
from tailorsecrets.targets.routes import Routes

if TYPE_CHECKING:
    import httpx

    from tailorsecrets.references import HeaderValue, Reader


class ManagerBase:
    """A manager without the reads of one vault, whose signatures a generated class narrows to declared names.

    Safe for many threads, asyncio and trio at once, and across a fork. All times and ages are in seconds.
    """

    def __init__(self, declarations: Declarations, *, clock: Clock = seconds) -> None:
        """Take the *declarations*; the first read opens the store. *clock* measures the age of values."""
        self.declarations = declarations
        self._names = declarations.names()
        self._connection = Connection(declarations)
        self._failover = Failover(self._connection, clock=self._now)
        self._cache = Cache(self._failover.begin, clock=clock)
        self._profile_settings = DEFAULTS
        self._configured: dict[str, Any] = {}  # keywords of CacheSettings

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self._names) or 'no vaults'}>"

    def connect(
        self, *, store: str | Opener | None = None, workspace: str | None = None, profile: str | None = None
    ) -> Self:
        """Choose the target of the next reads, instead of the environment and the profile file; return self.

        *store* is a URL, or a function that opens a Store. Opens nothing, and drops all values in memory. Raise
        ConfigError for an unknown profile and for a *store* that is neither, NameInvalid for a workspace.
        """
        if not (store is None or isinstance(store, str) or callable(store)):
            raise ConfigError(
                f"connect: store must be a URL or a function that opens a Store, not {type(store).__name__}"
            )
        self._connection.set_target(store=store, workspace=workspace, profile=profile)
        self._cache.forget()
        return self

    def _follow(self, routes: Routes, environ: Mapping[str, str]) -> Self:
        """Read from the targets of *routes* from now on, as connect does for those of its arguments; return self."""
        self._connection.follow(routes, environ)
        self._cache.forget()
        return self

    def close(self) -> None:
        """Close the connection. Values in memory stay; the next read of the store connects again."""
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
        """Set how long values stay in memory, over the profile; None leaves a number unchanged. Return self.

        A value younger than *ttl* is returned. For *grace* after that it is returned and refreshed in the background.
        While the store does not answer, the last value is used up to the age *max_stale* (0: never). A missing secret
        counts as missing for *negative*. A read waits for the store at most *timeout*. The cache has at most *size*
        names. *on_event* is called with a CacheEvent for each call and each stale answer, one after the other in a
        separate thread, and must not read secrets; None removes it. Raise ConfigError for anything but numbers from 0,
        and for an *on_event* that is not a function.
        """
        if not (on_event is None or on_event is ... or callable(on_event)):
            raise ConfigError(f"on_event must be a function or None, not {type(on_event).__name__}")
        given = {"ttl": ttl, "grace": grace, "max_stale": max_stale, "negative": negative, "timeout": timeout}
        new = {**given, "size": size}
        configured = self._configured | {name: value for name, value in new.items() if value is not None}
        self._cache.configure(replace(self._profile_settings, **configured))
        self._configured = configured
        if not isinstance(on_event, EllipsisType):
            self._cache.on_event = on_event
        return self

    def preload(self) -> None:
        """Read all declared secrets in the fewest calls, however long that takes; sign in at all stores of the profile.

        Raise one error, Denied or SecretNotFound, that lists every denied and every missing secret; any other error as
        it is. A replica that does not answer is not an error.
        """
        keys = self._declared_keys()
        replicas = self._failover.warm(keys)
        answers = self._cache.read(keys, no_timeout=True)
        for replica in replicas:
            replica.wait(None)
        check_all(keys, answers)

    async def apreload(self) -> None:
        """Do the same as preload, on asyncio or trio."""
        keys = self._declared_keys()
        replicas = self._failover.warm(keys)
        answers = await self._cache.aread(keys, no_timeout=True)
        for replica in replicas:
            await replica.await_result(None)
        check_all(keys, answers)

    def refresh(self, vault: str | None = None, secret: str | None = None) -> None:
        """Read again the values in memory, in the fewest calls: of *secret* in *vault*, of all of *vault*, or all.

        Calls the store even during the pause after a failure. Raise the error of the first secret that cannot be read;
        its last value is still used while the store does not answer.
        """
        for answer in self._cache.read(self._cached_keys(vault, secret), 0, no_timeout=True, anyway=True):
            entry_or_raise(answer)

    async def arefresh(self, vault: str | None = None, secret: str | None = None) -> None:
        """Do the same as refresh, on asyncio or trio."""
        for answer in await self._cache.aread(self._cached_keys(vault, secret), 0, no_timeout=True):
            entry_or_raise(answer)

    def forget(self, vault: str | None = None, secret: str | None = None) -> None:
        """Drop the values of *secret* in *vault*, of all of *vault*, or all; the next read calls the store."""
        self._check_chosen(vault, secret)
        self._cache.forget(vault, secret)

    def headers(self, given: "Mapping[str, HeaderValue]") -> dict[str, str]:
        """Return *given* with every reference to a secret replaced by its value; see ``references.headers``."""
        from tailorsecrets import references

        given = references.cover(given)
        return references.headers(cast("Reader", self), given)

    async def aheaders(self, given: "Mapping[str, HeaderValue]") -> dict[str, str]:
        """Do the same as headers, on asyncio or trio."""
        from tailorsecrets import references

        given = references.cover(given)
        return await references.aheaders(cast("Reader", self), given)

    def auth(self, given: "Mapping[str, HeaderValue]", *, allow_http: bool = False) -> "httpx.Auth":
        """Return an ``httpx.Auth`` that puts *given* on each request as it is sent; see ``references.auth``."""
        from tailorsecrets import references

        given = references.cover(given)
        return references.auth(cast("Reader", self), given, allow_http=allow_http)

    def cache_info(self) -> CacheInfo:
        """Return the size of the cache, and its counts so far."""
        return self._cache.info()

    def _now(self) -> float:
        return self._cache.clock()

    def _keys(self, vault: str, secrets: Sequence[str], versions: int = 1) -> list[CacheKey]:
        """Return the keys of *secrets*, after the target is chosen."""
        if isinstance(secrets, str):
            raise NameInvalid("get_all takes a list of names, not one name", hint="use get", vault=vault)
        if not isinstance(secrets, Collection):
            raise NameInvalid(f"get_all takes a list of names, not {type(secrets).__name__}", vault=vault)
        if not isinstance(versions, int) or isinstance(versions, bool) or versions < 1:
            raise ConfigError("recent: n must be a whole number from 1")
        self._check_declared(vault, secrets)
        return self._with_target([CacheKey(vault, secret, versions) for secret in secrets])

    def _check_declared(self, vault: str, secrets: Sequence[str]) -> None:
        """Raise UndeclaredSecret, with the nearest name, for any name that is not in the config."""
        if not isinstance(vault, str) or vault not in self._names:
            near = _nearest(vault, list(self._names))
            raise UndeclaredSecret(f"vault {vault!r} is not in the config; {near}", vault=str(vault))
        for secret in secrets:
            if not isinstance(secret, str) or secret not in self._names[vault]:
                near = _nearest(secret, self._names[vault])
                raise UndeclaredSecret(f"{vault!r} has no secret {secret!r} in the config; {near}", vault=vault)

    def _declared_keys(self) -> list[CacheKey]:
        return self._with_target(
            [CacheKey(vault, secret) for vault, secrets in self._names.items() for secret in secrets]
        )

    def _check_chosen(self, vault: str | None, secret: str | None) -> None:
        """Do the same where None means all names."""
        if vault is not None:
            self._check_declared(vault, [] if secret is None else [secret])
        elif secret is not None:
            raise NameInvalid(f"secret {secret!r} needs its vault")

    def _cached_keys(self, vault: str | None, secret: str | None) -> list[CacheKey]:
        self._check_chosen(vault, secret)
        keys = self._with_target(self._cache.keys(vault, secret))
        self._cache.try_again(keys)
        return keys

    def _with_target(self, keys: list[CacheKey]) -> list[CacheKey]:
        """Return *keys* after the target is chosen and the cache follows its settings."""
        routes, new = self._connection.routes()
        while new:  # again where connect has chosen other targets in between
            self._profile_settings = routes.cache or DEFAULTS
            self._cache.configure(replace(self._profile_settings, **self._configured))
            followed, (routes, _) = routes, self._connection.routes()
            new = routes is not followed
        return keys


class SecretManager(ManagerBase):
    """The secrets that a config declares, read from the store at run time and kept in memory.

    A read returns None for a secret or vault that does not exist, and raises ``UndeclaredSecret``, before any call, for
    a name that the config does not declare. ``Denied``, ``Unauthenticated``, ``Unavailable``, ``Throttled`` and
    ``Corrupt`` are never None. With *max_age* no value is older than that many seconds; 0 always calls the store. Reads
    need the right to read these secrets, and no other.
    """

    def get(self, vault: str, secret: str, *, max_age: float | None = None) -> str | None:
        """Return the value of *secret* in *vault*."""
        cache = self._cache
        try:
            entry = cache.entries[vault, secret, 1]
        except (KeyError, TypeError):  # TypeError: not a name; the slow path raises for it
            pass
        else:
            if max_age is None and cache.clock() < entry.until:
                return entry.value
        return self._read(vault, [secret], max_age)[0].value

    def get_all(self, vault: str, secrets: Sequence[str], *, max_age: float | None = None) -> list[str | None]:
        """Return the values of *secrets* in the order asked; raise the error of the first that cannot be read."""
        fresh = _fresh_values(self._cache, vault, secrets) if max_age is None else []
        return fresh or [entry.value for entry in self._read(vault, secrets, max_age)]

    def read(self, vault: str, secret: str, *, max_age: float | None = None) -> Reading:
        """Return the value of *secret* in *vault* with its version and age."""
        return _reading(self._read(vault, [secret], max_age)[0], self._cache.clock())

    def recent(self, vault: str, secret: str, n: int = 2, *, max_age: float | None = None) -> list[str]:
        """Return the last *n* values of *secret* in *vault*, newest first, fewer where there are fewer.

        For rotation: also accept what was signed with the previous value. Needs the right to list versions; raise
        Unsupported where the store keeps none.
        """
        return _values(self._read(vault, [secret], max_age, n)[0])

    async def aget(self, vault: str, secret: str, *, max_age: float | None = None) -> str | None:
        """Do the same as get, on asyncio or trio; a fresh value is returned without a switch to another task."""
        cache = self._cache  # as in get: a call of a shared function would double what a hit costs
        try:
            entry = cache.entries[vault, secret, 1]
        except (KeyError, TypeError):  # TypeError: not a name; the slow path raises for it
            pass
        else:
            if max_age is None and cache.clock() < entry.until:
                return entry.value
        return (await self._aread(vault, [secret], max_age))[0].value

    async def aget_all(self, vault: str, secrets: Sequence[str], *, max_age: float | None = None) -> list[str | None]:
        """Do the same as get_all, on asyncio or trio."""
        fresh = _fresh_values(self._cache, vault, secrets) if max_age is None else []
        return fresh or [entry.value for entry in await self._aread(vault, secrets, max_age)]

    async def aread(self, vault: str, secret: str, *, max_age: float | None = None) -> Reading:
        """Do the same as read, on asyncio or trio."""
        return _reading((await self._aread(vault, [secret], max_age))[0], self._cache.clock())

    async def arecent(self, vault: str, secret: str, n: int = 2, *, max_age: float | None = None) -> list[str]:
        """Do the same as recent, on asyncio or trio."""
        return _values((await self._aread(vault, [secret], max_age, n))[0])

    def _read(self, vault: str, secrets: Sequence[str], max_age: float | None, versions: int = 1) -> list[CacheEntry]:
        return [entry_or_raise(answer) for answer in self._cache.read(self._keys(vault, secrets, versions), max_age)]

    async def _aread(
        self, vault: str, secrets: Sequence[str], max_age: float | None, versions: int = 1
    ) -> list[CacheEntry]:
        return [
            entry_or_raise(answer) for answer in await self._cache.aread(self._keys(vault, secrets, versions), max_age)
        ]


def _fresh_values(cache: Cache, vault: str, secrets: Sequence[str]) -> list[str | None]:
    """Return the values of *secrets* if all of them are fresh, else nothing: a hit of many names, as in get."""
    if not isinstance(secrets, list | tuple):
        return []
    entries, now, values = cache.entries, cache.clock(), list[str | None]()
    try:
        for secret in secrets:
            entry = entries[vault, secret, 1]
            if now >= entry.until:
                return []
            values.append(entry.value)
    except (KeyError, TypeError):  # TypeError: not a name; the slow path raises for it
        return []
    return values


def _reading(entry: CacheEntry, now: float) -> Reading:
    return Reading(entry.value, entry.version, now - entry.as_of, entry.stale, entry.store)


def _values(entry: CacheEntry) -> list[str]:
    return [] if entry.value is None else [entry.value, *entry.older]


def _nearest(name: object, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(str(name), known, n=1, cutoff=0)
    return f"did you mean {close[0]!r}?" if close else "the config declares none"
