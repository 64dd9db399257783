"""The pytest plugin for tests of applications: what its fixture gives, refuses and restores."""

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import anyio
import pytest

from tailorsecrets import (
    ConfigError,
    Denied,
    NameInvalid,
    Secret,
    SecretManager,
    SecretNotFound,
    Throttled,
    Unavailable,
    UndeclaredSecret,
    ValueInvalid,
    define_secret_manager,
    open_store,
)
from tailorsecrets.runtime.events import CacheEvent
from tailorsecrets.store.store import Store
from tailorsecrets.testing import FakeStore, Memory

pytest_plugins = ["pytester"]

CANARY = "canary-7Kq"
DECLARED = {"api-keys": ["one", "two", "three"], "database": ["password"]}
APP = """
    import pytest
    from tailorsecrets import SecretManager, define_secret_manager

    def manager():
        return define_secret_manager({}, external={"api-keys": ["one", "two"]})

    secrets, other = manager(), manager()
"""


@pytest.fixture
def secrets() -> SecretManager:
    """Return the manager of an application."""
    return define_secret_manager({}, external=DECLARED)


@pytest.fixture
def store(tailorsecrets_store: FakeStore, secrets: SecretManager) -> FakeStore:
    """Return the store that the manager reads, with a secret in each vault."""
    tailorsecrets_store.use(secrets).set_secrets({"api-keys": {"one": "1", "two": "2"}, "database": {"password": "pw"}})
    return tailorsecrets_store


@pytest.fixture
def given_back() -> Iterator[tuple[SecretManager, FakeStore]]:
    """Return a manager on its own store, with one cached value, and a FakeStore without it."""
    memory = Memory()
    with Store(memory) as own:
        own.create_vault("api-keys")
        own.create_secret("api-keys", "one", Secret("real"))
        manager = define_secret_manager({}, external=DECLARED).connect(store=lambda: own).configure(ttl=77)
        manager.get("api-keys", "one")
        yield manager, FakeStore()


def on_both(read: Callable[[], Awaitable[object]]) -> list[object]:
    """Return what *read* gives on asyncio and on trio."""
    return [anyio.run(read, backend=backend) for backend in ("asyncio", "trio")]


# Loading


def test_the_plugin_is_installed() -> None:
    """The wheel brings the plugin to every pytest run."""
    (point,) = entry_points(group="pytest11", name="tailorsecrets")
    assert point.value == "tailorsecrets.testing.fixture"


def test_a_run_without_the_fixture_loads_nothing() -> None:
    """The plugin alone loads three modules of the package, each next to empty."""
    code = "import tailorsecrets.testing.fixture, sys; print(*(n for n in sys.modules if n.startswith('tailor')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"tailorsecrets", "tailorsecrets.testing", "tailorsecrets.testing.fixture"}


def test_the_package_for_tests_names_what_it_lacks() -> None:
    """A misspelt import from the package for tests is an error."""
    with pytest.raises(ImportError, match="Memoria"):
        exec("from tailorsecrets.testing import Memoria")


# Seeds


def test_reads_are_answered_from_the_seed(store: FakeStore, secrets: SecretManager) -> None:
    """Every kind of read, and preload of what is there, is answered by the store in memory."""
    assert secrets.get("api-keys", "one") == "1"
    assert secrets.get_all("api-keys", ["two", "three", "one"]) == ["2", None, "1"]
    assert secrets.read("database", "password").value == "pw"
    store.set_secret("api-keys", "three", "3")
    secrets.preload()


def test_asyncio_and_trio(store: FakeStore, secrets: SecretManager) -> None:
    """The twins of all reads work on asyncio and trio."""

    async def read() -> object:
        secrets.forget()
        reading = await secrets.aread("database", "password")
        return (
            await secrets.aget("api-keys", "one"),
            await secrets.aget_all("api-keys", ["one", "two"]),
            reading.value,
            await secrets.arecent("api-keys", "two"),
        )

    assert on_both(read) == [("1", ["1", "2"], "pw", ["2"])] * 2


def test_a_missing_seed_is_none(store: FakeStore, secrets: SecretManager) -> None:
    """A declared secret without a seed reads as None, and preload lists it."""
    assert secrets.get("api-keys", "three") is None
    with pytest.raises(SecretNotFound, match="api-keys/three"):
        secrets.preload()


