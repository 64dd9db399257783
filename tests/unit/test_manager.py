"""The manager that a config exports, as programs use it."""

import copy
import inspect
import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from queue import Queue
from typing import Any

import anyio
import pytest

from tailorsecrets.config.config import define_secret_manager
from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.driver import Caps, Driver, Entry, Stored
from tailorsecrets.errors import (
    ConfigError,
    Denied,
    Disabled,
    NameInvalid,
    SecretNotFound,
    SecretsError,
    StoreNotFound,
    Unavailable,
    UndeclaredSecret,
    Unsupported,
)
from tailorsecrets.runtime.events import CacheEvent
from tailorsecrets.runtime.manager import SecretManager
from tailorsecrets.secret import Secret
from tailorsecrets.store.layers import Layer
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.targets.cache_settings import CacheSettings
from tailorsecrets.testing import Memory
from tailorsecrets.testing.memory import FULL
from tests.support.cached import read_threads
from tests.support.waiting import wait_for

CANARY = "canary-7Kq"
NAMES = frozenset({"one", "two", "three"})


class Shop:
    """A manager of three secrets, two of which exist, on a memory store, and a clock that tests move."""

    def __init__(self, caps: Caps = FULL) -> None:
        self.now = 0.0
        self.memory = Memory(caps=caps)
        self.store = Store(self.memory)
        self.store.create_vault("abc")
        for name in ("one", "two"):
            self.store.create_secret("abc", name, Secret(f"value of {name}"))
        self.memory.forget_calls()
        declared = Declarations({}, {"abc": NAMES, "empty": frozenset()})
        self.secrets = SecretManager(declared, clock=lambda: self.now).connect(store=lambda: Store(self.memory))

    def rotate(self, name: str, value: str) -> None:
        """Let another process write."""
        self.memory.backdoor.write(f"default/abc/{name}", value)


@pytest.fixture
def shop() -> Shop:
    """Return a shop."""
    return Shop()


# Reading


def test_a_cold_get_is_one_plain_call(shop: Shop) -> None:
    """A cold get makes one call for one name, and needs only the right to read it; a second get makes no call."""
    assert [shop.secrets.get("abc", "one"), shop.secrets.get("abc", "one")] == ["value of one"] * 2
    assert shop.memory.calls == {"get": 1}


def test_a_missing_secret_is_none(shop: Shop) -> None:
    """A declared secret that is not in the store reads as None."""
    assert shop.secrets.get("abc", "three") is None


def test_get_all_keeps_the_order_and_fetches_what_is_not_fresh(shop: Shop) -> None:
    """Values come in the order asked, duplicates have a slot each, and one call reads all that are not cached."""
    shop.secrets.get("abc", "two")
    shop.memory.forget_calls()
    values = shop.secrets.get_all("abc", ["two", "one", "three", "one"])
    assert values == ["value of two", "value of one", None, "value of one"]
    assert shop.secrets.get_all("abc", ["one", "two"]) == ["value of one", "value of two"]
    assert shop.secrets.get_all("abc", []) == []
    assert shop.memory.calls == {"get_many": 1}


def test_get_all_follows_the_ages_of_all_names(shop: Shop) -> None:
    """One name that is too old is enough for a refresh, and then for a wait, as in get."""
    assert shop.secrets.get_all("abc", ["one", "two"]) == ["value of one", "value of two"]
    shop.now += 200
    shop.secrets.get("abc", "two", max_age=0)
    for name in ("one", "two"):
        shop.rotate(name, "new")
    shop.now += 100
    shop.memory.forget_calls()
    assert shop.secrets.get_all("abc", ["two", "one"]) == ["value of two", "value of one"]
    wait_for(lambda: shop.secrets.get_all("abc", ("one", "two")) == ["new", "value of two"])
    assert shop.memory.calls == {"get": 1}
    shop.now += 601
    assert shop.secrets.get_all("abc", ["one", "two"]) == ["new", "new"]


