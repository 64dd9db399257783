"""Events, calls and workflows as they run: who answers, with what, and what a failure does."""

import pickle
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from tailorsecrets import ConfigError, Denied, SecretsError, define_config
from tailorsecrets.app import (
    App,
    BodyFailed,
    Event,
    Executor,
    IncomingWebhook,
    InputInvalid,
    Outcome,
    OutputInvalid,
    RecordCreated,
    RecordDeleted,
    RecordUpdated,
    Scheduled,
    create_executor,
    create_resolver,
    create_workflow,
    create_workflow_job,
    incoming_webhook_trigger,
    parse_event,
    record_created_trigger,
    record_deleted_trigger,
    record_updated_trigger,
    schedule_trigger,
)
from tests.support.web import BACKENDS, CANARY, manager

Run = Callable[..., Any]
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
MADE = RecordCreated("Order", "new")


@pytest.fixture(params=["plain", *BACKENDS])
def run(request: pytest.FixtureRequest) -> Run:
    """Return each way of running a method of an app, by its plain name."""

    def plainly(app: App, method: str, *args: Any) -> Any:
        return getattr(app, method)(*args)

    def on_a_loop(app: App, method: str, *args: Any) -> Any:
        return anyio.run(getattr(app, f"a{method}"), *args, backend=request.param)

    return plainly if request.param == "plain" else on_a_loop


def executor(name: str, trigger: Any, body: Any, **more: Any) -> Executor:
    """Return an executor that calls a function."""
    return create_executor(name=name, trigger=trigger, operation={"kind": "function", "body": body}, **more)


def made(name: str, body: Any, **more: Any) -> Executor:
    """Return one that runs when orders are created."""
    return executor(name, record_created_trigger(type="Order"), body, **more)


def fail(_event: object) -> None:
    """Raise what a body may raise, with a value in it."""
    key = CANARY
    raise ValueError(f"no luck with {key}")


async def afail(event: object) -> None:
    """Do the same in an event loop."""
    await anyio.lowlevel.checkpoint()
    fail(event)


async def later(new_record: str) -> str:
    """Return the record after a wait."""
    await anyio.lowlevel.checkpoint()
    return new_record


@pytest.mark.parametrize(
    ("event", "answering"),
    [
        (RecordCreated("Order", "new"), ["created"]),
        (RecordCreated(type("Order", (), {}), "new"), ["created"]),
        (RecordUpdated("Order", "new", "old"), ["updated"]),
        (RecordDeleted("Order", "old"), ["deleted"]),
        (RecordCreated("Invoice", "new"), []),
        (Scheduled("nightly", NOON), ["nightly"]),
        (IncomingWebhook("hook", {"id": 1}), ["hook"]),
    ],
)
def test_who_answers(run: Run, event: Event, answering: list[str]) -> None:
    """An executor runs for the events of its trigger, and is called with the event."""
    app = App(
        manager({}),
        executor("created", record_created_trigger(type="Order"), lambda event: event),
        executor("updated", record_updated_trigger(type="Order"), lambda event: event),
        executor("deleted", record_deleted_trigger(type="Order"), lambda event: event),
        executor("nightly", schedule_trigger(cron="0 3 * * *"), lambda event: event),
        executor("other-night", schedule_trigger(cron="0 4 * * *"), lambda event: event),
        executor("hook", incoming_webhook_trigger(), lambda event: event),
    )
    assert run(app, "emit", event) == [Outcome(name, ok=True, value=event) for name in answering]


async def is_new(event: RecordCreated) -> bool:
    """Tell whether the record is the new one."""
    await anyio.lowlevel.checkpoint()
    return bool(event.new_record == "new")


@pytest.mark.parametrize("condition", [is_new, lambda new_record: new_record == "new", lambda *, event: is_new(event)])
def test_conditions(run: Run, condition: Any) -> None:
    """A condition, plain or async, decides; where it is false there is no outcome."""
    app = App(manager({}), executor("one", record_created_trigger(type="Order", condition=condition), lambda: 1))
    assert run(app, "emit", RecordCreated("Order", "new")) == [Outcome("one", ok=True, value=1)]
    assert run(app, "emit", RecordCreated("Order", "other")) == []


def test_a_condition_that_raises(run: Run) -> None:
    """A condition that fails is a failure, not a no."""
    app = App(manager({}), executor("one", record_created_trigger(type="Order", condition=fail), lambda: 1))
    assert not run(app, "emit", MADE)[0].ok


def test_a_disabled_executor_rests(run: Run) -> None:
    """A disabled executor does not run."""
    assert run(App(manager({}), made("one", fail, disabled=True)), "emit", MADE) == []


