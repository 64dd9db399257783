"""Errors of the store on the command line: denied, missing, stopped halfway, a release that fails."""

import errno
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tailorsecrets.cli import main
from tailorsecrets.errors import (
    Conflict,
    Corrupt,
    Denied,
    Disabled,
    SecretsError,
    Throttled,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import PROGRAM, Done, Shell

KEY = ("-V", "api-keys", "-n", "new-key")
STRIPE = ("-V", "api-keys", "-n", "stripe-key")
KINDS = [Denied, Disabled, Unauthenticated, Unavailable, Throttled, Conflict, Corrupt, Unsupported]


@pytest.fixture
def failing(memory: Shell) -> Shell:
    """Return a command line whose vault ``api-keys`` is managed by ``my-app``, in a store that can fail."""
    memory.declare('{"api-keys": {"stripe-key": "one", "other-key": "one"}}')
    assert memory("apply", "--json").code == 0
    return memory


def create(shell: Shell) -> Done:
    """Create a secret by hand."""
    return shell("secret", "create", *KEY, "--value-stdin", "--yes", "--json", stdin=b"x")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_code(failing: Shell, kind: type[SecretsError]) -> None:
    """Every error of a store has a stable code and exits with 1."""
    DRIVERS["here"].fail("get", kind)
    done = failing("secret", "get", "-V", "api-keys", "-n", "stripe-key", "--json")
    assert (done.code, done.out, done.error["code"]) == (1, "", kind.code)


@pytest.mark.parametrize("kind", [Denied, Unauthenticated, Corrupt])
def test_labels_that_cannot_be_read(failing: Shell, kind: type[SecretsError]) -> None:
    """Where the labels of the vault cannot be read, nothing is written."""
    for op in ("get", "get_many"):
        DRIVERS["here"].fail(op, kind)
    assert create(failing).error["code"] == kind.code
    DRIVERS["here"].heal()
    assert failing("secret", "get", *KEY, "--json").error["code"] == "SECRET_NOT_FOUND"


def test_release_fails(failing: Shell) -> None:
    """If the write is done and the release failed, the hint has the command for the release, with the same target."""
    DRIVERS["here"].fail("put", Denied, name="default/v/api-keys")
    done = failing("secret", "create", *KEY, "--value-stdin", "--yes", "-w", "default", stdin=b"x")
    assert (done.code, done.out) == (1, "")
    assert "error[RELEASE_FAILED]" in done.err
    assert "hint: run: tailorsecrets secret vault release api-keys --workspace-id default" in done.err
    DRIVERS["here"].heal()
    assert failing("secret", "get", *KEY).out == "x"
    assert failing("secret", "vault", "release", "api-keys", "-w", "default").code == 0


def test_halfway(memory: Shell) -> None:
    """An apply that fails halfway lists the steps that are done and those that are not; a rerun does those."""
    memory.environ["TAILORSECRETS_STORE"] = "memory://here?timeout=0.3&transactions=0"
    memory.declare('{"aaa-keys": {"one-key": "canary-1"}, "bbb-keys": {"two-key": "canary-2"}}')
    memory("secret", "vault", "list")
    DRIVERS["here"].fail("put", Denied, name="default/bbb-keys/two-key", hint="ask for the right to write")
    done = memory("apply")
    assert done.code == 1
    assert "done:\n  create aaa-keys\n  create bbb-keys\n  create aaa-keys/one-key\n" in done.err
    assert "not done:\n  create bbb-keys/two-key (PERMISSION_DENIED)\n" in done.err
    assert "error[PERMISSION_DENIED]: 1 of 4 steps were not done: secret bbb-keys/two-key" in done.err
    assert "hint: ask for the right to write" in done.err
    document = json.loads(memory("apply", "--json").err.splitlines()[-1])
    assert (document["done"], document["notDone"]) == ([], ["bbb-keys/two-key"])
    DRIVERS["here"].heal()
    assert memory("apply", "--json").data["summary"]["create"] == 1


@pytest.mark.parametrize(
    "words",
    [
        ("apply", "--yes"),
        ("secret", "create", *KEY, "--value-stdin", "--yes"),
        ("secret", "update", *STRIPE, "--value-stdin", "--yes"),
        ("secret", "rollback", *STRIPE, "--to", "OLD", "--yes"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_write_without_its_stamp(failing: Shell, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    """The note of a store on a write that is done but lacks something is shown, and the write counts as done."""
    driver = DRIVERS["here"]
    put = driver.put
    monkeypatch.setattr(driver, "put", lambda *args, **options: replace(put(*args, **options), note="it has no stamp"))
    failing.declare('{"api-keys": {"stripe-key": "two", "other-key": "one"}}')
    old = failing("secret", "history", *STRIPE, "--json").data[0]["version"]
    done = failing(*(old if word == "OLD" else word for word in words), stdin=b"x")
    path = "api-keys/new-key" if "create" in words else "api-keys/stripe-key"
    assert done.code == 0
    assert f"note: {path}: it has no stamp\n" in done.err


def lost(memory: Shell, *, readable: bool) -> Done:
    """Apply two secrets where the answer to the write of the second is lost."""
    memory.environ["TAILORSECRETS_STORE"] = "memory://here?timeout=0.3&transactions=0"
    memory.declare('{"api-keys": {"one-key": "x"}}')
    assert memory("apply").code == 0
    memory.declare('{"api-keys": {"one-key": "x", "two-key": "x"}}')
    DRIVERS["here"].lose_answer("put", name="default/api-keys/two-key")
    if not readable:
        for op in ("stat", "get", "get_many"):
            DRIVERS["here"].fail(op, Unavailable, name="default/api-keys/two-key")
    return memory("apply", "--json")


def test_a_lost_answer(memory: Shell) -> None:
    """A write whose answer was lost and that the store shows is done."""
    done = lost(memory, readable=True)
    assert (done.code, done.data["summary"]["create"]) == (0, 1)


def test_an_unknown_outcome(memory: Shell) -> None:
    """A write whose answer was lost and that the store cannot show is reported as unknown, not as done or not done."""
    done = lost(memory, readable=False)
    document = json.loads(done.err.splitlines()[-1])
    names = {key: document[key] for key in ("done", "notDone", "unknown")}
    assert (done.code, names) == (1, {"done": [], "notDone": [], "unknown": ["api-keys/two-key"]})
    assert document["error"]["message"].startswith("1 of 1 steps may be done: ")
    DRIVERS["here"].heal()
    DRIVERS["here"].lose_answer("put", name="default/api-keys/three-key")
    for op in ("stat", "get", "get_many"):
        DRIVERS["here"].fail(op, Unavailable, name="default/api-keys/three-key")
    memory.declare('{"api-keys": {"one-key": "x", "two-key": "x", "three-key": "x"}}')
    done = memory("apply")
    assert "done:\n  nothing\nunknown:\n  create api-keys/three-key (UNAVAILABLE)\nerror[UNAVAILABLE]: " in done.err


def test_all_or_nothing(failing: Shell) -> None:
    """In a store with transactions an outage means that nothing is done."""
    failing.declare('{"api-keys": {"stripe-key": "two", "other-key": "two"}}')
    DRIVERS["here"].fail("put", Unavailable)
    document = json.loads(failing("apply", "--json").err.splitlines()[-1])
    assert (document["done"], len(document["notDone"])) == ([], 2)
    assert document["error"]["code"] == "UNAVAILABLE"


def test_compared_by_value(memory: Shell) -> None:
    """A store without stamps is compared by value, and the plan says so on stderr."""
    memory.environ["TAILORSECRETS_STORE"] = "memory://here?stamps=0"
    memory.declare('{"api-keys": {"stripe-key": "one"}}')
    assert memory("apply").code == 0
    done = memory("apply", "-d", "-j")
    assert done.data == {
        "summary": {"create": 0, "update": 0, "delete": 0},
        "changes": [],
        "warnings": [],
        "conflicts": [],
    }
    assert "note: the store keeps no stamps (fingerprints of values)" in done.err


def test_an_escaped_value(memory: Shell) -> None:
    """Where a store cannot hold a value as it is, the plan warns for that secret."""
    memory.environ["TAILORSECRETS_STORE"] = "memory://here?empty=0"
    memory.declare('{"api-keys": {"empty-key": "", "stripe-key": "x"}}')
    done = memory("apply")
    assert "note: other tools read tailorsecrets:= before the value of api-keys/empty-key\n" in done.err
    assert "stripe-key" not in done.err
    assert memory("secret", "get", "-V", "api-keys", "-n", "empty-key").out == ""


def test_unknown_stores_and_options(empty: Shell) -> None:
    """A scheme that no plugin opens, an unknown option and a credential in a URL are errors."""
    for url, message in (
        ("nope://x", "no store plugin opens nope:"),
        ("file:x?colour=red", "unknown option colour"),
        ("vault://user:hunter2@host", "credential"),
        ("aws://eu-west-1?secret_access_key=hunter2", "unknown option secret_access_key"),
        ("no-scheme", "begins with a scheme"),
    ):
        done = empty("secret", "vault", "list", "--store", url, "--json")
        assert (done.code, done.error["code"]) == (1, "CONFIG_INVALID")
        assert message in done.error["message"]
        done = empty("secret", "vault", "create", "api-keys", "--store", url)
        assert message in done.err
        assert "hunter2" not in done.err


class Full(io.StringIO):
    """A stream on a full disk."""

    def flush(self) -> None:
        """Fail."""
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk(shell: Shell) -> None:
    """Output that cannot be written is a plain error."""
    done = shell("secret", "vault", "list", stdout=Full())
    assert done.code == 1
    assert done.err == "error[OUTPUT_FAILED]: stdout cannot be written: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_device(shell: Shell) -> None:
    """The end of the process adds nothing to that error."""
    command = [PROGRAM, "secret", "vault", "list"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, cwd=shell.folder, env=shell.environ, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith("error[OUTPUT_FAILED]")


def interrupted_import() -> None:
    """Raise the exception that an import turns Ctrl-C into."""
    raise ImportError("canary") from KeyboardInterrupt()


def test_an_interrupt_behind_another_exception(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C that an import turned into another exception still ends with 130 and one line."""
    monkeypatch.setattr("tailorsecrets.cli.vault.show_list", lambda *_, **__: interrupted_import())
    done = shell("secret", "vault", "list")
    assert (done.code, done.err) == (130, "error[INTERRUPTED]: interrupted\n")


@pytest.mark.parametrize("words", ["apply", "generate", "app list --app tailor_config:app"])
def test_an_interrupt_in_a_config_or_an_app(shell: Shell, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the file of a config or of an app runs ends with 130 and one line too."""
    monkeypatch.delitem(sys.modules, "tailor_config", raising=False)
    (shell.folder / "tailor_config.py").write_text("raise ImportError('canary') from KeyboardInterrupt()")
    done = shell(*words.split())
    assert (done.code, done.err) == (130, "error[INTERRUPTED]: interrupted\n")


def test_an_interrupt_while_loading(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C before anything is loaded ends with 130 too; other exceptions are not taken for it."""
    monkeypatch.setattr("tailorsecrets.cli.process.run_process", lambda _: interrupted_import())
    assert main(["apply"]) == 130
    assert capsys.readouterr().err == "error[INTERRUPTED]: interrupted\n"
    monkeypatch.setattr("tailorsecrets.cli.process.run_process", lambda _: int("x"))
    with pytest.raises(ValueError, match="invalid literal"):
        main(["apply"])
