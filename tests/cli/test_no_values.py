"""No output of a command has a value, whatever goes wrong: every value is a canary."""

import io
import logging
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.root import root
from tailorsecrets.cli.streams import Io
from tailorsecrets.errors import Conflict, Corrupt, Denied, SecretsError, Unavailable
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import Done, Shell
from tests.support.tree import leaves

CANARY = "cAnArY-7f3a9"
STRIPE = ("-V", "api-keys", "-n", "stripe-key")
FILE = ("--store", "file:dev.jsonl")
APP = ("--app", "orders:app", "--store", "memory://here?timeout=0.3")
CONFIG = """{"api-keys": {
    "stripe-key": env("STRIPE_KEY"), "file-key": file("key.pem"), "text-key": "CANARY", "made-key": generate()
}}"""
WORDS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("apply",): ("--yes",),
    ("status",): ("--html", "status.html"),
    ("diff",): ("memory://here?timeout=0.3", "memory://there"),
    ("show",): ("plan.json",),
    ("undo",): ("report.jsonl", "--yes"),
    ("rotate",): ("--older-than", "1h", "--yes"),
    ("copy",): ("memory://here?timeout=0.3", "memory://there", "--yes"),
    ("remove",): ("--yes",),
    ("secret", "create"): ("-V", "api-keys", "-n", "new-key", "--value-stdin", "--yes"),
    ("secret", "update"): (*STRIPE, "--value-stdin", "--yes"),
    ("secret", "list"): ("-V", "api-keys"),
    ("secret", "get"): STRIPE,
    ("secret", "history"): STRIPE,
    ("secret", "delete"): (*STRIPE, "--yes"),
    ("secret", "restore"): (*STRIPE, "--yes"),
    ("secret", "rollback"): (*STRIPE, "--to", "OLDEST", "--yes"),
    ("secret", "purge"): (*STRIPE, "--yes"),
    ("secret", "vault", "create"): ("new-vault",),
    ("secret", "vault", "delete"): ("new-vault", "--yes"),
    ("secret", "vault", "release"): ("api-keys",),
    ("secret", "vault", "adopt"): ("api-keys", "--yes"),
    ("file", "keys", "list"): FILE,
    ("file", "keys", "add"): ("--passphrase", *FILE),
    ("file", "keys", "remove"): ("SLOT", "--yes", *FILE),
    ("file", "rekey"): FILE,
    ("file", "trust"): ("--yes", *FILE),
    ("run",): ("-V", "api-keys", "--", "true"),
    ("export",): ("--format", "shell"),
    ("import",): (".env", "-V", "new-vault", "--yes"),
    ("inject",): ("app.tmpl",),
    ("where",): ("api-keys/stripe-key",),
    ("doctor",): (),
    ("policy",): ("--for", "read", "--store", "aws://eu-west-1"),
    ("plugin", "check"): ("memory://here?timeout=0.3", "--yes"),
    ("plugin", "new"): ("NEW",),
    ("app", "list"): APP,
    ("app", "emit"): ('{"kind": "recordCreated", "type": "Order", "new_record": {}}', *APP),
    ("app", "call"): ("key", *APP),
    ("app", "run"): ("bill", *APP),
    ("completion",): ("bash",),
}
BEFORE: dict[tuple[str, ...], tuple[tuple[str, ...], ...]] = {
    ("show",): (("plan", "--out", "plan.json"),),
    ("undo",): (("import", ".env", "-V", "new-vault", "--yes", "--report", "report.jsonl"),),
    ("secret", "restore"): (("secret", "delete", *STRIPE, "--yes"),),
    ("secret", "rollback"): (("secret", "update", *STRIPE, "--value-stdin", "--yes"),),
    ("secret", "vault", "delete"): (("secret", "vault", "create", "new-vault"),),
    ("file", "keys", "list"): (("apply", "--yes", *FILE),),
    ("file", "keys", "add"): (("apply", "--yes", *FILE),),
    ("file", "keys", "remove"): (("apply", "--yes", *FILE), ("file", "keys", "add", "--key-file", "ci.key", *FILE)),
    ("file", "rekey"): (("apply", "--yes", *FILE),),
    ("file", "trust"): (("apply", "--yes", *FILE),),
}
ORDERS = """
from tailorsecrets.app import *
from tailor_config import secrets

def key(new_record):
    assert secrets.get("api-keys", "stripe-key") == "CANARY"

app = App(
    secrets,
    create_executor(
        name="created",
        trigger=record_created_trigger(type="Order"),
        operation={"kind": "function", "body": key},
    ),
    create_resolver(name="key", body=lambda: key({})),
    create_workflow(name="bill", main_job=create_workflow_job(name="main", body=lambda: key({}))),
)
"""
SHOWN = {("secret", "get"), ("export",), ("inject",)}  # commands whose stdout is values
KINDS = [None, Denied, Unavailable, Conflict, Corrupt]


