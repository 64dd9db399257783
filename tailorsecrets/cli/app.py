"""The group ``app``: cron, a job or a queue worker runs the executors, resolvers and workflows of an app."""

import json
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tailorsecrets.cli import exits
from tailorsecrets.cli.commands import Group, command
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.loading import load_app
from tailorsecrets.cli.nearest import did_you_mean
from tailorsecrets.cli.printing import show_table
from tailorsecrets.errors import ConfigError, SecretsError

if TYPE_CHECKING:
    from tailorsecrets.app import App, Outcome

F = TypeVar("F", bound=Callable[..., object])


@click.group(
    "app",
    cls=Group,
    lazy={
        "list": ("app:list_", "List the executors, resolvers and workflows of the app."),
        "emit": ("app:emit", "Run the executors whose trigger matches an event."),
        "call": ("app:call", "Call a resolver and print its result as JSON."),
        "run": ("app:run", "Start a workflow and print its result as JSON."),
    },
    examples=("tailorsecrets app list --app orders:app", "tailorsecrets app run nightly-report --app orders:app"),
)
def group() -> None:
    """Run the executors, resolvers and workflows of an app, once.

    The app is a tailorsecrets.app.App in a module that can be imported from the working directory.
    """


def _app_option(function: F) -> F:
    return click.option(
        "--app", "spec", required=True, metavar="MODULE:NAME", help="The app: a module and a name in it."
    )(function)


@command("list", "tailorsecrets app list --app orders:app")
@_app_option
def list_(invocation: Invocation, spec: str) -> None:
    """List the executors, resolvers and workflows of the app."""
    app = load_app(invocation, spec)
    rows = [
        *(("executor", e.name, str(e.trigger), str(e.operation), e.disabled) for e in app.executors),
        *(("resolver", resolver.name, None, None, False) for resolver in app.resolvers),
        *(("workflow", workflow.name, None, workflow.main_job.name, False) for workflow in app.workflows),
    ]
    if invocation.json:
        keys = ("kind", "name", "trigger", "operation", "disabled")
        invocation.io.show_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        shown = [(*row[:4], "disabled" if row[4] else "") for row in rows]
        show_table(invocation, ("KIND", "NAME", "TRIGGER", "OPERATION", ""), shown)


@command(
    "emit",
    "tailorsecrets app emit --app orders:app < event.json",
    """tailorsecrets app emit --app orders:app '{"kind": "recordCreated", "type": "Order", "new_record": {"id": 1}}'""",
)
@click.argument("event", default="-", metavar="[EVENT]")
@_app_option
def emit(invocation: Invocation, event: str, spec: str) -> int:
    """Run the executors whose trigger matches an event.

    The command exits with 1 if one of them failed. EVENT is a JSON object with a kind (recordCreated, recordUpdated,
    recordDeleted, scheduled or incomingWebhook) and the fields of that event. Without EVENT, or with -, the command
    reads it from stdin.
    """
    from tailorsecrets.app import parse_event

    parsed = parse_event(_document(invocation, event))
    app = load_app(invocation, spec)
    return _report(invocation, _result(invocation, "emit", lambda: app.emit(parsed)))


@command("call", """tailorsecrets app call call-stripe '{"amount": 5}' --app orders:app""")
@click.argument("resolver")
@click.argument("input", default="null", metavar="[INPUT]")
@_app_option
def call(invocation: Invocation, resolver: str, input: str, spec: str) -> None:  # noqa: A002  # the argument's name
    """Call a resolver and print its result as JSON.

    INPUT is a JSON document, or - for stdin.
    """
    given = _document(invocation, input)
    app = load_app(invocation, spec)
    _show(invocation, _result(invocation, f"resolver {resolver}", lambda: app.call(resolver, given)))


@command("run", "tailorsecrets app run nightly-report --app orders:app")
@click.argument("name")
@click.argument("args", default="null", metavar="[ARGS]")
@_app_option
def run(invocation: Invocation, name: str, args: str, spec: str) -> int:
    """Start a workflow and print its result as JSON.

    ARGS is a JSON document, or - for stdin. If NAME is an executor with a schedule, it runs now and takes no ARGS.
    """
    given = _document(invocation, args)
    app = load_app(invocation, spec)
    _check_runnable(app, name)
    if name in {workflow.name for workflow in app.workflows}:
        _show(invocation, _result(invocation, f"workflow {name}", lambda: app.start(name, given)))
        return exits.DONE
    return _report(invocation, _result(invocation, name, lambda: _scheduled(app, name)))


def _check_runnable(app: "App", name: str) -> None:
    """Raise ConfigError where the app has no workflow and no executor with this *name*."""
    workflows, executors = ([thing.name for thing in things] for things in (app.workflows, app.executors))
    if name not in (*workflows, *executors):
        kinds = {"workflows": workflows, "executors": executors}
        known = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items() if names)
        hint = " ".join(filter(None, [did_you_mean(name, [*workflows, *executors]), known]))
        raise ConfigError(f"the app has no workflow or executor {name!r}", hint=hint)


def _scheduled(app: "App", name: str) -> "list[Outcome]":
    from tailorsecrets.app import Scheduled

    return app.emit(Scheduled(name, datetime.now(UTC)))


def _document(invocation: Invocation, text: str) -> Any:
    raw = invocation.io.stdin.read() if text == "-" else text
    try:
        return json.loads(raw)
    except ValueError:
        problem = "the argument is not a JSON document"
    raise ConfigError(problem, hint="it is not shown here, since it may hold a secret")


def _result(invocation: Invocation, name: str, do: Callable[[], Any]) -> Any:
    """Return the result of *do*. Prints of a body go to stderr, and its exceptions are reported without the message."""
    from tailorsecrets.app.outcome import failure

    try:
        with redirect_stdout(invocation.io.stderr):
            return do()
    except SecretsError:
        raise
    except Exception as exc:  # noqa: BLE001  # a body may raise anything
        error = failure(name, exc)
    raise error


def _report(invocation: Invocation, outcomes: "list[Outcome]") -> int:
    if invocation.json:
        _show(invocation, [_row(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            invocation.io.show(f"{outcome.executor}: {'done' if outcome.ok else f'failed: {outcome.error}'}")
        if not outcomes:
            invocation.io.say("no executor has a trigger that matches")
    return exits.DONE if all(outcome.ok for outcome in outcomes) else exits.ERROR


def _row(outcome: "Outcome") -> dict[str, Any]:
    error = {"code": outcome.error.code, "message": str(outcome.error)} if outcome.error else None
    return {"executor": outcome.executor, "ok": outcome.ok, "value": outcome.value, "error": error}


def _show(invocation: Invocation, value: Any) -> None:
    invocation.io.show(json.dumps(value, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)