def test_get_all_raises_what_the_first_failing_name_raises(shop: Shop) -> None:
    """Of several names that cannot be read, the first in the order asked raises."""
    shop.memory.backdoor.deny("default/abc/two")
    shop.memory.backdoor.disable("default/abc/one")
    with pytest.raises(Disabled):
        shop.secrets.get_all("abc", ["three", "one", "two"])
    with pytest.raises(Denied) as caught:
        shop.secrets.get_all("abc", ["two", "one"])
    assert (type(caught.value), caught.value.secret) == (Denied, "two")


@pytest.mark.parametrize(
    ("vault", "secret", "hint"),
    [
        ("abd", "one", "did you mean 'abc'?"),
        ("abc", "on", "did you mean 'one'?"),
        ("empty", "one", "the config declares none"),
    ],
)
def test_undeclared_names_are_refused_before_any_call(shop: Shop, vault: str, secret: str, hint: str) -> None:
    """A name that the config does not have raises in every method, with the nearest one that it has."""
    secrets = shop.secrets
    calls: list[Callable[[], object]] = [
        lambda: secrets.get(vault, secret),
        lambda: secrets.get(vault, secret, max_age=0),
        lambda: secrets.get_all(vault, [secret]),
        lambda: secrets.read(vault, secret),
        lambda: secrets.recent(vault, secret),
        lambda: secrets.refresh(vault, secret),
        lambda: secrets.forget(vault, secret),
    ]
    for call in calls:
        with pytest.raises(UndeclaredSecret) as caught:
            call()
        assert str(caught.value).endswith(hint)
    assert not shop.memory.calls


def test_get_all_takes_a_list(shop: Shop) -> None:
    """One name in place of a list is refused, not read letter by letter."""
    with pytest.raises(NameInvalid, match="list of names"):
        shop.secrets.get_all("abc", "one")


def test_a_reading_has_version_and_age(shop: Shop) -> None:
    """``read`` gives the value with its version, its age in seconds, and whether it is stale."""
    shop.secrets.get("abc", "one")
    shop.now += 30
    reading = shop.secrets.read("abc", "one")
    version = shop.store.read("abc", "one").entry.version
    assert (reading.value, reading.version, reading.age, reading.stale) == ("value of one", version, 30, False)
    shop.memory.backdoor.unreachable()
    shop.now += 600
    reading = shop.secrets.read("abc", "one")
    assert (reading.value, reading.age, reading.stale) == ("value of one", 630, True)
    shop.memory.backdoor.recover()
    shop.now += 1
    reading = shop.secrets.read("abc", "three")
    assert (reading.value, reading.version, reading.stale) == (None, "", False)


def test_recent_gives_the_newest_first(shop: Shop) -> None:
    """``recent`` gives the last values, newest first, as many as asked for and there are."""
    shop.rotate("one", "second")
    shop.rotate("one", "third")
    assert shop.secrets.recent("abc", "one") == ["third", "second"]
    assert shop.secrets.recent("abc", "one", 5) == ["third", "second", "value of one"]
    assert shop.secrets.recent("abc", "one", 1) == ["third"]
    assert shop.secrets.recent("abc", "three") == []
    shop.store.delete_secret("abc", "one")
    assert shop.secrets.recent("abc", "one", 2, max_age=0) == []  # a deleted key must not be accepted any more


class Losing(Layer):
    """A driver whose version *lost* disappears between the list of versions and its read."""

    def __init__(self, inner: Driver, lost: str, error: type[SecretsError]) -> None:
        super().__init__(inner)
        self.lost, self.error = lost, error

    def get(self, name: str, version: str = "") -> Stored:
        """Read any other version."""
        if version == self.lost:
            raise self.error
        return super().get(name, version)


@pytest.mark.parametrize("error", [SecretNotFound, Disabled])
def test_recent_leaves_out_a_version_that_is_gone(shop: Shop, error: type[SecretsError]) -> None:
    """If an old version disappears between the list and its read, ``recent`` gives the current value and the others."""
    for value in ("second", "third"):
        shop.rotate("one", value)
    lost = shop.store.history("abc", "one")[1].version
    shop.secrets.connect(store=lambda: Store(Losing(shop.memory, lost, error)))
    assert shop.secrets.recent("abc", "one") == ["third", "value of one"]
    assert shop.secrets.recent("abc", "one", 3) == ["third", "value of one"]