@pytest.mark.parametrize("failing", [fail, afail])
def test_one_failure_stops_no_other(run: Run, failing: Any) -> None:
    """The executors before and after one that fails run, and the outcomes stand in the order of definition."""
    app = App(manager({}), made("one", later), made("two", failing), made("three", lambda event: event.type))
    outcomes = run(app, "emit", MADE)
    assert [(o.executor, o.ok, o.value) for o in outcomes] == [
        ("one", True, "new"),
        ("two", False, None),
        ("three", True, "Order"),
    ]


@pytest.mark.parametrize("failing", [fail, afail])
def test_a_failure_shows_no_values(run: Run, failing: Any) -> None:
    """The error of an outcome names the executor, the class and the line; no message, locals, chain or pickle of it."""
    (outcome,) = run(App(manager({}), made("one", failing)), "emit", MADE)
    assert isinstance(outcome.error, BodyFailed)
    assert (outcome.error.exception, outcome.error.__cause__, outcome.error.__context__) == ("ValueError", None, None)
    assert f"executor one: ValueError, {__file__}:" in str(outcome.error)
    shown = "".join(traceback.TracebackException.from_exception(outcome.error, capture_locals=True).format())
    assert "in fail" in shown
    assert CANARY not in shown + repr(outcome)
    assert CANARY.encode() not in pickle.dumps(outcome)
    assert pickle.loads(pickle.dumps(outcome)).error.exception == "ValueError"


def deny() -> None:
    """Fail as a read may, while an exception with a value is under way."""
    try:
        fail(None)
    except ValueError:
        raise Denied("secret api-keys/token: permission denied", vault="api-keys") from None


def test_an_error_of_ours_is_kept(run: Run) -> None:
    """The error of a read in a body is the error of the outcome, without the frames and exceptions around it."""
    error = run(App(manager({}), made("one", deny)), "emit", MADE)[0].error
    assert isinstance(error, Denied)
    assert (error.vault, error.__traceback__, error.__context__) == ("api-keys", None, None)


@pytest.mark.parametrize(
    ("body", "given"),
    [
        (lambda context: (context.input, context.env["region"]), ({"id": 1}, "eu")),
        (lambda input, env: (input, env["region"]), ({"id": 1}, "eu")),  # noqa: A006
        (lambda *, env: env["region"], "eu"),
        (lambda *everything: everything[0].input, {"id": 1}),
        (lambda: "nothing", "nothing"),
        (lambda context, limit=3: limit, 3),
    ],
)
def test_what_a_resolver_is_called_with(run: Run, body: Any, given: Any) -> None:
    """A body gets the whole, or the parts that its parameters name, with the config's env among them."""
    resolver = create_resolver(name="resolve", body=body)
    app = App(define_config("app", secrets=manager({}), env={"region": "eu"}), resolver)
    assert run(app, "call", "resolve", {"id": 1}) == given


def test_a_call_raises_what_the_body_raises(run: Run) -> None:
    """A call is a call: the exception of the body comes out as it is."""
    with pytest.raises(ValueError, match="no luck"):
        run(App(manager({}), create_resolver(name="resolve", body=afail)), "call", "resolve", 1)


async def misuse() -> None:
    """Raise what an event loop may raise itself."""
    await anyio.lowlevel.checkpoint()
    raise RuntimeError("of the body")


def test_a_runtime_error_of_a_body(run: Run) -> None:
    """A RuntimeError of the body is not taken for that of a running loop."""
    with pytest.raises(RuntimeError, match="of the body"):
        run(App(manager({}), create_resolver(name="resolve", body=misuse)), "call", "resolve")


def test_bad_input_and_output(run: Run) -> None:
    """Input is checked before the body, output after it; the error lists every problem."""
    resolver = create_resolver(name="resolve", body=lambda input: input["id"], input={"id": int}, output=str)  # noqa: A006
    app = App(manager({}), resolver)
    with pytest.raises(InputInvalid, match=r"resolver resolve: input.id: is missing; input.name: is unknown") as caught:
        run(app, "call", resolver, {"name": "x"})
    assert caught.value.problems == (("input.id", "is missing"), ("input.name", "is unknown"))
    with pytest.raises(OutputInvalid, match="output: expected str, got int"):
        run(app, "call", resolver, {"id": 1})