@contextmanager
def listening() -> Iterator[io.StringIO]:
    """Collect all logs and warnings."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logger = logging.getLogger()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield said
        said.writelines(str(warning) for warning in caught)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@pytest.fixture
def full(memory: Shell) -> Iterator[Shell]:
    """Give a command line whose store, config, environment and files are full of canaries."""
    (memory.folder / "key.pem").write_text(f"{CANARY}\n")
    (memory.folder / ".env").write_text(f"DATABASE_KEY={CANARY}\n")
    (memory.folder / "app.tmpl").write_text("key: {{ ts://api-keys/stripe-key }}")
    (memory.folder / "orders.py").write_text(ORDERS.replace("CANARY", CANARY))
    memory.environ["STRIPE_KEY"] = CANARY
    memory.declare(CONFIG.replace("CANARY", CANARY))
    assert memory("apply", "--yes").code == 0
    yield memory
    sys.modules.pop("orders", None)


def filled_in(full: Shell, word: str) -> str:
    """Return *word*, or the text that it is a placeholder for."""
    if word == "OLDEST":
        return str(full("secret", "history", *STRIPE, "--json").data[-1]["version"])
    if word == "SLOT":
        return next(
            str(key["id"]) for key in full("file", "keys", "list", *FILE, "--json").data if "ci.key" in str(key)
        )
    if word == "NEW":
        return f"demo{len(list(full.folder.iterdir()))}"
    return word


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__ if kind else "fine")
@pytest.mark.parametrize("path", leaves(), ids=" ".join)
def test_every_command(full: Shell, path: tuple[str, ...], kind: type[SecretsError] | None) -> None:
    """No command shows a value, on success or if the store fails, except those whose output is values."""
    for before in BEFORE.get(path, ()):
        assert full(*before, stdin=CANARY.encode()).code == 0
    words = [*path, *(filled_in(full, word) for word in WORDS.get(path, ())), "-e", ".env"]
    for options in ((), ("--json", "--verbose")):
        if kind:
            for op in ("get", "get_many", "list", "put", "delete", "restore", "versions"):
                DRIVERS["here"].fail(op, kind, times=1)
        with listening() as said:
            done = full(*words, *options, stdin=CANARY.encode())
        assert CANARY not in done.err + said.getvalue() + ("" if path in SHOWN else done.out)
        assert kind or options or done.code == 0


@pytest.mark.parametrize("stdin", [CANARY.encode() * 1000 + b"\xff", CANARY.encode() * 100_000], ids=["bytes", "large"])
@pytest.mark.parametrize("verb", ["create", "update"])
def test_values_that_cannot_be(full: Shell, verb: str, stdin: bytes) -> None:
    """A refused value is not shown, and its size is not shown."""
    with listening() as said:
        done = full("secret", verb, *STRIPE, "--value-stdin", "--verbose", stdin=stdin)
    assert done.code == 1
    assert CANARY not in done.out + done.err + said.getvalue()
    assert str(len(stdin)) not in done.err.replace(str(full.folder), "")


@pytest.mark.parametrize(
    "line",
    [
        "raise ValueError(VALUE)",
        "raise KeyError(VALUE)",
        "raise AttributeError(VALUE)",
        "raise NameError(VALUE)",
        "raise ImportError(VALUE)",
        "raise SystemExit(VALUE)",
        "raise type('Odd', (Exception,), {})(VALUE)",
        "{}[VALUE]",
        "int(VALUE)",
        "exec(f'{VALUE} +')",
        "import json; json.loads(VALUE)",
        "define_secret_manager({'api-keys': {'stripe-key': [VALUE]}})",
        "define_secret_manager({'api-keys': {'stripe-key': VALUE.encode()}})",
        "define_config('x', secrets=VALUE)",
        "define_config('x', env={'url': [VALUE]})",
        "try:\n    raise ValueError(VALUE)\nexcept ValueError:\n    raise RuntimeError",
    ],
)
def test_configs_that_raise(full: Shell, line: str) -> None:
    """An exception in the config shows its type and its place, never its message."""
    path = full.folder / "tailor_config.py"
    path.write_text(f"import os\nVALUE = os.environ['STRIPE_KEY']\n{path.read_text()}\n{line}\n")
    words = ("apply", "--dry-run", "--store", "file:none.jsonl")
    process = subprocess.run(
        [sys.executable, "-c", "import sys; from tailorsecrets.cli import main; sys.exit(main())", *words],
        cwd=full.folder,
        env=full.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    done = Done(process.returncode, process.stdout, process.stderr)
    for each in (done, full(*words, "--json"), full(*words, "--verbose")):
        assert each.code == 1
        assert "CONFIG_INVALID" in each.err
        assert CANARY not in each.out + each.err
        assert "Traceback" not in each.err


@pytest.mark.parametrize("path", [("apply",), ("secret", "create"), ("secret", "update")], ids=" ".join)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__ if kind else "unset")
def test_tracebacks_with_locals(full: Shell, path: tuple[str, ...], kind: type[SecretsError] | None) -> None:
    """Not even a traceback that prints all locals has a value in it."""
    full.declare('{"api-keys": {"stripe-key": env("DATABASE_KEY")}, "new-keys": {"new-key": env("NEW_KEY")}}')
    if kind:
        full.environ["NEW_KEY"] = CANARY
    for op in ("get", "get_many", "list", "put"):
        DRIVERS["here"].fail(op, kind or Denied)
    streams = Io(io.BytesIO(CANARY.encode()), io.StringIO(), io.StringIO(), full.environ, full.folder)
    with pytest.raises(SecretsError) as raised:  # noqa: PT012  # both lines are what a command is
        context = root.make_context("tailorsecrets", [*path, *WORDS[path], "-e", ".env"], obj=Invocation(streams))
        root.invoke(context)
    trace = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    frames = [text for frame, text in zip(trace.stack, trace.stack.format(), strict=True) if frame.filename != __file__]
    assert any("invocation = " in text for text in frames)
    assert CANARY not in "".join(frames)


def test_no_child_is_given_a_value(full: Shell) -> None:
    """The command starts no other process, so none has a value in its arguments."""
    code = "import sys; sys.addaudithook(lambda event, _: print(event) if event in ('subprocess.Popen', 'os.exec',"
    code += " 'os.posix_spawn', 'os.system', 'os.fork') else None);"
    code += "from tailorsecrets.cli import main; sys.exit(main())"
    full.environ["TAILORSECRETS_STORE"] = "file:dev.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", code, "apply", "--yes"],
        cwd=full.folder,
        env=full.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("Vaults:\n")


def test_no_file_but_the_store_is_written(full: Shell) -> None:
    """A value is only in the files that it came from: not in the store file or in a file beside it."""
    sources = {path for path in full.folder.rglob("*") if path.is_file()}
    full.environ["TAILORSECRETS_STORE"] = "file:dev.jsonl"
    assert full("apply", "--yes").code == 0
    written = {path for path in full.folder.rglob("*") if path.is_file()} - sources
    assert Path(full.folder / "dev.jsonl") in written
    assert [path for path in written if CANARY.encode() in path.read_bytes()] == []
