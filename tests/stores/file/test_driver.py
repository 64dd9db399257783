"""What each operation means on one file, without git and without trouble."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tailorsecrets.driver import ABSENT, PRESENT, Driver
from tailorsecrets.errors import AlreadyExists, Conflict, NotFound, SecretsError, Unsupported, ValueInvalid
from tailorsecrets.secret import Secret
from tailorsecrets_file import disk
from tests.support.file.opening import NAME, opened, store_type, target_in, text


def names(driver: Driver, prefix: str = "", *, deleted: bool = False) -> list[str]:
    """Return the names that list yields."""
    return [entry.name for entry in driver.list(prefix, deleted=deleted)]


def lines(folder: Path) -> list[bytes]:
    """Return the lines of the store file."""
    return (folder / NAME).read_bytes().splitlines()


def test_an_entry_says_what_was_put(tmp_path: Path) -> None:
    """Put, stat, list, versions and get agree on version, stamp, tags and times."""
    driver = opened(tmp_path)
    before = datetime.now(UTC)

    put = driver.put("w/v/s", Secret("1"), stamp="st", tags={"b": "2", "a": "1"})

    assert (put.name, put.stamp, put.tags, put.state) == ("w/v/s", "st", {"a": "1", "b": "2"}, "live")
    assert put.created
    assert before <= put.created <= datetime.now(UTC)
    assert put == driver.stat("w/v/s") == driver.get("w/v/s").entry
    assert [put] == list(driver.versions("w/v/s"))
    assert [replace(put, stamp="")] == list(driver.list(""))


def test_created_stays_and_updated_moves(tmp_path: Path) -> None:
    """A later version keeps the time of the first, also after a delete, and has its own."""
    driver = opened(tmp_path)
    first = driver.put("a", Secret("1"))
    driver.delete("a")

    second = driver.put("a", Secret("2"))

    assert first.created == second.created
    assert first.updated
    assert second.updated
    assert first.updated < second.updated


def test_expect_absent(tmp_path: Path) -> None:
    """ABSENT writes where nothing lives, a deleted name included, and is AlreadyExists elsewhere."""
    driver = opened(tmp_path)
    driver.put("a", Secret("1"), expect=ABSENT)

    with pytest.raises(AlreadyExists):
        driver.put("a", Secret("2"), expect=ABSENT)
    driver.delete("a")
    driver.put("a", Secret("3"), expect=ABSENT)

    assert text(driver, "a") == "3"


def test_expect_present(tmp_path: Path) -> None:
    """PRESENT never creates, and never writes to a deleted name."""
    driver = opened(tmp_path)
    driver.setup()

    with pytest.raises(NotFound):
        driver.put("a", Secret("1"), expect=PRESENT)
    driver.put("a", Secret("1"))
    driver.put("a", Secret("2"), expect=PRESENT)
    assert text(driver, "a") == "2"
    driver.delete("a")
    with pytest.raises(NotFound):
        driver.put("a", Secret("3"), expect=PRESENT)


def test_expect_a_version(tmp_path: Path) -> None:
    """A version that is current is replaced; a stale one, or one of nothing, is Conflict."""
    driver = opened(tmp_path)
    first = driver.put("a", Secret("1"))
    driver.put("a", Secret("2"), expect=first.version)

    for name in ("a", "b"):
        with pytest.raises(Conflict):
            driver.put(name, Secret("3"), expect=first.version)

    assert text(driver, "a") == "2"


def test_a_version_is_never_seen_twice(tmp_path: Path) -> None:
    """Each write has a new version and a higher number: after delete, restore and purge as well."""
    driver = opened(tmp_path)
    seen = [driver.put("a", Secret("1")).version]
    driver.delete("a")
    seen += [driver.stat("a").version, driver.restore("a").version]
    driver.delete("a", purge=True)
    seen.append(driver.put("a", Secret("1")).version)

    assert [version.split(".")[0] for version in seen] == ["1", "2", "3", "5"]
    assert len(seen) == len(set(seen))


def test_delete_and_restore(tmp_path: Path) -> None:
    """A deleted name reads as missing, is listed as deleted only, and comes back with value, stamp and tags."""
    driver = opened(tmp_path)
    driver.put("a", Secret("1"), stamp="st", tags={"k": "v"})
    driver.put("b", Secret("2"))
    driver.delete("a")
    driver.delete("a")

    with pytest.raises(NotFound):
        driver.get("a")
    assert driver.stat("a").state == "deleted"
    assert names(driver) == ["b"]
    assert names(driver, deleted=True) == ["a"]
    restored = driver.restore("a")
    assert (restored.stamp, restored.tags) == ("st", {"k": "v"})
    assert text(driver, "a") == "1"


def test_restore_of_what_is_not_deleted(tmp_path: Path) -> None:
    """A name that lives, never was or was purged cannot be restored."""
    driver = opened(tmp_path)
    for name in ("a", "gone"):
        driver.put(name, Secret("1"))
    driver.delete("gone", purge=True)

    for name in ("a", "b", "gone"):
        with pytest.raises(NotFound):
            driver.restore(name)


def test_purge(tmp_path: Path) -> None:
    """A purge leaves one line without a value, also of a deleted name, and the name reads as if it never was."""
    driver = opened(tmp_path)
    old = driver.put("a", Secret("1"))
    driver.put("a", Secret("2"))
    driver.delete("a")
    driver.delete("a", purge=True)
    after = lines(tmp_path)
    driver.delete("a", purge=True)

    assert after == lines(tmp_path)
    assert [json.loads(line)["state"].encode() for line in after if line.startswith(b'{"name"')] == [b"purged"]
    assert names(driver) + names(driver, deleted=True) == []
    for read in (driver.get, driver.stat, driver.versions, lambda name: driver.get(name, old.version)):
        with pytest.raises(NotFound):
            read("a")


def test_versions(tmp_path: Path) -> None:
    """Versions are newest first, each readable by its token, also while the name is deleted."""
    driver = opened(tmp_path)
    tokens = [driver.put("a", Secret(str(number))).version for number in range(3)]
    driver.delete("a")

    assert tokens[::-1] == [entry.version for entry in driver.versions("a")]
    assert [text(driver, "a", token) for token in tokens] == ["0", "1", "2"]
    with pytest.raises(NotFound):
        driver.get("a", "7.0123456789ab")


@pytest.mark.parametrize("keep", [1, 10])
def test_keep_versions(tmp_path: Path, keep: int) -> None:
    """A name keeps its newest ten versions, or as many as the option says."""
    driver = store_type().open(target_in(tmp_path, options={"keep_versions": str(keep)}))

    for number in range(12):
        driver.put("a", Secret(str(number)))

    kept = [text(driver, "a", entry.version) for entry in driver.versions("a")]
    assert [str(11 - number) for number in range(keep)] == kept


def test_tombstones_of_90_days(tmp_path: Path) -> None:
    """A tombstone is dropped by the first rewrite after 90 days, and all of its name with it."""
    driver = opened(tmp_path)
    driver.put("a", Secret("1"))
    driver.delete("a")
    driver.put("b", Secret("1"))
    assert sum(b'"a"' in line for line in lines(tmp_path)) == 2
    age_of_tombstones(tmp_path, timedelta(days=91))

    driver.put("b", Secret("2"))

    assert sum(b'"a"' in line for line in lines(tmp_path)) == 0
    assert text(driver, "b") == "2"


def age_of_tombstones(folder: Path, age: timedelta) -> None:
    """Write the tombstones of a store file again as if they had been written *age* ago."""
    from tailorsecrets_file import line
    from tailorsecrets_file.store_file import StoreFile

    path = folder / NAME
    snapshot = StoreFile(target_in(folder)).snapshot()
    for raw in path.read_bytes().splitlines():
        if b'"state":"deleted"' in raw:
            metadata = line.parse(raw).metadata
            time = (datetime.fromisoformat(metadata.time) - age).isoformat(timespec="microseconds")
            older = metadata._replace(time=time.replace("+00:00", "Z"))
            again = line.seal(older, Secret(""), snapshot.key, snapshot.file_id, b"nonce of 12b")
            path.write_bytes(path.read_bytes().replace(raw, again))


def test_list_keeps_to_its_prefix(tmp_path: Path) -> None:
    """A prefix is a prefix of characters, and the order is that of the names."""
    driver = opened(tmp_path)
    with driver.transaction():
        for name in ("w/api/b", "w/api/a", "w/api-old/a", "v/api/a", "w/é", "w/\U0001f511", "w/\\"):
            driver.put(name, Secret(""))

    assert names(driver, "w/api/") == ["w/api/a", "w/api/b"]
    assert names(driver, "w/api") == ["w/api-old/a", "w/api/a", "w/api/b"]
    assert names(driver, "w/é") == ["w/é"]
    assert names(driver, "w/\U0001f511") == ["w/\U0001f511"]
    assert names(driver, "w/\\") == ["w/\\"]
    assert len(names(driver)) == 7


def test_get_many(tmp_path: Path) -> None:
    """Each name has its own answer, a value or the reason that there is none."""
    driver = opened(tmp_path)
    driver.put("a", Secret("1"))
    driver.put("b", Secret("2"))
    driver.delete("b")

    answers = driver.get_many(["a", "b", "c"])

    assert list(answers) == ["a", "b", "c"]
    assert driver.get("a") == answers["a"]
    assert isinstance(answers["b"], NotFound)
    assert isinstance(answers["c"], NotFound)


def test_a_transaction_is_one_rewrite(tmp_path: Path) -> None:
    """The writes of a transaction reach the file at its end, at once, and its own reads see them before."""
    driver = opened(tmp_path)
    other = opened(tmp_path)
    driver.put("a", Secret("1"))
    before = lines(tmp_path)

    with driver.transaction(), driver.transaction():
        driver.put("a", Secret("2"))
        driver.put("b", Secret("3"))
        assert (text(driver, "a"), text(driver, "b")) == ("2", "3")
        assert text(other, "a") == "1"
        assert before == lines(tmp_path)

    assert (text(other, "a"), text(other, "b")) == ("2", "3")


def test_a_transaction_that_fails_writes_nothing(tmp_path: Path) -> None:
    """An exception drops all writes of its transaction, and the driver goes on."""
    driver = opened(tmp_path)
    driver.put("a", Secret("1"))
    before = lines(tmp_path)

    with pytest.raises(ZeroDivisionError):
        put_and_fail(driver)

    assert before == lines(tmp_path)
    assert text(driver, "a") == "1"
    driver.put("a", Secret("3"))
    assert text(driver, "a") == "3"


def put_and_fail(driver: Driver) -> None:
    """Put in a transaction that fails."""
    with driver.transaction():
        driver.put("a", Secret("2"))
        raise ZeroDivisionError


def test_nothing_to_write_is_no_write(tmp_path: Path) -> None:
    """Deleting what is not there, and an empty transaction, leave the file alone."""
    driver = opened(tmp_path)
    driver.setup()
    before = disk.signature(str(tmp_path / NAME))

    driver.delete("a")
    driver.delete("a", purge=True)
    with driver.transaction():
        driver.delete("a")

    assert disk.signature(str(tmp_path / NAME)) == before


def test_lone_surrogates_are_no_value(tmp_path: Path) -> None:
    """Half of a surrogate pair is refused, and the error hangs on nothing that holds the value."""
    driver = opened(tmp_path)

    with pytest.raises(ValueInvalid) as caught:
        driver.put("a", Secret("canary\ud800"))

    assert caught.value.__context__ is None
    assert "canary" not in str(caught.value)


def test_a_newer_format_is_unsupported(tmp_path: Path) -> None:
    """A file whose format number is higher is Unsupported, and the remedy is an upgrade."""
    driver = opened(tmp_path)
    driver.setup()
    newer = (tmp_path / NAME).read_bytes().replace(b'{"tailorsecrets":1', b'{"tailorsecrets":2')
    (tmp_path / NAME).write_bytes(newer + b'{"what":"ever"}\n')

    with pytest.raises(Unsupported, match="format 2") as caught:
        driver.get("a")

    assert "upgrade" in caught.value.hint


def test_unknown_errors_explain_as_the_base(tmp_path: Path) -> None:
    """An exception that is not the disk's or ours has no particular meaning."""
    assert SecretsError is opened(tmp_path).explain(ZeroDivisionError(), "get").kind