def test_recent_gives_the_current_value_of_a_secret_that_is_just_being_deleted() -> None:
    """If the secret disappears between the read of its value and the list of versions, the value is returned."""
    shop = Shop()

    class Deleting(Layer):
        """A driver without any versions."""

        def versions(self, name: str) -> Iterator[Entry]:
            """Find no such name."""
            raise SecretNotFound

    shop.secrets.connect(store=lambda: Store(Deleting(shop.memory)))
    assert shop.secrets.recent("abc", "one") == ["value of one"]


def test_recent_raises_when_an_older_version_cannot_be_read(shop: Shop) -> None:
    """A store that fails in between is not a store without older versions."""
    shop.rotate("one", "second")
    older = shop.store.history("abc", "one")[1].version
    shop.secrets.connect(store=lambda: Store(Losing(shop.memory, older, Unavailable)))
    with pytest.raises(Unavailable):
        shop.secrets.recent("abc", "one")


def test_recent_is_held_like_any_value(shop: Shop) -> None:
    """A second ``recent`` makes no call; a rotation is seen by max_age=0, and by a write in this process at once."""
    shop.secrets.recent("abc", "one")
    shop.memory.forget_calls()
    assert shop.secrets.recent("abc", "one") == ["value of one"]
    assert not shop.memory.calls
    shop.rotate("one", "second")
    assert shop.secrets.recent("abc", "one", max_age=0) == ["second", "value of one"]
    shop.store.update_secret("abc", "one", Secret("third"))
    assert shop.secrets.recent("abc", "one") == ["third", "second"]


def test_recent_needs_versions() -> None:
    """Where the store keeps no versions ``recent`` is unsupported, and so is a number below 1 everywhere."""
    shop = Shop(replace(FULL, versions=False))
    with pytest.raises(Unsupported, match="versions"):
        shop.secrets.recent("abc", "one")
    with pytest.raises(ConfigError, match="n must be a whole number"):
        shop.secrets.recent("abc", "one", 0)


# Preloading, refreshing, forgetting


def test_preload_is_the_least_calls(shop: Shop) -> None:
    """All declared secrets are read in one batch, without a list or a vault's record, and are then cached."""
    shop.store.create_secret("abc", "three", Secret(""))
    shop.memory.forget_calls()
    shop.secrets.preload()
    assert shop.secrets.get_all("abc", ["one", "two", "three"]) == ["value of one", "value of two", ""]
    assert shop.memory.calls == {"get_many": 1}


def test_preload_lists_what_is_missing_and_denied(shop: Shop) -> None:
    """One error lists each missing, denied and disabled secret; it is Denied if one is, else SecretNotFound."""
    with pytest.raises(SecretNotFound, match=r"1 of 3 secrets cannot be read: abc/three is missing$"):
        shop.secrets.preload()
    shop.secrets.forget()
    shop.memory.backdoor.deny("default/abc/one")
    shop.memory.backdoor.disable("default/abc/two")
    with pytest.raises(Denied, match=r"abc/one is denied; abc/three is missing; abc/two is disabled$"):
        shop.secrets.preload()


def test_preload_raises_an_outage_as_it_is(shop: Shop) -> None:
    """A store that does not answer is one error, not a list of names."""
    shop.memory.backdoor.unreachable()
    with pytest.raises(Unavailable):
        shop.secrets.preload()


def test_refresh_reads_again_what_is_held(shop: Shop) -> None:
    """``refresh`` reads the cached names, or those of one vault, or one name, in one batch, and nothing else."""
    shop.secrets.get_all("abc", ["one", "two"])
    shop.rotate("one", "new")
    shop.rotate("two", "new")
    shop.memory.forget_calls()
    shop.secrets.refresh("abc", "one")
    assert shop.secrets.get_all("abc", ["one", "two"]) == ["new", "value of two"]
    shop.secrets.refresh()
    assert shop.secrets.get_all("abc", ["one", "two"]) == ["new", "new"]
    shop.secrets.refresh("empty")
    assert shop.memory.calls == {"get": 1, "get_many": 1}