def test_workflows(run: Run) -> None:
    """A workflow runs its main job, which calls other jobs; an executor starts one with args made from the event."""
    price = create_workflow_job(name="price", body=lambda args: args["total"] * 2)

    async def bill(args: dict[str, int], env: dict[str, str]) -> tuple[int, str]:
        await anyio.lowlevel.checkpoint()
        return price(args), env["region"]

    flow = create_workflow(name="bill", main_job=create_workflow_job(name="main", body=bill))
    starts = [
        create_executor(
            name=f"start-{index}",
            trigger=record_created_trigger(type="Order"),
            operation={"kind": "workflow", "workflow": workflow, "args": args},
        )
        for index, (workflow, args) in enumerate([(flow, lambda new_record: new_record), ("bill", {"total": 1})])
    ]
    app = App(define_config("app", secrets=manager({}), env={"region": "eu"}), *starts)
    assert run(app, "start", "bill", {"total": 3}) == (6, "eu")
    assert [o.value for o in run(app, "emit", RecordCreated("Order", {"total": 4}))] == [(8, "eu"), (2, "eu")]


def ident() -> int:
    """Return which thread this is."""
    return threading.get_ident()


def test_plain_calls_stay_in_their_thread() -> None:
    """A plain call runs plain bodies in the caller's thread, where its database session may be."""
    app = App(manager({}), made("one", ident))
    assert app.emit(MADE)[0].value == threading.get_ident()


@pytest.mark.parametrize("backend", BACKENDS)
def test_plain_bodies_leave_the_loop_free(backend: str) -> None:
    """On an event loop, plain bodies run in threads and all executors of an event at once."""
    together = threading.Barrier(3, timeout=10)

    def wait() -> int:
        return together.wait()

    async def asynchronous() -> int:
        return await anyio.to_thread.run_sync(wait)

    app = App(
        manager({}),
        made("one", wait),
        made("two", wait),
        made("three", asynchronous),
    )
    assert sorted(o.value for o in anyio.run(app.aemit, MADE, backend=backend)) == [0, 1, 2]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_plain_call_inside_a_loop(backend: str) -> None:
    """Inside a running loop, emit cannot run an async body, and says what to use."""
    app = App(manager({}), made("one", later), made("two", lambda: 2))

    async def inside() -> list[Outcome]:
        return app.emit(MADE)

    one, two = anyio.run(inside, backend=backend)
    assert isinstance(one.error, ConfigError)
    assert "aemit" in one.error.hint
    assert two.value == 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_cancelling(backend: str) -> None:
    """A cancelled aemit ends, and its executors with it."""
    app = App(manager({}), made("one", anyio.sleep_forever))

    async def briefly() -> bool:
        with anyio.move_on_after(0.05) as scope:
            await app.aemit(MADE)
        return scope.cancelled_caught

    assert anyio.run(briefly, backend=backend)


@pytest.mark.parametrize(
    ("document", "event"),
    [
        ({"kind": "recordCreated", "type": "Order", "new_record": 1}, RecordCreated("Order", 1)),
        ({"kind": "recordUpdated", "type": "Order", "new_record": 1, "old_record": 2}, RecordUpdated("Order", 1, 2)),
        ({"kind": "recordDeleted", "type": "Order", "old_record": 2}, RecordDeleted("Order", 2)),
        ({"kind": "scheduled", "executor": "nightly", "time": "2025-06-01T12:00:00Z"}, Scheduled("nightly", NOON)),
        ({"kind": "incomingWebhook", "executor": "hook", "body": 1}, IncomingWebhook("hook", 1)),
    ],
)
def test_events_from_json(document: Any, event: Event) -> None:
    """Every event has a form in JSON."""
    assert parse_event(document) == event


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "an event must be a JSON object"),
        ({"kind": "made"}, "an event must have a kind: recordCreated"),
        ({"kind": "recordDeleted", "type": "Order", "new_record": 1}, "missing or unknown: new_record, old_record"),
        ({"kind": "scheduled", "executor": "nightly", "time": "noon"}, "'noon' is not a time"),
    ],
)
def test_wrong_events(document: Any, problem: str) -> None:
    """A document that is not an event is refused, and the message lists the fields of an event."""
    with pytest.raises(ConfigError, match=problem):
        parse_event(document)


def test_an_incoming_webhook_shows_no_payload() -> None:
    """The repr of an incoming webhook has no body and no headers."""
    event = IncomingWebhook("hook", {"token": CANARY}, {"Authorization": CANARY})
    assert CANARY not in repr(event)


def test_errors_are_secrets_errors() -> None:
    """Each error of an app is a SecretsError with its own code."""
    codes = {error.code for error in (InputInvalid, OutputInvalid, BodyFailed)}
    assert codes == {"INPUT_INVALID", "OUTPUT_INVALID", "BODY_FAILED"}
    assert issubclass(InputInvalid, SecretsError)
