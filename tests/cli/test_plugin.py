"""``plugin list``, ``plugin check`` and ``plugin new``."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tailorsecrets.driver import Caps, Entry
from tailorsecrets.errors import Unauthenticated, Unsupported
from tailorsecrets.secret import Secret
from tailorsecrets.targets.plugins import OWN
from tailorsecrets.testing.faults import Faults
from tailorsecrets.testing.memory import FULL, WITH_CONTAINERS, Memory
from tailorsecrets.testing.starting import TEMPLATE
from tests.support.distributions import install
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import Shell

CHECK = ("plugin", "check", "memory://here", "--yes")
SHOWN = Caps(writes=True)  # what every store of the check can do


def measured(shell: Shell, memory: Memory) -> dict[str, str]:
    """Return what the check measures of *memory*, by ability; "lacks" where a declared one is not there."""
    DRIVERS["here"] = Faults(memory)
    done = shell(*CHECK, "--json")
    rows = done.data["abilities"]
    lacking = [row["ability"] for row in rows if row["declared"] and row["measured"] == "no"]
    assert done.code == bool(lacking)
    return {row["ability"]: "lacks" if row["ability"] in lacking else row["measured"] for row in rows}


def test_list(memory: Shell) -> None:
    """The list has a line for each scheme, and a problem for each that cannot be used; JSON has the same."""
    site = memory.folder / "site"
    install(site, "broken_store", "import nobody_has_this", "broken")
    done = memory("plugin", "list")
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()] == ["SCHEME", *sorted([*OWN, "broken", "memory"])]
    assert re.search(r"^memory +memory_plugin +1\.0 +/.*/site/memory_plugin.py$", done.out, re.MULTILINE)
    assert done.err == ("problem: broken: broken_store 1.0: ModuleNotFoundError: No module named 'nobody_has_this'\n")
    rows = {row["scheme"]: row for row in memory("plugin", "list", "--json").data}
    assert rows["broken"] == {
        "scheme": "broken",
        "distribution": "broken_store",
        "version": "1.0",
        "location": str(site),
        "problem": "ModuleNotFoundError: No module named 'nobody_has_this'",
    }
    assert rows["aws"]["problem"] is None


def test_check_tells_what_it_opened(memory: Shell) -> None:
    """The check names the distribution, its place and its options, and a table; it leaves nothing in the store."""
    done = memory(*CHECK)
    assert done.code == 0
    assert re.search(r"^memory: is opened by memory_plugin 1\.0, .*/site/memory_plugin.py$", done.err, re.MULTILINE)
    assert "option slow: seconds that a write takes\n" in done.err
    assert "option timeout: seconds that a read may take" in done.err
    assert re.search(r"^keep old versions +yes +yes +-$", done.out, re.MULTILINE)
    assert DRIVERS["here"].inner.server.secrets() == {}  # type: ignore[attr-defined]


def test_check_asks_before_it_writes(memory: Shell) -> None:
    """Without a yes nothing is written."""
    done = memory("plugin", "check", "memory://here", "--json")
    assert (done.code, done.error["code"]) == (1, "CONFIRMATION_REQUIRED")
    assert [call.op for call in DRIVERS["here"].calls] == []


def test_check_of_a_profile_that_may_only_read(memory: Shell) -> None:
    """Under a profile that may only read, the check writes nothing."""
    (memory.folder / "tailorsecrets.toml").write_text('[profiles.prod]\npermission = "read"\n')
    done = memory(*CHECK, "--profile", "prod", "--json")
    assert (done.code, done.error["code"]) == (1, "PROFILE_READ_ONLY")
    assert [call.op for call in DRIVERS["here"].calls] == []


@pytest.mark.parametrize("caps", [FULL, WITH_CONTAINERS], ids=["flat", "containers"])
def test_check_of_a_rich_store(memory: Shell, caps: Caps) -> None:
    """Everything that the memory driver declares is measured, and its container is dropped again."""
    store = Memory(caps=caps)
    seen = measured(memory, store)
    off = set() if caps.containers else {"make a container for a vault"}
    assert {ability for ability, word in seen.items() if word != "yes"} == off
    assert (store.server.secrets(), dict(store.server.containers)) == ({}, {})


def test_check_of_a_poor_store(memory: Shell) -> None:
    """What a driver does not declare is measured as missing, and is not a fault."""
    seen = measured(memory, Memory(caps=SHOWN))
    assert {ability for ability, word in seen.items() if word == "yes"} == {
        "a missing secret reads as missing",
        "write and read",
        "delete",
        "write the longest value",
        "write the longest name",
        "create only if absent",  # of one caller; it is not atomic, and so not declared
        "update only if unchanged",
    }
    assert "lacks" not in seen.values()


def test_check_of_a_store_that_cannot_write(memory: Shell) -> None:
    """For a store that can only be read there is no question, and nothing is written."""
    DRIVERS["here"] = Faults(Memory(caps=Caps()))
    done = memory("plugin", "check", "memory://here", "--json")
    assert done.code == 0
    rows = {row["ability"]: row for row in done.data["abilities"]}
    assert rows["a missing secret reads as missing"]["measured"] == "yes"
    assert rows["list names"]["note"] == "needs a store that can be written"


def test_check_of_a_store_that_does_not_answer(memory: Shell) -> None:
    """A login that is refused ends the check with the error that every command has."""
    memory("plugin", "check", "memory://here")
    DRIVERS["here"].fail("get", Unauthenticated)
    assert memory(*CHECK, "--json").error["code"] == "UNAUTHENTICATED"


class Forgetful(Memory):
    """Declares everything, and overrides one method."""


class NoList(Forgetful):
    """Lists nothing."""

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Yield nothing."""
        return iter(())