def test_refresh_raises_and_keeps_the_last_value(shop: Shop) -> None:
    """A refresh during an outage raises, and the value is still returned; the next refresh calls again at once."""
    shop.secrets.get("abc", "one")
    shop.memory.backdoor.unreachable()
    for _ in range(3):
        with pytest.raises(Unavailable):
            shop.secrets.refresh()
    assert shop.memory.calls["get"] == 4
    assert shop.secrets.get("abc", "one") == "value of one"


def test_forget_drops_values(shop: Shop) -> None:
    """Forgotten values are read again: one name, one vault, or all."""
    for forget in (("abc", "one"), ("abc",), ()):
        shop.secrets.get_all("abc", ["one", "two"])
        shop.secrets.forget(*forget)
        assert shop.secrets.cache_info().names == (1 if len(forget) > 1 else 0)


# When changes are seen


def test_a_rotation_is_seen_within_ttl_and_grace(shop: Shop) -> None:
    """What another process writes is seen after ttl + grace at the latest, however rarely the secret is read."""
    shop.secrets.get("abc", "one")
    shop.rotate("one", "new")
    shop.now += 599
    assert shop.secrets.get("abc", "one", max_age=1e9) == "value of one"
    shop.now += 1
    assert shop.secrets.get("abc", "one") == "new"


def writes(store: Store) -> Iterator[tuple[Callable[[], object], str | None]]:
    """Yield writes of ``abc/one``, each with what it reads as afterwards."""
    first = store.read("abc", "one").entry.version
    yield lambda: store.update_secret("abc", "one", Secret("new")), "new"
    yield lambda: store.rollback_secret("abc", "one", first), "value of one"
    yield lambda: store.delete_secret("abc", "one"), None
    yield lambda: store.restore_secret("abc", "one"), "value of one"
    yield lambda: store.purge_secret("abc", "one"), None
    yield lambda: store.create_secret("abc", "one", Secret("again")), "again"


def test_a_write_in_this_process_is_seen_at_once(shop: Shop) -> None:
    """After any write by any Store of this process the next read has its outcome."""
    for write, expected in writes(Store(shop.memory)):
        shop.secrets.get("abc", "one")
        write()
        assert shop.secrets.get("abc", "one") == expected


def test_a_write_in_any_workspace_is_read_again(shop: Shop) -> None:
    """A write of the same name forgets it whatever the workspace is called: two names may mean one workspace."""
    shop.secrets.get("abc", "one")
    other = Store(shop.memory, "other")
    other.create_vault("abc")
    other.create_secret("abc", "one", Secret("other"))
    shop.memory.forget_calls()
    assert shop.secrets.get("abc", "one") == "value of one"
    assert shop.memory.calls["get"] == 1


@pytest.mark.parametrize("known", [True, False])
def test_a_write_without_an_answer_is_news(shop: Shop, monkeypatch: pytest.MonkeyPatch, known: bool) -> None:
    """A write that got no answer may have been done, so the next read asks."""
    shop.secrets.get("abc", "one")
    shop.memory.backdoor.lose_answers()
    if known:
        shop.store.update_secret("abc", "one", Secret("new"))
    else:
        with monkeypatch.context() as patch:
            patch.setattr(shop.memory, "stat", shop.memory.drop)  # fails
            with pytest.raises(Unavailable):
                shop.store.update_secret("abc", "one", Secret("new"))
    assert shop.secrets.get("abc", "one") == "new"


def test_a_transaction_is_seen_at_its_end(shop: Shop) -> None:
    """A value read by another thread while a transaction was open is not cached after it."""
    from threading import Thread

    def read() -> None:
        assert shop.secrets.get("abc", "one") == "value of one"

    with workspace_of(shop.store).transaction():
        shop.store.update_secret("abc", "one", Secret("new"))
        reader = Thread(target=read)
        reader.start()
        reader.join()
        assert shop.secrets.cache_info().names == 1
    assert shop.secrets.get("abc", "one") == "new"


