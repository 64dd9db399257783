"""``check``: whether all declared secrets can be read."""

from dataclasses import replace

import pytest

from tailorsecrets.errors import Unavailable
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import Shell


def test_all_is_there(managed: Shell) -> None:
    """Every readable secret is a line, and the exit code is 0; no value is shown."""
    done = managed("check")
    assert (done.code, done.out, done.err) == (0, "ok       api-keys/stripe-key\n", "")


def test_missing_secrets(managed: Shell) -> None:
    """A missing secret, also an external one, has a line like the others, and the exit code is 1."""
    managed.declare('{"api-keys": {"stripe-key": env("STRIPE_KEY")}}', ', external={"partner": ["token"]}')
    done = managed("check")
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines() == ["ok       api-keys/stripe-key", "FAILED   partner/token: SECRET_NOT_FOUND"]
    assert managed("check", "--json").data == [
        {"name": "api-keys/stripe-key", "ok": True, "code": None},
        {"name": "partner/token", "ok": False, "code": "SECRET_NOT_FOUND"},
    ]


def test_a_wrong_key_is_not_a_missing_secret(managed: Shell) -> None:
    """Without the key of the store each secret is refused as unauthenticated, and none is reported as missing."""
    done = managed("check", "--json", XDG_CONFIG_HOME=str(managed.folder / "elsewhere"))
    assert (done.code, [row["code"] for row in done.data]) == (1, ["UNAUTHENTICATED"])


def test_an_empty_config(managed: Shell) -> None:
    """A config without secrets has nothing to check."""
    managed.declare("{}")
    assert (managed("check").code, managed("check").out) == (0, "")


@pytest.mark.parametrize("batch", [1, 20])
def test_a_dead_store(memory: Shell, batch: int) -> None:
    """After the first outage the other secrets are not tried: the check ends after the wait of a few of them."""
    memory.declare(str({"api-keys": {f"key-{number:02}": "x" for number in range(50)}}))
    assert memory("apply", "--yes").code == 0
    DRIVERS["here"].caps = replace(DRIVERS["here"].caps, batch=batch)
    DRIVERS["here"].fail("", Unavailable)
    before = len(DRIVERS["here"].calls)
    done = memory("check")
    asked = {call.name for call in DRIVERS["here"].calls[before:]}
    lines = done.out.splitlines()
    assert (done.code, len(lines)) == (1, 50)
    assert len(asked) < 10  # a batch has no name
    assert lines[0].startswith("FAILED   api-keys/key-00: UNAVAILABLE")
    assert lines[-1] == "UNTRIED  api-keys/key-49"
    rows = memory("check", "--json").data
    assert {(row["ok"], row["code"]) for row in rows} == {(False, "UNAVAILABLE")}
    DRIVERS["here"].heal()
    assert [row["ok"] for row in memory("check", "--json").data] == [True] * 50