class Overwrites(Forgetful):
    """Ignores *expect*, and keeps no stamp and no tags."""

    def put(
        self,
        name: str,
        value: Secret,
        *,
        expect: str | None = None,
        stamp: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Entry:
        """Overwrite."""
        return super().put(name, value)


class NoVersions(Forgetful):
    """Lists the versions, and reads the current one for each."""

    def versions(self, name: str) -> Iterator[Entry]:
        """Refuse."""
        raise Unsupported


LIARS: list[tuple[type[Memory], set[str]]] = [
    (NoList, {"list names"}),
    (Overwrites, {"keep a stamp", "keep tags", "create only if absent", "update only if unchanged"}),
    (NoVersions, {"keep old versions"}),
]


@pytest.mark.parametrize(("liar", "lacks"), LIARS, ids=lambda value: getattr(value, "__name__", ""))
def test_check_finds_what_is_not_there(memory: Shell, liar: type[Memory], lacks: set[str]) -> None:
    """A declared ability that the store does not have is reported, and the command exits 1."""
    seen = measured(memory, liar())
    assert {ability for ability, word in seen.items() if word == "lacks"} == lacks


def test_check_of_a_list_that_lags(memory: Shell) -> None:
    """A list that may lag behind a write is not reported as missing."""
    seen = measured(memory, Memory(caps=replace(FULL, list_lag=60.0)))
    assert seen["list names"] == "-"


def test_check_of_a_scheme_that_nobody_opens(memory: Shell) -> None:
    """The check refuses a URL as every command does."""
    assert "no store plugin opens nothing: URLs" in memory("plugin", "check", "nothing:x").err


def test_new(empty: Shell) -> None:
    """The new distribution has every file of the template, and no placeholder is left in it."""
    done = empty("plugin", "new", "demo-store")
    assert done.code == 0
    assert "demo-store/src/tailorsecrets_demo_store/driver.py\n" in done.out
    assert "next: pip install -e './demo-store[test]' && pytest demo-store\n" in done.err
    files = [path for path in (empty.folder / "demo-store").rglob("*") if path.is_file()]
    assert len(files) == len([path for path in TEMPLATE.rglob("*") if path.is_file()])
    assert all("{{" not in path.read_text().replace("${{ matrix", "") for path in files)
    assert 'demo-store = "tailorsecrets_demo_store"' in (empty.folder / "demo-store/pyproject.toml").read_text()
    listed = empty("plugin", "new", "tailorsecrets-other", "--json").data
    assert {Path(path).is_file() for path in listed} == {True}


def test_new_overwrites_nothing(empty: Shell) -> None:
    """An existing folder is not changed."""
    (empty.folder / "demo").mkdir()
    done = empty("plugin", "new", "demo", "--json")
    assert (done.code, done.error["code"]) == (1, "ALREADY_EXISTS")
    assert list((empty.folder / "demo").iterdir()) == []


@pytest.mark.parametrize("name", ["Demo", "1st", "de mo", "../demo", "demo-", "aws", "tailorsecrets-vault"])
def test_new_refuses_a_name(empty: Shell, name: str) -> None:
    """A name that no scheme can have, or that is a scheme of ours, is refused before anything is written."""
    done = empty("plugin", "new", name, "--json")
    assert (done.code, done.error["code"]) == (1, "NAME_INVALID")
    assert not any(empty.folder.glob("*demo*"))
