"""``app list``, ``emit``, ``call`` and ``run``."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.shell import PROGRAM, Shell

EVENT = '{"kind": "recordCreated", "type": "Order", "new_record": {"id": 7}}'
APP = """
from tailorsecrets import define_secret_manager
from tailorsecrets.app import *

secrets = define_secret_manager({"api-keys": {"stripe-key": None}})
print("imported")

def created(name, body, **more):
    trigger = record_created_trigger(type="Order")
    return create_executor(name=name, trigger=trigger, operation={"kind": "function", "body": body}, **more)

def broken(event):
    raise ValueError("canary")

async def key(input, new_record=None):
    print("called")
    return [await secrets.aget("api-keys", "stripe-key"), input]

flow = create_workflow(name="bill", main_job=create_workflow_job(name="main", body=lambda args: {"billed": args}))
app = App(
    secrets,
    created("works", lambda new_record: new_record["id"]),
    created("broken", broken),
    created("resting", broken, disabled=True),
    create_executor(
        name="nightly",
        trigger=schedule_trigger(cron="0 3 * * *"),
        operation={"kind": "workflow", "workflow": flow, "args": lambda time: time.year > 2000},
    ),
    create_resolver(name="key", body=key, input=int),
    create_resolver(name="raises", body=broken),
)
good = App(secrets, created("works", lambda: None))
number = 3
"""

COLLECTING = """
import gc
from tailorsecrets import define_secret_manager
from tailorsecrets.app import App, create_resolver

secrets, seen = define_secret_manager({}), [gc.isenabled()]
app = App(secrets, create_resolver(name="state", body=lambda input: [*seen, gc.isenabled(), gc.get_freeze_count()]))
"""


@pytest.fixture
def shell(shell: Shell) -> Iterator[Shell]:
    """Return a command line with a store, and with an app in the module ``orders``."""
    (shell.folder / "orders.py").write_text(APP)
    yield shell
    sys.modules.pop("orders", None)


def store(shell: Shell) -> list[str]:
    """Return the options that choose the store."""
    return ["--app", "orders:app", "--store", f"file:{shell.folder}/.tailorsecrets/secrets.jsonl"]


def test_list(shell: Shell) -> None:
    """A list shows each thing with its trigger and its operation; prints of the module go to stderr."""
    done = shell("app", "list", "--app", "orders:app")
    assert [line.split()[:2] for line in done.out.splitlines()[1:]] == [
        ["executor", "works"],
        ["executor", "broken"],
        ["executor", "resting"],
        ["executor", "nightly"],
        ["resolver", "key"],
        ["resolver", "raises"],
        ["workflow", "bill"],
    ]
    assert "cron 0 3 * * * (UTC)  workflow bill" in done.out
    assert "imported" in done.err


def test_list_as_json(shell: Shell) -> None:
    """The same is there for programs."""
    rows = shell("app", "list", "--app", "orders:app", "--json").data
    assert rows[2] == {
        "kind": "executor",
        "name": "resting",
        "trigger": "Order created",
        "operation": "function",
        "disabled": True,
    }


def test_emit(shell: Shell) -> None:
    """Each executor that matches has a line; a failed one makes the exit code 1, and its own message is not shown."""
    done = shell("app", "emit", EVENT, "--app", "orders:app")
    works, broken = done.out.splitlines()
    assert (done.code, works) == (1, "works: done")
    assert broken.startswith("broken: failed: executor broken: ValueError, ")
    assert "canary" not in done.out + done.err


def test_emit_from_stdin(shell: Shell) -> None:
    """An event comes in a pipe, too, and outcomes are JSON for programs."""
    done = shell("app", "emit", "--app", "orders:app", "--json", stdin=EVENT.encode())
    assert done.data[0] == {"executor": "works", "ok": True, "value": 7, "error": None}
    assert done.data[1]["error"]["code"] == "BODY_FAILED"


def test_emit_where_all_goes_well(shell: Shell) -> None:
    """The exit code is 0 when nothing failed, also where no trigger matches."""
    assert shell("app", "emit", EVENT, "--app", "orders:good").code == 0
    done = shell("app", "emit", EVENT.replace("Order", "Invoice"), "--app", "orders:good")
    assert (done.code, done.out) == (0, "")
    assert "no executor has a trigger that matches" in done.err


@pytest.mark.parametrize(("event", "problem"), [("{", "not a JSON document"), ("{}", "an event must have a kind")])
def test_emit_what_is_no_event(shell: Shell, event: str, problem: str) -> None:
    """Anything but an event is refused before the app is imported."""
    done = shell("app", "emit", event, "--app", "orders:app")
    assert done.code == 1
    assert problem in done.err
    assert "imported" not in done.err


def test_call(shell: Shell) -> None:
    """A resolver reads from the store of the options; stdout has its result and nothing else."""
    done = shell("app", "call", "key", "5", *store(shell))
    assert done.data == ["sk_live", 5]
    assert "called" in done.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["key", '"x"'], "error[INPUT_INVALID]: resolver key: input: expected int, got str"),
        (["other"], "error[CONFIG_INVALID]: the app has no resolver 'other'"),
        (["raises"], "error[BODY_FAILED]: resolver raises: ValueError, "),
    ],
)
def test_call_that_fails(shell: Shell, words: list[str], problem: str) -> None:
    """What goes wrong with a call is one line, with no message of the body's exception."""
    done = shell("app", "call", *words, *store(shell))
    assert (done.code, done.out) == (1, "")
    assert problem in done.err
    assert "canary" not in done.err


