"""Branches of the file merged by git itself: nothing lost, each double change a Conflict."""

import importlib
import os
import random
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tailorsecrets.driver import ABSENT, PRESENT, Driver
from tailorsecrets.errors import AlreadyExists, Conflict, NotFound, Unauthenticated, Unsupported
from tailorsecrets.secret import Secret
from tailorsecrets_file import keys
from tailorsecrets_file.keys import SlotKind
from tests.support.file.opening import NAME, opened, store_type, target_in, text

pyrage: Any = importlib.import_module("pyrage")  # it has no types

Heads = frozenset[str | None]  # the values that a name has at once; None: deleted

NAMES = tuple(f"w/v/{letter}" for letter in "abcdefgh")
MERGES = 100


def git(folder: Path, *args: str) -> str:
    """Run git in *folder*, on no configuration but its own, and return what it prints."""
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    settings = ("-c", "user.name=n", "-c", "user.email=e", "-c", "maintenance.auto=false", "-c", "core.fsync=none")
    done = subprocess.run(["git", *settings, *args], cwd=folder, env=environ, check=True, capture_output=True)
    return done.stdout.decode()


def repository(folder: Path) -> Driver:
    """Return a driver for a store file that setup made in a new repository, committed."""
    git(folder, "init", "-q", "-b", "a")
    driver = opened(folder)
    driver.setup()
    git(folder, "add", NAME, ".gitattributes", ".gitignore")
    git(folder, "commit", "-qm", "made")
    return driver


def branch(folder: Path, name: str, start: str) -> None:
    """Start or restart a branch and go there."""
    git(folder, "checkout", "-q", "-B", name, start)


def commit(folder: Path) -> None:
    """Commit whatever changed."""
    git(folder, "commit", "-qam", "changed", "--allow-empty")


def change(rng: random.Random, driver: Driver, heads: Mapping[str, Heads], tag: str) -> dict[str, Heads]:
    """Change some secrets at random, some of them several times; return what the changed ones are now."""
    changed: dict[str, Heads] = {}
    for step in range(rng.randrange(5)):
        name = rng.choice(NAMES)
        if rng.random() < 0.7:
            value = f"{tag}.{step}"
            driver.put(name, Secret(value))
            changed[name] = frozenset({value})
        elif changed.get(name, heads[name]) != {None}:
            driver.delete(name, purge=rng.random() < 0.3)
            changed[name] = frozenset({None})
    return changed


def merged(base: Heads, ours: Heads | None, theirs: Heads | None) -> Heads:
    """Return what a name is after a merge; None is a side that did not change it."""
    if ours is None or theirs is None:
        return ours or theirs or base
    return ours | theirs


def check(driver: Driver, name: str, heads: Heads) -> None:
    """Check that reading a name gives its one value, NotFound, or a Conflict that shows every value."""
    if heads == {None}:
        with pytest.raises(NotFound):
            driver.get(name)
    elif len(heads) == 1:
        assert heads == {text(driver, name)}
    else:
        with pytest.raises(Conflict):
            driver.get(name)
        shown = {text(driver, name, entry.version) for entry in driver.versions(name)}
        assert heads - {None} <= shown
        assert driver.stat(name).stamp == ""


@pytest.mark.parametrize("seed", range(3))
def test_random_merges(tmp_path: Path, seed: int) -> None:
    """In 3 times 100 merges of two branches each change is there: alone as the value, else in a Conflict."""
    driver = repository(tmp_path)
    rng = random.Random(seed)
    heads: dict[str, Heads] = dict.fromkeys(NAMES, frozenset({None}))
    conflicts = 0
    for number in range(MERGES):
        branch(tmp_path, "a", "HEAD")
        ours = change(rng, driver, heads, f"a{number}")
        commit(tmp_path)
        branch(tmp_path, "b", "HEAD~1")
        theirs = change(rng, driver, heads, f"b{number}")
        commit(tmp_path)

        git(tmp_path, "merge", "-q", "--no-edit", "a")

        heads = {name: merged(heads[name], ours.get(name), theirs.get(name)) for name in NAMES}
        for name in NAMES:
            check(driver, name, heads[name])
        listed = {entry.name for entry in driver.list("")}
        assert {name for name in NAMES if heads[name] != {None}} == listed
        conflicts += sum(len(each) > 1 for each in heads.values())
    assert conflicts > MERGES / 3