def test_none_takes_away(store: FakeStore, secrets: SecretManager) -> None:
    """A secret that is set to None is gone, also from the cache."""
    assert secrets.get("api-keys", "one") == "1"
    store.set_secret("api-keys", "one", None)
    assert secrets.get("api-keys", "one") is None


def test_undeclared_names_raise(store: FakeStore, secrets: SecretManager) -> None:
    """A name that the config does not have is an error to read, to seed and to deny."""
    calls: list[Callable[[], object]] = [
        lambda: secrets.get("api-keys", "four"),
        lambda: store.set_secret("api-keys", "four", "4"),
        lambda: store.set_secret("vault", "one", "1"),
        lambda: store.denied("api-keys", "four"),
    ]
    for call in calls:
        with pytest.raises(UndeclaredSecret):
            call()


def test_seeding_before_use_says_what_to_do(tailorsecrets_store: FakeStore) -> None:
    """A seed before a manager is in use raises an error that names the call."""
    with pytest.raises(UndeclaredSecret) as caught:
        tailorsecrets_store.set_secret("api-keys", "one", CANARY)
    assert "use(secrets)" in caught.value.hint
    assert CANARY not in str(caught.value)


def test_a_value_that_no_store_holds_is_refused(store: FakeStore) -> None:
    """A seed is checked as a write to a real store is."""
    with pytest.raises(ValueInvalid):
        store.set_secret("api-keys", "one", "\ud800")


def test_a_set_is_seen_at_once_and_a_rotation_after_the_ttl(store: FakeStore, secrets: SecretManager) -> None:
    """set_secret is a write of this process, rotate one of another; recent gives the values before."""
    assert secrets.get("api-keys", "one") == "1"
    store.set_secret("api-keys", "one", "2")
    assert secrets.get("api-keys", "one") == "2"
    store.rotate("api-keys", "one", "3")
    assert secrets.get("api-keys", "one") == "2"
    store.advance(300)
    assert [secrets.get("api-keys", "one"), secrets.get("api-keys", "one")] == ["2", "3"]
    assert secrets.recent("api-keys", "one", 3) == ["3", "2", "1"]


def test_several_managers(store: FakeStore, secrets: SecretManager) -> None:
    """Managers in use share the store; using one twice changes nothing."""
    other = define_secret_manager({}, external={"elsewhere": ["token"], "api-keys": ["one"]})
    store.use(other, secrets).set_secret("elsewhere", "token", "t")
    assert (other.get("elsewhere", "token"), other.get("api-keys", "one")) == ("t", "1")
    assert secrets.get("api-keys", "two") == "2"


# Operations


def test_calls_are_names(store: FakeStore, secrets: SecretManager) -> None:
    """What reached the store is listed by name, once however it was read, and what memory answered is not."""
    secrets.get("api-keys", "one")
    secrets.get("api-keys", "one")
    secrets.get_all("api-keys", ["one", "two", "three"])
    secrets.recent("database", "password")
    one, two, three, password = (
        ("api-keys", "one"),
        ("api-keys", "two"),
        ("api-keys", "three"),
        ("database", "password"),
    )
    assert store.calls == [one, two, three, password]


def test_nothing_shows_a_value(store: FakeStore, secrets: SecretManager) -> None:
    """The store and its calls show no value."""
    store.set_secret("api-keys", "one", CANARY)
    assert secrets.get("api-keys", "one") == CANARY
    assert CANARY not in f"{store!r} {store.calls!r} {vars(store)!r}"


def test_reset(store: FakeStore, secrets: SecretManager) -> None:
    """After reset there are no values, faults, calls or cache entries."""
    secrets.get("api-keys", "one")
    store.unavailable()
    store.reset()
    assert store.calls == []
    assert secrets.get("api-keys", "one") is None


# Faults


def test_denied(store: FakeStore, secrets: SecretManager) -> None:
    """A denied secret raises in every read of it, and no other does."""
    store.denied("api-keys", "one")
    reads: list[Callable[[], object]] = [
        lambda: secrets.get("api-keys", "one"),
        lambda: secrets.get_all("api-keys", ["two", "one"]),
        lambda: secrets.recent("api-keys", "one"),
        secrets.preload,
    ]
    for read in reads:
        with pytest.raises(Denied):
            read()
    assert secrets.get("api-keys", "two") == "2"


