"""Executors, resolvers, workflows and apps as they are defined: the refused ones and their messages."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tailorsecrets import ConfigError, SecretRef, UndeclaredSecret, define_config
from tailorsecrets.app import (
    App,
    Executor,
    RecordCreated,
    Scheduled,
    create_executor,
    create_resolver,
    create_workflow,
    create_workflow_job,
    incoming_webhook_trigger,
    record_created_trigger,
    record_deleted_trigger,
    record_updated_trigger,
    schedule_trigger,
    webhook,
)
from tests.support.web import manager

CREATED = record_created_trigger(type="Order")
URL = "https://example.com"


def nothing() -> None:
    """Do nothing."""


def executor(operation: Any = None, **more: Any) -> Executor:
    """Return an executor that is right but for what is given."""
    given: dict[str, Any] = {
        "name": "notify",
        "trigger": CREATED,
        "operation": operation or {"kind": "function", "body": nothing},
    }
    return create_executor(**given | more)


def refused(define: Callable[[], object]) -> str:
    """Return the message of the ConfigError that *define* raises."""
    with pytest.raises(ConfigError) as caught:
        define()
    return f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        ("webhook", "operation: expected a mapping with a kind, got str"),
        ({"kind": "email"}, "kind must be one of webhook, function, workflow, not 'email'"),
        ({"kind": "webhook"}, "operation webhook: missing or unknown: url"),
        ({"kind": "webhook", "url": URL, "request_body": 1}, "missing or unknown: request_body"),
        ({"kind": "webhook", "url": "example.com"}, "url: 'example.com' is not an http or https URL"),
        ({"kind": "webhook", "url": "https://user:canary@example.com"}, "url: it contains a credential"),
        ({"kind": "webhook", "url": "https://[::1"}, "is not an http or https URL"),
        ({"kind": "webhook", "url": URL, "headers": {"X-Key": {"vault": "api-keys"}}}, "X-Key: a reference has"),
        ({"kind": "webhook", "url": URL, "headers": {"X-Key": {"vault": "api_keys", "key": "abc"}}}, "'api_keys'"),
        ({"kind": "webhook", "url": URL, "timeout": 0}, "a timeout above 0"),
        ({"kind": "webhook", "url": URL, "retries": -1}, "retries and backoff of 0 or more"),
        (
            {"kind": "webhook", "url": URL, "requestBody": lambda event, more: 1},
            "requestBody: unknown parameter",
        ),
        ({"kind": "function"}, "operation function: missing or unknown: body"),
        ({"kind": "function", "body": "nothing"}, "body: expected a function, got str"),
        ({"kind": "function", "body": lambda old_record, more: 1}, "unknown parameter 'more'"),
        ({"kind": "workflow", "args": 1}, "operation workflow: missing or unknown: workflow"),
    ],
)
def test_bad_operations(operation: Any, problem: str) -> None:
    """What could not run is refused when it is defined, naming the executor."""
    message = refused(lambda: executor(operation))
    assert message.startswith("executor notify: ")
    assert problem in message


def test_secrets_over_plain_http() -> None:
    """A webhook with secrets to another machine must be https, or allowed not to be."""
    headers = {"X-Key": SecretRef("api-keys", "token")}
    assert "not https" in refused(lambda: executor(webhook(url="http://example.com", headers=headers)))
    assert executor(webhook(url="http://example.com", headers=headers, allow_http=True))
    assert executor({"kind": "webhook", "url": "http://localhost:80", "headers": headers})
    assert executor(webhook(url="http://example.com", headers={"X-Plain": "text"}))


@pytest.mark.parametrize("name", ["", "a b", "1st", "a/b", "x" * 64, None])
def test_bad_names(name: Any) -> None:
    """Names have one grammar, which the error shows."""
    job = create_workflow_job(name="job", body=nothing)
    for define in (
        lambda: executor(name=name),
        lambda: create_resolver(name=name, body=nothing),
        lambda: create_workflow_job(name=name, body=nothing),
        lambda: create_workflow(name=name, main_job=job),
    ):
        assert "letters, digits" in refused(define)


@pytest.mark.parametrize(
    ("cron", "timezone", "problem"),
    [
        ("every day", "UTC", "five fields"),
        ("61 * * * *", "UTC", "cron '61 * * * *': Bad minute"),
        ("0 3 * * * *", "UTC", "five fields"),
        ("0 0 31 2 *", "UTC", "Bad day-of-month"),
        ("0 3 * * *", "Europe/Atlantis", "timezone 'Europe/Atlantis'"),
        ("0 3 * * *", "../etc/passwd", "timezone '../etc/passwd'"),
        (None, "UTC", "five fields"),
    ],
)
def test_bad_schedules(cron: Any, timezone: str, problem: str) -> None:
    """A cron line or a timezone that means nothing is refused."""
    assert problem in refused(lambda: schedule_trigger(cron=cron, timezone=timezone))


def test_a_schedule_is_in_its_timezone() -> None:
    """Three in the morning is that of the timezone, in summer and in winter."""
    trigger = schedule_trigger(cron="0 3 * * *", timezone="Europe/Berlin")
    times = [trigger.next_time(datetime(2025, month, 1, tzinfo=UTC)).astimezone(UTC).hour for month in (1, 7)]
    assert times == [2, 1]
    assert str(trigger) == "cron 0 3 * * * (Europe/Berlin)"


def test_timezones_need_no_database_of_the_system() -> None:
    """Slim images have no timezones; the extra ``app`` brings them."""
    code = "from tailorsecrets import schedule_trigger; schedule_trigger(cron='0 3 * * *', timezone='Europe/Berlin')"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONTZPATH": ""}, check=True)


def test_other_bad_triggers() -> None:
    """A trigger is what a trigger function returns, its type a class or a name, its condition a function."""
    assert "expected the result of a ..._trigger() function" in refused(lambda: executor(trigger="created"))
    assert "type must be a class or the name" in refused(lambda: record_created_trigger(type=""))
    assert "condition: expected a function" in refused(lambda: record_updated_trigger(type="Order", condition=True))  # type: ignore[arg-type]
    assert "parameter 'new_record'" in refused(lambda: record_deleted_trigger(type="Order", condition=takes_new_record))


def takes_new_record(old_record: Any, new_record: Any) -> bool:
    """Take a parameter that a deletion does not have."""
    return bool(old_record or new_record)


def test_bad_resolvers_and_workflows() -> None:
    """A resolver has one body; a workflow has a job; both take what there is."""
    assert "give either operation or body" in refused(lambda: create_resolver(name="resolve"))
    assert "give either operation or body" in refused(
        lambda: create_resolver(name="resolve", operation=nothing, body=nothing)
    )
    assert "parameter 'user'" in refused(lambda: create_resolver(name="resolve", body=takes_user))
    assert "parameter 'user'" in refused(lambda: create_workflow_job(name="job", body=takes_user))
    wrong: Any = nothing
    assert "expected the result of create_workflow_job" in refused(lambda: create_workflow(name="flow", main_job=wrong))
    assert "unsupported type 3" in refused(lambda: create_resolver(name="r", body=nothing, input={"a": 3}))


def takes_user(context: Any, user: Any) -> None:
    """Take an unknown parameter."""


def test_undeclared_secrets() -> None:
    """An app names every reference that the config does not declare, and the nearest one that it does."""
    one = executor(webhook(url=URL, headers={"X-Key": SecretRef("api-keys", "tokne")}), name="one")
    two = executor(webhook(url=URL, headers={"X-Key": SecretRef("other", "token")}), name="two")
    with pytest.raises(UndeclaredSecret) as caught:
        App(manager({"token": "abc"}), one, two)
    assert "executor one: secret api-keys/tokne is not in the config (did you mean api-keys/token?)" in str(
        caught.value
    )
    assert "executor two: secret other/token" in str(caught.value)


def test_external_secrets_may_be_referred_to() -> None:
    """External secrets are declared too."""
    secrets = manager({})
    external = type(secrets)(type(secrets.declarations)({}, {"partner": frozenset({"token"})}))
    assert App(external, executor(webhook(url=URL, headers={"X-Key": SecretRef("partner", "token")})))


def test_names_stand_once() -> None:
    """Two things of one kind and one name are refused; of two kinds they are not."""
    resolver = create_resolver(name="notify", body=nothing)
    assert "executor notify: the name is used 2 times" in refused(lambda: App(manager({}), executor(), executor()))
    assert repr(App(manager({}), executor(), resolver)) == "<App: 1 executors, 1 resolvers, 0 workflows>"


def test_all_that_is_wrong_with_an_app() -> None:
    """One error lists it all."""
    starts = executor({"kind": "workflow", "workflow": "nowhere"})
    message = refused(lambda: App(manager({}), starts, executor(), "thing"))  # type: ignore[arg-type]
    assert "there is no workflow 'nowhere'" in message
    assert "is used 2 times" in message
    assert "expected executors, resolvers and workflows, got str" in message


def test_a_workflow_comes_with_its_executor() -> None:
    """A workflow that an executor starts is part of the app, once."""
    flow = create_workflow(name="flow", main_job=create_workflow_job(name="job", body=nothing))
    starts = executor({"kind": "workflow", "workflow": flow})
    assert App(manager({}), starts).workflows == (flow,)
    assert App(manager({}), starts, flow, executor({"kind": "workflow", "workflow": "flow"}, name="two")).workflows == (
        flow,
    )


def test_what_an_app_does_not_have() -> None:
    """A name that is not there is an error that lists those that are."""
    app = App(manager({}), create_resolver(name="resolve", body=nothing), executor(trigger=incoming_webhook_trigger()))
    assert "no resolver 'resolv' it has: resolve" in refused(lambda: app.call("resolv"))
    assert "no workflow 'flow' it has: none" in refused(lambda: app.start("flow"))
    assert "no executor 'night'" in refused(lambda: app.emit(Scheduled("night", datetime.now(UTC))))
    assert "its trigger is incoming webhook" in refused(lambda: app.emit(Scheduled("notify", datetime.now(UTC))))


def test_an_app_of_a_config() -> None:
    """A config brings its secrets and its env; one without secrets is fine."""
    resolver = create_resolver(name="resolve", body=lambda env: env["region"])
    assert App(define_config("app", env={"region": "eu"}), resolver).call(resolver) == "eu"


def test_triggers_say_what_they_are() -> None:
    """A trigger can be shown in a list."""
    texts = [str(record_created_trigger(type=RecordCreated)), str(record_deleted_trigger(type="A", condition=bool))]
    assert texts == ["RecordCreated created", "A deleted, if a condition holds"]


def test_operations_say_what_they_are() -> None:
    """An operation can be shown, too; of a webhook without the path, which may be a secret."""
    assert str(webhook(url="https://hooks.example.com/services/canary")) == "webhook https://hooks.example.com"
    assert str(webhook(url=str)) == "webhook"


@pytest.mark.parametrize(
    ("package", "extra", "code"),
    [
        ("httpx", "webhook", "from tailorsecrets.references import auth; auth(None, {})"),
        ("cronsim", "app", "from tailorsecrets import schedule_trigger; schedule_trigger(cron='0 3 * * *')"),
    ],
)
def test_a_missing_package(package: str, extra: str, code: str) -> None:
    """Where an optional package is not installed, the error says what to install."""
    text = (
        f"import sys; sys.modules['{package}'] = None\ntry:\n    {code}\nexcept Exception as e:\n    print(e, e.hint)"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert f"{package}, which is not installed" in done.stdout or f"{package} is not installed" in done.stdout
    assert f"pip install 'tailorsecrets[{extra}]'" in done.stdout


def test_importing_loads_no_client() -> None:
    """Defining an app does not load httpx and anyio, which are needed only when it runs."""
    code = "import sys, tailorsecrets.app\nprint({'httpx', 'anyio', 'cronsim', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
