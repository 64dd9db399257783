"""No value is in the file, in anything that is printed, or in an error."""

import logging
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from tailorsecrets.driver import ABSENT, PRESENT, Driver
from tailorsecrets.errors import SecretsError
from tailorsecrets.secret import Secret
from tests.support.file.opening import opened, store_type, target_in

CANARY = "canary-4711"


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    """Return a driver whose secrets are canaries, also the deleted and the older ones."""
    driver = opened(tmp_path)
    for name in ("a", "b", "c"):
        driver.put(name, Secret(f"{CANARY} {name} 1"), stamp="st", tags={"k": "v"})
        driver.put(name, Secret(f"{CANARY} {name} 2"))
    driver.delete("c")
    driver.delete("b", purge=True)
    return driver


def test_no_value_on_the_disk(tmp_path: Path, driver: Driver) -> None:
    """No file that the store makes holds a value, as it is, in Base64 or in hex."""
    import base64

    driver.stat("a")
    forms = [CANARY.encode(), CANARY.encode().hex().encode()]
    forms += [base64.b64encode(b"x" * shift + CANARY.encode())[4:-4] for shift in range(3)]

    files = [path for path in tmp_path.rglob("*") if path.is_file()]

    assert len(files) >= 2
    assert [(path, form) for path in files for form in forms if form in path.read_bytes()] == []


def test_no_value_in_what_is_returned(driver: Driver) -> None:
    """Entries, stored values and answers print and pickle nothing."""
    shown = [driver.get("a"), driver.stat("a"), *driver.list(""), *driver.versions("a"), driver.get_many(["a", "c"])]

    assert CANARY not in repr(shown)
    with pytest.raises(TypeError):
        pickle.dumps(driver.get("a"))


def errors(driver: Driver, other: Driver) -> list[BaseException]:
    """Return an error of every operation."""
    calls: list[Callable[[], object]] = [
        lambda: driver.get("c"),
        lambda: driver.get("a", "1.nonsense"),
        lambda: driver.put("a", Secret(CANARY), expect=ABSENT),
        lambda: driver.put("b", Secret(CANARY), expect=PRESENT),
        lambda: driver.put("a", Secret(CANARY), expect="1.nonsense"),
        lambda: driver.put("a", Secret(f"{CANARY}\ud800")),
        lambda: driver.restore("a"),
        lambda: driver.versions("b"),
        lambda: other.get("a"),
        lambda: other.put("a", Secret(CANARY)),
    ]
    caught: list[BaseException] = []
    for call in calls:
        with pytest.raises(SecretsError) as info:
            call()
        caught.append(info.value)
    return caught


def test_no_value_in_an_error(tmp_path: Path, driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
    """No error, cause, context, local variable of its traceback or log record holds a value."""
    stranger = store_type().open(target_in(tmp_path, environ={"XDG_CONFIG_HOME": "/nowhere"}))

    with caplog.at_level(logging.DEBUG):
        caught = errors(driver, stranger)

    for error in caught:
        lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
        ours = [line for line in lines if "/plugins/" in line]  # the frames of this test hold the canary themselves
        assert ours
        assert CANARY not in "".join(ours)
        assert CANARY not in f"{error!r} {error.__cause__!r} {error.__context__!r}"
    assert CANARY not in caplog.text
