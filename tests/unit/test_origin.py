"""Where a plugin raised an exception, as --verbose shows it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tailorsecrets.driver import Caps, Driver, Entry, Problem, Stored
from tailorsecrets.errors import Denied, NotFound, SecretsError, Unavailable
from tailorsecrets.store.layers import Retry, stack
from tailorsecrets.store.origin import origin_of
from tailorsecrets.store.store import Store
from tests.support.shell import Shell


class Broken(Driver):
    """A driver that fails on each call: in an SDK, here the json module, or in its own code."""

    caps = Caps(lists=True)

    def get(self, name: str, version: str = "") -> Stored:
        """Fail in the SDK."""
        json.loads("sk_live")
        raise AssertionError

    def list(self, prefix: str, *, deleted: bool = False) -> Iterator[Entry]:
        """Fail by itself."""
        raise NotFound

    def explain(self, exc: Exception, op: str) -> Problem:
        """Call each of them an outage."""
        return Problem(Unavailable)


def line(text: str) -> int:
    """Return the number of the first line of this file that holds *text*."""
    return next(number for number, each in enumerate(Path(__file__).read_text().splitlines(), 1) if text in each)


def test_the_class_and_the_line_of_the_driver() -> None:
    """The origin is the SDK's class and the driver's line, not the SDK's; the message is not in it."""
    with pytest.raises(Unavailable) as caught:
        Store(Broken()).get("abc", "def")
    assert caught.value.origin == f"json.decoder.JSONDecodeError at {__file__}:{line('json.loads(')} in get"


def test_a_spent_retry_keeps_the_origin() -> None:
    """Repeats do not hide where the last answer came from."""
    with pytest.raises(Unavailable) as caught:
        Store(Retry(Broken(), timeout=0.01)).get("abc", "def")
    assert caught.value.origin.startswith("json.decoder.JSONDecodeError at ")
    assert not caught.value.retryable


def test_an_error_of_ours_that_a_driver_raises() -> None:
    """A driver that raises an error of ours is named too."""
    with pytest.raises(SecretsError) as caught:
        Store(stack(Broken())).list_secrets("abc")
    assert caught.value.origin == f"tailorsecrets.errors.NotFound at {__file__}:{line('raise NotFound')} in list"


def test_an_error_of_the_core_has_none() -> None:
    """What the core itself raises has no origin in a plugin."""
    assert origin_of(Denied("no")) == ""


def test_verbose_shows_it(shell: Shell) -> None:
    """The command line shows the origin with --verbose alone."""
    key = ("secret", "get", "-V", "api-keys", "-n", "stripe-key", "--store", "file:broken/secrets.jsonl")
    (shell.folder / "broken").mkdir()
    (shell.folder / "broken" / "secrets.jsonl").write_text("{damaged\n")
    raised = [line for line in shell(*key, "--verbose").err.splitlines() if line.startswith("raised: ")]
    assert len(raised) == 1
    assert "tailorsecrets_file/" in raised[0]
    assert "raised: " not in shell(*key).err


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Return a command line in an empty folder."""
    return Shell(tmp_path)