def two_branches(folder: Path) -> Driver:
    """Return a driver for a merged file where two branches changed ``s``, to 1 and to 2."""
    driver = repository(folder)
    driver.put("s", Secret("0"), stamp="zero")
    commit(folder)
    for name, start in (("1", "HEAD"), ("2", "HEAD~1")):
        branch(folder, f"b{name}", start)
        driver.put("s", Secret(name), stamp=f"stamp {name}")
        commit(folder)
    git(folder, "merge", "-q", "--no-edit", "b1")
    return driver


def test_both_sides_of_a_conflict_can_be_read(tmp_path: Path) -> None:
    """Versions shows both sides with their own tokens and stamps, and get reads each."""
    driver = two_branches(tmp_path)

    versions = list(driver.versions("s"))

    assert {text(driver, "s", entry.version): entry.stamp for entry in versions} == {
        "1": "stamp 1",
        "2": "stamp 2",
        "0": "zero",
    }
    assert len({entry.version for entry in versions}) == 3


def test_a_conflict_is_listed_for_repair(tmp_path: Path) -> None:
    """List and stat show a conflict as living and without a stamp, so that a deploy writes it again."""
    driver = two_branches(tmp_path)

    (entry,) = driver.list("")

    assert (entry.state, entry.stamp) == ("live", "")
    assert entry == driver.stat("s")


@pytest.mark.parametrize("expect", [None, PRESENT, "the token"])
def test_a_put_settles_a_conflict(tmp_path: Path, expect: str | None) -> None:
    """A put on anything, on PRESENT or on the token of the conflict replaces both sides."""
    driver = two_branches(tmp_path)
    if expect == "the token":
        expect = driver.stat("s").version

    settled = driver.put("s", Secret("3"), expect=expect, stamp="three")

    assert text(driver, "s") == "3"
    assert settled == driver.stat("s")
    assert settled.version[:2] == "3."


def test_who_saw_one_side_does_not_settle(tmp_path: Path) -> None:
    """A put that expects one side of a conflict, or nothing at all, is refused."""
    driver = two_branches(tmp_path)

    for entry in driver.versions("s"):
        with pytest.raises(Conflict):
            driver.put("s", Secret("3"), expect=entry.version)
    with pytest.raises(AlreadyExists):
        driver.put("s", Secret("3"), expect=ABSENT)


def test_a_delete_settles_a_conflict(tmp_path: Path) -> None:
    """A delete replaces both sides; what to restore is then for the user to say."""
    driver = two_branches(tmp_path)

    driver.delete("s")

    assert list(driver.list("")) == []
    with pytest.raises(Conflict):
        driver.restore("s")


def test_many_changes_do_not_hide_one(tmp_path: Path) -> None:
    """A branch that wrote more versions than are kept does not win over one that wrote a single one."""
    driver = repository(tmp_path)
    driver.put("s", Secret("0"))
    commit(tmp_path)
    branch(tmp_path, "b1", "HEAD")
    for number in range(15):
        driver.put("s", Secret(f"1.{number}"))
    commit(tmp_path)
    branch(tmp_path, "b2", "HEAD~1")
    driver.put("s", Secret("2"))
    commit(tmp_path)
    git(tmp_path, "merge", "-q", "--no-edit", "b1")

    check(driver, "s", frozenset({"1.14", "2"}))