def test_an_outage_from_end_to_end(shop: Shop) -> None:
    """Values are served until max_stale, then Unavailable; calls back off; recovery needs no restart."""
    shop.secrets.get("abc", "one")
    shop.memory.backdoor.unreachable()
    shop.memory.forget_calls()
    while shop.now < 3600:
        assert shop.secrets.get("abc", "one") == "value of one"
        shop.now += 1
    assert 45 < shop.memory.calls["get"] <= 61  # at 300 s, 6 within the next minute, then one a minute; threads may lag
    with pytest.raises(Unavailable) as caught:
        shop.secrets.get("abc", "one")
    assert (caught.value.vault, caught.value.secret, caught.value.store) == ("abc", "one", "Memory")
    shop.memory.backdoor.recover()
    shop.now += 60
    assert shop.secrets.get("abc", "one") == "value of one"


# The target


def test_connect_forgets(shop: Shop) -> None:
    """After ``connect`` no value of the previous store is returned."""
    shop.secrets.get("abc", "one")
    shop.secrets.connect(store=lambda: Store(Memory()))
    assert shop.secrets.get("abc", "one") is None


def test_close_keeps_what_is_held(shop: Shop) -> None:
    """After ``close`` cached values are returned, and others are read over a new connection."""
    shop.secrets.get("abc", "one")
    shop.secrets.close()
    shop.secrets.close()
    assert shop.secrets.get_all("abc", ["one", "two"]) == ["value of one", "value of two"]


def test_a_store_that_is_not_there_is_never_none(tmp_path: Path) -> None:
    """Reading from a store file that nobody made raises StoreNotFound, each time."""
    secrets = define_secret_manager({"abc": {"one": None}}).connect(store=f"file:{tmp_path}/none.jsonl")
    for _ in range(2):
        with pytest.raises(StoreNotFound):
            secrets.get("abc", "one")


def manager_beside(folder: Path, profiles: str) -> SecretManager:
    """Return a manager whose profile file has the text *profiles*."""
    (folder / "tailorsecrets.toml").write_text(profiles)
    return SecretManager(Declarations({}, {"abc": NAMES}, folder=folder))


def test_the_profile_sets_the_cache(tmp_path: Path) -> None:
    """The profile's cache table sets what the program does not; both take effect with the first read."""
    secrets = manager_beside(tmp_path, "[profiles.x.cache]\nttl = 7\ngrace = 2.5\nsize = 9")
    secrets.connect(store=lambda: Store(Memory()), profile="x").configure(grace=1)
    secrets.get("abc", "one")
    settings = secrets._cache.settings
    assert (settings.ttl, settings.grace, settings.size, settings.negative) == (7, 1, 9, 5)


def test_the_last_profile_sets_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If ``connect`` is called while a read takes the settings of the previous profile, the new settings stay."""
    secrets = manager_beside(tmp_path, "[profiles.x.cache]\nttl = 7\n[profiles.y.cache]\nttl = 9")
    configure = secrets._cache.configure

    def overtaken(settings: CacheSettings) -> None:
        monkeypatch.undo()
        secrets.connect(store=lambda: Store(Memory()), profile="y").get("abc", "one")
        configure(settings)

    monkeypatch.setattr(secrets._cache, "configure", overtaken)
    secrets.connect(store=lambda: Store(Memory()), profile="x").get("abc", "one")
    assert secrets._cache.settings.ttl == 9


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("ttl = -1", "profile 'x': cache: ttl must be a number"),
        ("ttl = '5m'", "ttl must be a number"),
        ("tll = 5", "unknown tll"),
    ],
)
def test_a_wrong_cache_table_is_an_error(tmp_path: Path, table: str, message: str) -> None:
    """Unknown keys and wrong numbers in the profile's cache table are errors that name them."""
    secrets = manager_beside(tmp_path, f"[profiles.x.cache]\n{table}")
    with pytest.raises(ConfigError, match=message):
        secrets.connect(profile="x")
    (tmp_path / "tailorsecrets.toml").write_text("[profiles.x]\ncache = 3")
    with pytest.raises(ConfigError, match="cache: must be a table"):
        secrets.connect(profile="x")


def test_configure_checks_and_adds_up(shop: Shop) -> None:
    """Each call of ``configure`` changes what it names; a wrong number changes nothing."""
    shop.secrets.configure(ttl=1, size=5).configure(max_stale=2)
    with pytest.raises(ConfigError, match="negative"):
        shop.secrets.configure(ttl=3, negative=-1)
    shop.secrets.get("abc", "one")
    settings = shop.secrets._cache.settings
    assert (settings.ttl, settings.size, settings.max_stale, settings.negative) == (1, 5, 2, 5)


