"""Comparing two sides: names, stamps, and the values if stamps do not decide."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tailorsecrets.deploy.compare import Comparison, compare
from tailorsecrets.deploy.diff import counts
from tailorsecrets.driver import Caps
from tailorsecrets.errors import (
    ConfigError,
    Corrupt,
    Denied,
    Disabled,
    SecretNotFound,
    SecretsError,
    Unauthenticated,
    Unavailable,
)
from tailorsecrets.secret import Secret
from tailorsecrets.store.names import Place
from tailorsecrets.store.record import Owner, new_record
from tailorsecrets.store.store import Store, workspace_of
from tailorsecrets.targets.choice import Choice
from tailorsecrets.targets.routes import Routes
from tailorsecrets.targets.sides import primaries, side
from tailorsecrets.testing.faults import Faults
from tailorsecrets.testing.memory import FULL, WITH_CONTAINERS, Memory

APP = Owner("my-app")
KEY = Secret("one key")


class Target:
    """A store in memory, with faults."""

    def __init__(self, name: str, caps: Caps = FULL) -> None:
        self.choice = Choice(f"file:{name}", "default", ".")
        self.memory = Memory(caps=caps)
        self.driver = Faults(self.memory)
        self.workspace = workspace_of(self.open())

    def open(self) -> Store:
        """Open it."""
        return Store(self.driver, may_create=True)

    def fill(self, values: dict[str, str], *, vault: str = "api-keys", key: Secret | None = KEY) -> "Target":
        """Write *values* as an app does whose vault has the stamp key *key*."""
        if self.memory.caps.containers:
            self.workspace.operations.make(vault, "")
        record = self.workspace.claim(vault, APP, replace(new_record({}, key), id=""))
        for secret, value in values.items():
            self.workspace.put_secret(record, vault, secret, Secret(value), expect="")
        self.memory.forget_calls()
        return self

    def native(self, secret: str = "", vault: str = "api-keys") -> str:
        """Return the native name of a secret, or of the record."""
        return self.workspace.operations._naming.native(Place(vault, secret))


def opener(*targets: Target) -> Callable[[Choice], Store]:
    """Return a function that opens *targets*."""
    stores = {target.choice.url: target for target in targets}
    return lambda choice: stores[choice.url].open()


def compared(a: Target, b: Target, *vaults: str, by_name: bool = False) -> Comparison:
    """Compare the two."""
    return compare(Routes((a.choice,)), Routes((b.choice,)), opener(a, b), vaults=vaults, by_name=by_name)


def signs(found: Comparison) -> dict[str, str]:
    """Return the sign of each secret."""
    return {f"{line.place.vault}/{line.place.secret}": line.sign for line in found.lines}


VALUES = {"same": "x", "changed": "x", "only-a": "x"}
OTHERS = {"same": "x", "changed": "y", "only-b": "x"}
EXPECTED = {"api-keys/changed": "*", "api-keys/only-a": "+", "api-keys/only-b": "-", "api-keys/same": "="}


def test_equal_stamp_keys_spare_every_read() -> None:
    """Where both vaults have one stamp key, the stamps decide, and no value is read."""
    a, b = Target("a").fill(VALUES), Target("b").fill(OTHERS)
    found = compared(a, b)
    assert signs(found) == EXPECTED
    assert counts(found.lines) == {"=": 1, "+": 1, "-": 1, "*": 1, "!": 0}
    assert a.memory.calls == b.memory.calls == {"list": 1, "get_many": 1}  # the record


@pytest.mark.parametrize("caps", [FULL, replace(FULL, stamps=False), replace(FULL, list_stamps=False), WITH_CONTAINERS])
def test_values_are_compared_where_stamps_do_not_tell(caps: Caps) -> None:
    """With two keys, or without stamps, the values of secrets that both hold are read, and of no other."""
    a, b = Target("a", caps).fill(VALUES), Target("b", caps).fill(OTHERS, key=None)
    assert signs(compared(a, b)) == EXPECTED
    assert a.memory.value_reads == b.memory.value_reads == 2


def test_a_secret_that_another_tool_wrote() -> None:
    """Its stamp is gone, so only its value is read and compared."""
    a, b = Target("a").fill(VALUES), Target("b").fill(VALUES)
    b.memory.backdoor.write(b.native("changed"), "x")
    b.memory.backdoor.write(b.native("same"), "y")
    assert signs(compared(a, b)) == {"api-keys/changed": "=", "api-keys/only-a": "=", "api-keys/same": "*"}


def test_stamps_of_a_store_whose_list_lacks_them() -> None:
    """The metadata is read again, and still no value."""
    caps = replace(FULL, list_stamps=False)
    a, b = Target("a", caps).fill(VALUES), Target("b", caps).fill(OTHERS)
    assert signs(compared(a, b)) == EXPECTED
    assert a.memory.calls == {"list": 1, "get_many": 1, "stat": 2}


@pytest.mark.parametrize("kind", [Denied, Corrupt, Disabled])
def test_a_value_that_cannot_be_read(kind: type[SecretsError]) -> None:
    """Its sign is !, with the side and the reason; the others are still compared."""
    a, b = Target("a").fill(VALUES), Target("b").fill(VALUES, key=None)
    b.driver.fail("get", kind, name=b.native("same"))
    found = compared(a, b)
    assert signs(found) == {"api-keys/changed": "=", "api-keys/only-a": "=", "api-keys/same": "!"}
    assert {name: error.code for line in found.lines for name, error in line.errors.items()} == {"B": kind.code}


def test_a_record_that_cannot_be_read() -> None:
    """A login that may read values but not records compares values."""
    a, b = Target("a").fill(VALUES), Target("b").fill(OTHERS)
    b.driver.fail("get", Denied, name=b.native())
    assert signs(compared(a, b)) == EXPECTED


def test_a_side_whose_list_is_denied() -> None:
    """The names of the other side are looked for; a note says that other secrets of this side are unknown."""
    a, b = Target("a").fill(VALUES), Target("b").fill(OTHERS)
    b.driver.fail("list", Denied)
    b.driver.fail("stat", Denied, name=b.native("changed"))
    found = compared(a, b)
    assert signs(found) == {"api-keys/changed": "!", "api-keys/only-a": "+", "api-keys/same": "="}
    assert found.unlisted == [b.choice]


@pytest.mark.parametrize("kind", [Unavailable, Unauthenticated])
@pytest.mark.parametrize("op", ["list", "get_many"])
def test_a_side_that_does_not_answer(kind: type[SecretsError], op: str) -> None:
    """Without an answer there is no comparison: the error of that side is raised."""
    a, b = Target("a").fill(VALUES), Target("b").fill(VALUES, key=None)
    b.driver.fail(op, kind)
    with pytest.raises(kind):
        compared(a, b)


def test_names_alone() -> None:
    """With names only, only lists are called, and equal means that both have the name."""
    a, b = Target("a", WITH_CONTAINERS).fill(VALUES), Target("b", replace(FULL, stamps=False)).fill(OTHERS)
    assert signs(compared(a, b, by_name=True)) == EXPECTED | {"api-keys/changed": "="}
    assert (a.memory.calls, b.memory.calls) == ({"containers": 1, "list": 1}, {"list": 1})
    b.driver.fail("list", Denied)
    with pytest.raises(Denied):
        compared(a, b, by_name=True)


def test_some_vaults_alone() -> None:
    """With vaults named, others are not compared."""
    a, b = Target("a").fill(VALUES).fill({"some-key": "1"}, vault="web"), Target("b").fill(OTHERS)
    assert signs(compared(a, b, "web")) == {"web/some-key": "+"}


def test_a_secret_deleted_while_comparing() -> None:
    """It is only on the other side; deleted on both, it is not a line."""
    a, b = Target("a").fill(VALUES), Target("b").fill(VALUES, key=None)
    for target in (a, b):
        for secret in ("same", "changed") if target is a else ("same", "only-a"):
            target.driver.fail("get", SecretNotFound, name=target.native(secret))
    assert signs(compared(a, b)) == {"api-keys/changed": "-", "api-keys/only-a": "+"}


def test_a_profile_means_the_primary_of_each_vault() -> None:
    """Each vault of a side is compared at its primary; replicas and old copies do not count."""
    main, replica, other = (
        Target("main").fill({"some-key": "1"}),
        Target("replica").fill({"some-key": "2"}),
        Target("other"),
    )
    main.fill({"left-key": "1"}, vault="database")
    other.fill({"other-key": "1"}, vault="database").fill({"stray-key": "1"}, vault="api-keys")
    b = Target("b").fill({"some-key": "1"}).fill({"other-key": "1"}, vault="database")
    routes = Routes((main.choice, replica.choice), {"database": (other.choice,)})
    found = compare(routes, Routes((b.choice,)), opener(main, other, b))
    assert signs(found) == {"api-keys/some-key": "=", "database/other-key": "="}
    assert primaries(routes) == (main.choice, other.choice)
    assert primaries(routes, ["database"]) == (other.choice,)


FILE = """
[profiles.one]
store = ["file:a.jsonl", "file:b.jsonl"]
workspace = "prod"

[profiles.two]
store = "file:c.jsonl"
"""


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("one", "file:a.jsonl?workspace=prod"),
        ("two", "file:c.jsonl?workspace=given"),
        ("file:x.jsonl", "file:x.jsonl?workspace=given"),
        ("file:x.jsonl?workspace=own", "file:x.jsonl?workspace=own"),
    ],
)
def test_a_side_is_a_profile_or_a_url(tmp_path: Path, word: str, expected: str) -> None:
    """The given workspace applies if the profile and the URL name none."""
    (tmp_path / "tailorsecrets.toml").write_text(FILE)
    routes = side(word, tmp_path, workspace="given", cwd=tmp_path)
    assert routes.route("any")[0].full_url == expected


def test_a_word_that_is_neither(tmp_path: Path) -> None:
    """It is an error that names the profiles."""
    (tmp_path / "tailorsecrets.toml").write_text(FILE)
    with pytest.raises(ConfigError, match="'three' is not a store URL and not a profile") as caught:
        side("three", tmp_path, cwd=tmp_path)
    assert (caught.value.code, caught.value.hint) == ("PROFILE_NOT_FOUND", "known profiles: one, two")