@pytest.mark.parametrize("name", ["a b", "st*r[1]?", "#hash", "!bang", "back\\slash", 'quo"te', "é"])
def test_git_knows_any_name(tmp_path: Path, name: str) -> None:
    """Whatever the file is called, git merges it line by line and ignores what lies beside it."""
    git(tmp_path, "init", "-q")
    driver = store_type().open(target_in(tmp_path, path=name))
    driver.setup()
    driver.put("s", Secret("1"))

    attributes = git(tmp_path, "check-attr", "-z", "merge", name, f"x{name}")
    assert attributes.split("\0")[2::3] == ["union", "unspecified"]
    untracked = git(tmp_path, "ls-files", "-z", "--others", "--exclude-standard", "--exclude=config")
    assert set(untracked.split("\0")) == {name, ".gitattributes", ".gitignore", ""}


def test_two_branches_add_slots(tmp_path: Path) -> None:
    """Slots that two branches added are both there after the merge, and after the next write."""
    driver = repository(tmp_path)
    target = target_in(tmp_path)
    added: set[str] = set()
    for name, start in (("b1", "HEAD"), ("b2", "HEAD~1")):
        branch(tmp_path, name, start)
        added.add(keys.add_slot(target, "passphrase", passphrase=Secret(f"passphrase of {name}")).id)
        commit(tmp_path)
    git(tmp_path, "merge", "-q", "--no-edit", "b1")

    assert added < {slot.id for slot in keys.list_slots(target)}
    driver.put("s", Secret("1"))
    assert (tmp_path / NAME).read_bytes().count(b'{"tailorsecrets"') == 1
    assert added < {slot.id for slot in keys.list_slots(target)}


def test_two_branches_add_many_passphrases(tmp_path: Path) -> None:
    """Five passphrases of each of two branches are more than one branch may add; all are there after a write."""
    driver = repository(tmp_path)
    target = target_in(tmp_path)
    for name, start in (("b1", "HEAD"), ("b2", "HEAD~1")):
        branch(tmp_path, name, start)
        for number in range(5):
            keys.add_slot(target, "passphrase", passphrase=Secret(f"passphrase {name} {number}"))
        commit(tmp_path)
    git(tmp_path, "merge", "-q", "--no-edit", "b1")

    driver.put("s", Secret("1"))

    assert text(driver, "s") == "1"
    assert len(keys.list_slots(target)) == 11
    alone = target_in(tmp_path, environ={"TAILORSECRETS_FILE_PASSPHRASE": "passphrase b2 4"})
    assert text(store_type().open(alone), "s") == "1"
    with pytest.raises(Unsupported, match="at most 256 slots, 8 of them for passphrases"):
        keys.add_slot(target, "passphrase", passphrase=Secret("one more passphrase"))
    keys.remove_slot(target, next(slot.id for slot in keys.list_slots(target) if slot.kind == "passphrase"))
    assert len(keys.list_slots(target)) == 10


@pytest.mark.parametrize("kind", ["key", "passphrase", "age"])
def test_a_key_that_two_branches_added_goes_at_once(tmp_path: Path, kind: SlotKind) -> None:
    """Two branches added a slot of the same key; its removal closes the file to both of them."""
    repository(tmp_path)
    target = target_in(tmp_path)
    (mine,) = keys.list_slots(target)
    identity = pyrage.x25519.Identity.generate()
    for name, start in (("b1", "HEAD"), ("b2", "HEAD~1")):
        branch(tmp_path, name, start)
        keys.add_slot(
            target,
            kind,
            path=str(tmp_path / "ci.key"),
            recipient=str(identity.to_public()),
            passphrase=Secret("correct horse battery"),
        )
        commit(tmp_path)
    git(tmp_path, "merge", "-q", "--no-edit", "b1")
    added = [slot.id for slot in keys.list_slots(target) if slot != mine]
    assert len(added) == 2

    said = keys.remove_slot(target, added[0])

    assert all(each in said for each in added)
    assert [slot.id for slot in keys.list_slots(target)] == [mine.id]
    environ = {
        "key": {"TAILORSECRETS_FILE_KEY_FILE": str(tmp_path / "ci.key")},
        "passphrase": {"TAILORSECRETS_FILE_PASSPHRASE": "correct horse battery"},
        "age": {"TAILORSECRETS_FILE_AGE_IDENTITY": str(identity), "XDG_CONFIG_HOME": str(tmp_path / "elsewhere")},
    }[kind]
    with pytest.raises(Unauthenticated):
        store_type().open(target_in(tmp_path, environ=environ)).get("s")