NOT_NUMBERS: list[Any] = ["x", b"1", True, -1, -0.1, float("nan"), 10**400, [1]]


@pytest.mark.parametrize("wrong", NOT_NUMBERS, ids=lambda wrong: str(wrong)[:5])
@pytest.mark.parametrize("name", ["ttl", "grace", "max_stale", "negative", "timeout", "size"])
def test_settings_must_be_numbers(shop: Shop, name: str, wrong: Any) -> None:
    """A setting is a finite number from 0; anything else is an error that names it."""
    with pytest.raises(ConfigError, match=name):
        shop.secrets.configure(**{name: wrong})
    assert shop.secrets._cache.settings == CacheSettings()


@pytest.mark.parametrize("wrong", NOT_NUMBERS, ids=lambda wrong: str(wrong)[:5])
def test_max_age_must_be_a_number(shop: Shop, wrong: Any) -> None:
    """Each read refuses an age that is not a number before any call, also for a cached value."""
    shop.secrets.get("abc", "one")
    shop.memory.forget_calls()
    for name in ("get", "read", "recent", "get_all"):
        names: Any = ["one"] if name == "get_all" else "one"
        for read in (getattr(shop.secrets, name), getattr(shop.secrets, f"a{name}")):
            with pytest.raises(ConfigError, match="max_age must be a number of seconds"):
                finished(read("abc", names, max_age=wrong))
    assert not shop.memory.calls


@pytest.mark.parametrize("hook", [5, "print", [print]], ids=str)
def test_a_hook_is_a_function(shop: Shop, hook: Any) -> None:
    """An object that cannot be called is refused as a hook, and that call of ``configure`` changes nothing."""
    with pytest.raises(ConfigError, match="on_event must be a function or None, not "):
        shop.secrets.configure(ttl=1, on_event=hook)
    assert (shop.secrets._cache.on_event, shop.secrets._cache.settings) == (None, CacheSettings())


@pytest.mark.parametrize("store", [5, Path("secrets.jsonl"), b"file:x", {}], ids=repr)
def test_a_target_is_a_url_or_a_function(shop: Shop, store: Any) -> None:
    """Any other object is refused, and not treated as None."""
    with pytest.raises(ConfigError, match="store must be a URL or a function"):
        shop.secrets.connect(store=store)
    assert shop.secrets.get("abc", "one") == "value of one"


def test_a_secret_is_named_with_its_vault(shop: Shop) -> None:
    """A name alone would mean the secrets of that name in every vault, which is never intended."""
    for call in (shop.secrets.refresh, shop.secrets.forget, shop.secrets.arefresh):
        with pytest.raises(NameInvalid, match="'one' needs its vault"):
            finished(call(secret="one"))


# Events


def test_a_hook_holds_up_no_reader(shop: Shop) -> None:
    """For every event, also of a stale answer, the reader has its answer while the hook still runs."""
    kinds, free, in_time = list[str](), threading.Event(), list[bool]()

    def slow(event: CacheEvent) -> None:
        in_time.append(free.wait(5))
        kinds.append(event.kind)

    shop.secrets.get("abc", "one")
    shop.memory.backdoor.unreachable()
    shop.now += 600
    shop.secrets.configure(on_event=slow)
    assert [shop.secrets.get("abc", "one"), finished(shop.secrets.aget("abc", "one"))] == ["value of one"] * 2
    free.set()
    wait_for(lambda: len(kinds) == 3)
    assert sorted(kinds) == ["failed", "stale", "stale"]
    assert in_time == [True] * 3


def test_a_hook_stays_until_it_is_taken_off(shop: Shop) -> None:
    """``configure`` without a hook keeps the current hook, and None removes it."""
    events = Queue[CacheEvent]()
    shop.secrets.configure(on_event=events.put).configure(ttl=10)
    shop.secrets.get("abc", "one")
    assert events.get(timeout=10).kind == "read"
    shop.secrets.configure(on_event=None)
    shop.secrets.get("abc", "two")
    wait_for(lambda: read_threads() == 0)
    assert events.empty()