def test_unavailable_and_throttled(store: FakeStore, secrets: SecretManager) -> None:
    """A store that fails raises in a cold read, until it is healed and the pause is over."""
    store.unavailable()
    with pytest.raises(Unavailable):
        secrets.get("api-keys", "one")
    store.heal()
    store.throttled()
    with pytest.raises(Throttled):
        secrets.get_all("database", ["password"])
    store.heal()
    store.advance(1)
    assert (secrets.get("api-keys", "one"), secrets.get("database", "password")) == ("1", "pw")


def test_an_outage_is_bridged_up_to_max_stale(store: FakeStore, secrets: SecretManager) -> None:
    """While the store does not answer, a value is served up to the age max_stale of the program's own settings."""
    secrets.configure(ttl=10, grace=10, max_stale=100)
    assert secrets.get("api-keys", "one") == "1"
    store.unavailable()
    store.advance(99)
    reading = secrets.read("api-keys", "one")
    assert (reading.value, reading.age, reading.stale) == ("1", 99, True)
    store.advance(1)
    with pytest.raises(Unavailable):
        secrets.get("api-keys", "one")


def test_a_fault_for_some_calls(store: FakeStore, secrets: SecretManager) -> None:
    """A fault for one call ends after that call."""
    store.unavailable(times=1)
    with pytest.raises(Unavailable):
        secrets.get("api-keys", "one")
    assert secrets.get("api-keys", "two") == "2"


def test_slow(store: FakeStore, secrets: SecretManager) -> None:
    """A slow call takes its time on the clock of the test, and nothing waits."""
    events: list[CacheEvent] = []
    secrets.configure(on_event=events.append)
    store.slow(3_600)
    assert secrets.get("api-keys", "one") == "1"
    assert [event.seconds for event in events] == [3_600]


# Restoring


def test_all_is_given_back(given_back: tuple[SecretManager, FakeStore]) -> None:
    """Afterwards a manager has its connection, its settings, its clock and its cache again."""
    manager, store = given_back
    before = vars(manager).copy()
    store.use(manager).set_secret("api-keys", "one", "seed")
    manager.configure(ttl=5)
    assert manager.get("api-keys", "one") == "seed"
    store.restore()
    assert vars(manager) == before
    calls = manager.cache_info().read
    assert (manager.get("api-keys", "one"), manager.cache_info().read) == ("real", calls)


def test_settings_and_hook_of_the_program_hold(tailorsecrets_store: FakeStore, secrets: SecretManager) -> None:
    """What the program configured before the test is in force in it."""
    events: list[CacheEvent] = []
    secrets.configure(ttl=5, grace=0, on_event=events.append)
    tailorsecrets_store.use(secrets).set_secret("api-keys", "one", "1")
    assert secrets.get("api-keys", "one") == "1"
    tailorsecrets_store.rotate("api-keys", "one", "2")
    tailorsecrets_store.advance(5)
    assert secrets.get("api-keys", "one") == "2"
    assert [event.kind for event in events] == ["read", "read"]


def test_a_program_that_connects_stays_in_memory(store: FakeStore, secrets: SecretManager) -> None:
    """An application that chooses its store at start still reads the one in memory; a bad profile raises."""
    secrets.connect(store="vault://prod.example", workspace="shop-eu")
    assert secrets.get("api-keys", "one") == "1"
    with pytest.raises(ConfigError):
        secrets.connect(profile="missing")
    with pytest.raises(NameInvalid):
        secrets.connect(workspace="No Such")


# The guard


def outcomes(pytester: pytest.Pytester, test: str) -> tuple[dict[str, int], str]:
    """Return how many tests of an application with two managers passed and failed, and what was printed."""
    pytester.makepyfile(app=APP, test_app=f"from app import *\nfrom tailorsecrets import open_store\n\n{test}")
    pytester.syspathinsert()
    result = pytester.runpytest("-p", "no:cacheprovider")
    return result.parseoutcomes(), result.stdout.str()


def test_a_manager_that_was_not_given_the_store_fails_the_test(pytester: pytest.Pytester) -> None:
    """A test fails in which a manager that the store was not given to reads, with the call to make."""
    found, output = outcomes(
        pytester,
        "def test_it(tailorsecrets_store):\n    tailorsecrets_store.use(secrets)\n    other.get('api-keys', 'one')",
    )
    assert found["failed"] == 1
    assert "tailorsecrets_store.use(...)" in output