def test_run(shell: Shell) -> None:
    """A workflow is started with args; an executor with a schedule runs as if its time had come."""
    assert shell("app", "run", "bill", '{"id": 1}', "--app", "orders:app").data == {"billed": {"id": 1}}
    assert shell("app", "run", "nightly", "--app", "orders:app", "-j").data[0]["value"] == {"billed": True}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("other", "the app has no workflow or executor 'other'\nhint: workflows: bill; executors: works, broken,"),
        ("bil", "hint: did you mean 'bill'? workflows: bill; executors: "),
        ("works", "its trigger is Order created"),
    ],
)
def test_run_that_fails(shell: Shell, name: str, problem: str) -> None:
    """Only workflows and schedules can be run by name."""
    done = shell("app", "run", name, "--app", "orders:app")
    assert done.code == 1
    assert problem in done.err


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("orders", "--app orders: not an app"),
        ("orders:number", "not a tailorsecrets.app.App"),
        ("orders:other", "not a tailorsecrets.app.App"),
        ("nothing_like_it:app", "No module named 'nothing_like_it'"),
        ("raising:app", "error[BODY_FAILED]: --app raising:app: ValueError, "),
        ("leaving:app", "error[BODY_FAILED]: --app leaving:app: SystemExit, "),
    ],
)
def test_what_is_no_app(shell: Shell, spec: str, problem: str) -> None:
    """A module that is not there, raises or has no app is one line that says so."""
    (shell.folder / "raising.py").write_text("raise ValueError('canary')")
    (shell.folder / "leaving.py").write_text("raise SystemExit(3)")
    done = shell("app", "list", "--app", spec)
    assert (done.code, done.out) == (1, "")
    assert problem in done.err
    assert "canary" not in done.err


def test_the_garbage_of_an_app_is_collected(shell: Shell) -> None:
    """Garbage collection is off in the command, but on for the module and the bodies of an app."""
    (shell.folder / "state.py").write_text(COLLECTING)
    argv = [PROGRAM, "app", "call", "state", "--app", "state:app"]
    done = subprocess.run(argv, cwd=shell.folder, env=shell.environ, capture_output=True, text=True, check=True)
    *enabled, frozen = json.loads(done.stdout)
    assert enabled == [True, True]
    assert frozen < 1000  # Python 3.12 itself freezes some


def test_the_real_command(shell: Shell) -> None:
    """The command itself finds the module in its folder, and the store in its environment."""
    argv = [PROGRAM, "app", "call", "key", "5", "--app", "orders:app"]
    environ = {**shell.environ, "TAILORSECRETS_STORE": "file:.tailorsecrets/secrets.jsonl"}
    done = subprocess.run(argv, cwd=shell.folder, env=environ, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["sk_live", 5]