# Silence


def test_nothing_shows_a_value(shop: Shop) -> None:
    """No repr, pickle, copy, event or traceback with its locals holds a value, new or old."""
    events = list[CacheEvent]()
    shop.secrets.configure(on_event=events.append, ttl=0, grace=0)
    shop.rotate("one", CANARY + "1")
    shop.rotate("one", CANARY + "2")
    assert shop.secrets.recent("abc", "one") == [CANARY + "2", CANARY + "1"]
    reading = shop.secrets.read("abc", "one")
    texts = [repr(reading), f"{reading}", repr(shop.secrets), repr(list(shop.secrets._cache.entries.values()))]
    for shown in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never pickled or copied"):
            shown(reading)
    shop.memory.backdoor.unreachable()
    shop.secrets.get("abc", "one")
    shop.now += 4000
    for read in (shop.secrets.get, shop.secrets.read, shop.secrets.recent):
        try:
            read("abc", "one")
        except SecretsError as error:
            texts += traceback.TracebackException.from_exception(error, capture_locals=True).format()
            texts.append(str(pickle.dumps(error)))
    wait_for(lambda: len(events) == 6)
    texts += [repr(events), str(pickle.dumps(events))]
    assert {event.kind for event in events} == {"read", "stale", "failed"}
    assert CANARY not in "".join(texts)
    with pytest.raises((TypeError, AttributeError)):
        pickle.dumps(shop.secrets)


def test_a_config_loads_no_event_loop() -> None:
    """Importing the manager loads no asyncio, no anyio and no thread pool."""
    code = "import sys, tailorsecrets.runtime.manager; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & {"asyncio", "anyio", "concurrent.futures", "trio", "ssl", "socket"} == set()


@pytest.mark.parametrize("names", [None, 7, iter(["one"])])
def test_get_all_refuses_other_types(shop: Shop, names: object) -> None:
    """An object that is not a list of names, or can be read only once, is NameInvalid, even if all are cached."""
    shop.secrets.get("abc", "one")
    shop.memory.forget_calls()
    for get_all in (shop.secrets.get_all, shop.secrets.aget_all):
        with pytest.raises(NameInvalid, match="get_all takes a list of names"):
            finished(get_all("abc", names))  # type: ignore[arg-type]
    assert not shop.memory.calls


@pytest.mark.parametrize("n", [0, -1, 1.5, "2", None, True])
def test_recent_takes_a_whole_number(shop: Shop, n: object) -> None:
    """Any other number of versions is ConfigError before any call."""
    shop.memory.forget_calls()
    for recent in (shop.secrets.recent, shop.secrets.arecent):
        with pytest.raises(ConfigError, match="a whole number from 1"):
            finished(recent("abc", "one", n))  # type: ignore[arg-type]
    assert not shop.memory.calls


NOT_NAMES: list[object] = [None, 7, "", ["one"], {"one": 1}]


@pytest.mark.parametrize("name", NOT_NAMES, ids=repr)
@pytest.mark.parametrize("method", ["get", "read", "recent", "aget", "aread", "arecent"])
def test_other_types_of_names_are_undeclared(shop: Shop, method: str, name: object) -> None:
    """None, as from an unset variable, and any other object that is not a name is UndeclaredSecret before any call."""
    shop.memory.forget_calls()
    for arguments in (("abc", name), (name, "one")):
        with pytest.raises(UndeclaredSecret):
            finished(getattr(shop.secrets, method)(*arguments))
    assert not shop.memory.calls


@pytest.mark.parametrize("name", NOT_NAMES, ids=repr)
@pytest.mark.parametrize("method", ["get_all", "aget_all"])
def test_other_types_of_names_in_a_list_are_undeclared(shop: Shop, method: str, name: object) -> None:
    """The same in a list of names, so that no vault's own record can be read."""
    with pytest.raises(UndeclaredSecret):
        finished(getattr(shop.secrets, method)("abc", ["one", name]))


def finished(result: object) -> object:
    """Return *result*, run to its end if it is a coroutine."""
    if not inspect.iscoroutine(result):
        return result

    async def wait() -> object:
        return await result

    return anyio.run(wait)