def test_the_guard_sees_what_the_application_swallows(pytester: pytest.Pytester) -> None:
    """A read whose error the application drops fails the test as well, by any manager, however it is connected."""
    swallowing = """
kept = []

@pytest.mark.parametrize("name", ["existing", "new", "url"])
def test_it(tailorsecrets_store, name, tmp_path):
    made = {"existing": lambda: other, "new": manager, "url": manager}[name]()
    if name == "url":
        made.connect(store=f"file:{tmp_path}/none.jsonl")
    try:
        made.get("api-keys", "one")
    except BaseException:
        pass
    kept.append(made)
"""
    found, output = outcomes(pytester, swallowing)
    assert found == {"passed": 3, "errors": 3}
    assert output.count("reads a real store") >= 3


@pytest.mark.parametrize("made", ["other", "manager()"], ids=["existing", "new"])
def test_the_guard_stops_a_read_of_a_url(pytester: pytest.Pytester, made: str, tmp_path: Path) -> None:
    """A manager that the test connects to a URL fails it at the first read, before anything is opened."""
    url = f"file:{tmp_path}/secrets.jsonl"
    with open_store(url) as real:
        real.create_vault("api-keys")
        real.create_secret("api-keys", "one", Secret("real"))
    found, output = outcomes(
        pytester,
        f"def test_it(tailorsecrets_store):\n    assert {made}.connect(store={url!r}).get('api-keys', 'one') == 'none'",
    )
    assert found["failed"] == 1
    assert "reads a real store" in output
    assert "AssertionError" not in output


def test_the_guard_leaves_functions_alone(pytester: pytest.Pytester) -> None:
    """A manager that the test connects to a function, before or in the test, may read; cached values need no call."""
    found, _ = outcomes(
        pytester,
        """
from tailorsecrets import Store
from tailorsecrets.testing import Memory

other.connect(store=lambda: Store(Memory()))

def test_it(tailorsecrets_store):
    assert other.get("api-keys", "one") is None
    assert manager().connect(store=lambda: Store(Memory())).get("api-keys", "one") is None
""",
    )
    assert found == {"passed": 1}


def test_the_guard_ends_with_the_test(pytester: pytest.Pytester, tmp_path: Path, secrets: SecretManager) -> None:
    """Other managers have their store and the environment its variable again, open connections stay open."""
    url = f"file:{tmp_path}/secrets.jsonl"
    with open_store(url) as real:
        real.create_vault("api-keys")
        real.create_secret("api-keys", "one", Secret("real"))
    secrets.connect(store=url)
    assert secrets.get("api-keys", "one") == "real"
    opened = dict(secrets._connection._stores)
    variable = os.environ.get("TAILORSECRETS_STORE")
    assert outcomes(pytester, "def test_it(tailorsecrets_store):\n    pass")[0] == {"passed": 1}
    assert os.environ.get("TAILORSECRETS_STORE") == variable
    assert secrets._connection._stores == opened
    assert secrets.get("api-keys", "one", max_age=0) == "real"


def test_the_guard_catches_every_store_of_a_profile(
    pytester: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The primary and the replica of another manager are not read, and the test fails."""
    text = "[profiles.prod]\nstore = ['vault+http://127.0.0.1:9/secret', 'file:two.jsonl']\nfailover_after = 0.1\n"
    (tmp_path / "tailorsecrets.toml").write_text(text)
    monkeypatch.setenv("VAULT_TOKEN", "x")
    test = f"""
import pytest
from tailorsecrets import define_secret_manager

def test_it(tailorsecrets_store):
    secrets = define_secret_manager({{"api-keys": {{"one": None}}}}, folder={str(tmp_path)!r})
    for choose in (dict(profile="prod"), dict(profile="prod", store="file:two.jsonl")):
        with pytest.raises(pytest.fail.Exception, match="reads a real store"):
            secrets.connect(**choose).get("api-keys", "one")
    with pytest.raises(pytest.fail.Exception, match="reads a real store"):
        secrets.connect(profile="prod").preload()
"""
    result, text = outcomes(pytester, test)
    assert result == {"passed": 1, "errors": 1}
    assert "reads a real store" in text


def test_the_guard_restores_the_variable(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that the environment names is named again after the test, and not in it."""
    monkeypatch.setenv("TAILORSECRETS_STORE", "vault://prod.example")
    test = (
        "def test_it(tailorsecrets_store):\n    import os\n    assert 'prod' not in os.environ['TAILORSECRETS_STORE']"
    )
    assert outcomes(pytester, test)[0] == {"passed": 1}
    assert os.environ["TAILORSECRETS_STORE"] == "vault://prod.example"