def test_a_merge_that_drops_a_key_says_so(tmp_path: Path) -> None:
    """A key that one branch added while another rekeyed is listed as dropped, until it is added or the file rekeyed."""
    driver = repository(tmp_path)
    target = target_in(tmp_path)
    branch(tmp_path, "b1", "HEAD")
    keys.rekey(target)
    commit(tmp_path)
    branch(tmp_path, "b2", "HEAD~1")
    path, recipient = str(tmp_path / "ci.key"), str(pyrage.x25519.Identity.generate().to_public())
    added = [keys.add_slot(target, "key", path=path).id, keys.add_slot(target, "age", recipient=recipient).id]
    commit(tmp_path)
    git(tmp_path, "merge", "-q", "--no-edit", "b1")

    for number in range(2):
        assert [slot.id for slot in keys.list_lost_slots(target)] == sorted(added)
        assert len(keys.list_slots(target)) == 1
        driver.put("s", Secret(str(number)))
    keys.add_slot(target, "key", path=path)
    assert [slot.id for slot in keys.list_lost_slots(target)] == added[1:]
    keys.rekey(target)
    assert keys.list_lost_slots(target) == []
    assert text(driver, "s") == "1"
    assert (tmp_path / NAME).read_bytes().count(b'{"tailorsecrets"') == 1


def test_two_branches_rekey(tmp_path: Path) -> None:
    """Two rekeyed branches merge into a Conflict that names the remedy, for readers, writers and list_slots."""
    driver = repository(tmp_path)
    target = target_in(tmp_path)
    for name, start in (("b1", "HEAD"), ("b2", "HEAD~1")):
        branch(tmp_path, name, start)
        keys.rekey(target)
        commit(tmp_path)
    git(tmp_path, "merge", "-q", "--no-edit", "b1")

    for use in (lambda: driver.get("s"), lambda: driver.put("s", Secret("")), lambda: keys.list_slots(target)):
        with pytest.raises(Conflict, match="rekeyed on two branches") as caught:
            use()
    command = caught.value.hint.partition(": ")[2].partition("; then")[0]
    subprocess.run(command, shell=True, check=True, cwd="/")
    driver.put("s", Secret("1"))
    assert text(driver, "s") == "1"


def test_one_branch_rekeys_and_one_writes(tmp_path: Path) -> None:
    """What one branch wrote while another rekeyed is a Conflict until it is written again; the rest reads on."""
    driver = repository(tmp_path)
    for name in ("r", "s", "t"):
        driver.put(name, Secret("0"))
    tokens = {name: driver.stat(name).version for name in ("r", "t")}
    commit(tmp_path)
    branch(tmp_path, "b1", "HEAD")
    keys.rekey(target_in(tmp_path))
    commit(tmp_path)
    branch(tmp_path, "b2", "HEAD~1")
    driver.put("s", Secret("2"))
    driver.put("new", Secret("2"))
    commit(tmp_path)
    git(tmp_path, "merge", "-q", "--no-edit", "b1")

    assert tokens == {name: driver.stat(name).version for name in ("r", "t")}
    for name in ("s", "new"):
        with pytest.raises(Conflict, match="rekeyed"):
            driver.get(name)
        assert driver.stat(name).stamp == ""
        driver.put(name, Secret("3"), expect=PRESENT)
        assert text(driver, name) == "3"
    assert [entry.name for entry in driver.list("")] == ["new", "r", "s", "t"]
