"""The app: all definitions, checked together, and the calls that run them."""

import ssl
from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import Any, TypeVar, cast

from tailorsecrets.app.definitions import Executor, Resolver
from tailorsecrets.app.dispatch import Dispatch
from tailorsecrets.app.events import Event, IncomingWebhook, Scheduled
from tailorsecrets.app.operations import Webhook, WorkflowStart
from tailorsecrets.app.outcome import Outcome
from tailorsecrets.app.runner import AsyncRunner, BlockingRunner, Runner, run_blocking
from tailorsecrets.app.sending import Sender
from tailorsecrets.app.triggers import matches
from tailorsecrets.app.workflows import Workflow
from tailorsecrets.config.config import Config
from tailorsecrets.declared.declarations import Declarations
from tailorsecrets.errors import ConfigError, UndeclaredSecret
from tailorsecrets.references.resolving import Reader, references
from tailorsecrets.runtime.manager import ManagerBase

Definition = Executor | Resolver | Workflow
T = TypeVar("T", Executor, Resolver, Workflow)


class App:
    """Runs executors, resolvers and workflows in this process. Safe for many threads and event loops.

    It stores nothing and starts nothing by itself: call ``emit`` where an event happens, from your own queue where no
    event may be lost.
    """

    def __init__(
        self, secrets: ManagerBase | Config, *things: Definition, verify: ssl.SSLContext | None = None
    ) -> None:
        """Check *things* together.

        *secrets* is the manager, or the config, whose ``env`` bodies can use. *verify* is the TLS context of webhooks,
        for a certificate authority of your own. Raise UndeclaredSecret or ConfigError that lists all problems:
        arguments of another kind, duplicate names, references to secrets that are not declared.
        """
        self.secrets = secrets.secrets if isinstance(secrets, Config) else secrets
        self._env = dict(secrets.env) if isinstance(secrets, Config) else {}
        self._verify = verify
        self.executors = tuple(thing for thing in things if isinstance(thing, Executor))
        self.resolvers = tuple(thing for thing in things if isinstance(thing, Resolver))
        self.workflows = _distinct([*_named(things), *_started(self.executors)])
        self._check(things, self.secrets.declarations if self.secrets else Declarations({}))

    def __repr__(self) -> str:
        counts = (len(self.executors), len(self.resolvers), len(self.workflows))
        return "<App: {} executors, {} resolvers, {} workflows>".format(*counts)

    def emit(self, event: Event) -> list[Outcome]:
        """Run every enabled executor whose trigger matches *event*, one after the other, and return their outcomes.

        A failure is an Outcome and stops no other executor. An async body runs in a new event loop; inside a running
        loop use aemit. Raise ConfigError for an event that names an executor the app does not have.
        """
        return run_blocking(self._emit(BlockingRunner(), event))

    async def aemit(self, event: Event) -> list[Outcome]:
        """Do the same as emit, on asyncio or trio, all executors at once; a plain body gets a thread."""
        return await self._emit(AsyncRunner(), event)

    def call(self, resolver: Resolver | str, input: Any = None) -> Any:  # noqa: A002  # the word of the field
        """Return the output of *resolver* for *input*.

        Raise InputInvalid or OutputInvalid that lists all problems of the data, and any exception of the body.
        """
        return run_blocking(
            self._dispatch(BlockingRunner()).resolver(_chosen("resolver", self.resolvers, resolver), input)
        )

    async def acall(self, resolver: Resolver | str, input: Any = None) -> Any:  # noqa: A002
        """Do the same as call, on asyncio or trio."""
        return await self._dispatch(AsyncRunner()).resolver(_chosen("resolver", self.resolvers, resolver), input)

    def start(self, workflow: Workflow | str, args: Any = None) -> Any:
        """Run *workflow* with *args* and return the result of its main job; raise any exception of it."""
        return run_blocking(
            self._dispatch(BlockingRunner()).workflow(_chosen("workflow", self.workflows, workflow), args)
        )

    async def astart(self, workflow: Workflow | str, args: Any = None) -> Any:
        """Do the same as start, on asyncio or trio."""
        return await self._dispatch(AsyncRunner()).workflow(_chosen("workflow", self.workflows, workflow), args)

    async def _emit(self, runner: Runner, event: Event) -> list[Outcome]:
        if isinstance(event, Scheduled | IncomingWebhook):
            self._check_addressee(event)
        dispatch = self._dispatch(runner)
        jobs = [
            lambda executor=executor: dispatch.executor(executor, event)
            for executor in self.executors
            if not executor.disabled and matches(executor.trigger, executor.name, event)
        ]
        return [outcome for outcome in await runner.all(jobs) if outcome is not None]

    def _check_addressee(self, event: Scheduled | IncomingWebhook) -> None:
        executor = _chosen("executor", self.executors, event.executor)
        if executor.trigger.event is not type(event):
            raise ConfigError(f"executor {executor.name}: its trigger is {executor.trigger}")

    def _dispatch(self, runner: Runner) -> Dispatch:
        workflows = {workflow.name: workflow for workflow in self.workflows}
        return Dispatch(runner, Sender(runner, cast("Reader", self.secrets), lambda: self._tls), self._env, workflows)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        import httpx

        return self._verify or httpx.create_ssl_context()

    def _check(self, things: tuple[object, ...], declarations: Declarations) -> None:
        undeclared = list(_undeclared(self.executors, declarations.names()))
        problems = [*_unknown_kinds(things), *self._duplicates(), *self._unknown_workflows()]
        if problems or undeclared:
            raise (ConfigError if problems else UndeclaredSecret)("app: " + "; ".join([*problems, *undeclared]))

    def _duplicates(self) -> Iterator[str]:
        for kind, named in (("executor", self.executors), ("resolver", self.resolvers), ("workflow", self.workflows)):
            for name, times in Counter(thing.name for thing in named).items():
                if times > 1:
                    yield f"{kind} {name}: the name is used {times} times"

    def _unknown_workflows(self) -> Iterator[str]:
        known = {workflow.name for workflow in self.workflows}
        for executor in self.executors:
            operation = executor.operation
            if not isinstance(operation, WorkflowStart) or isinstance(operation.workflow, Workflow):
                continue
            if operation.workflow not in known:
                yield f"executor {executor.name}: there is no workflow {operation.workflow!r}"


def _named(things: tuple[object, ...]) -> list[Workflow]:
    return [thing for thing in things if isinstance(thing, Workflow)]


def _started(executors: tuple[Executor, ...]) -> Iterator[Workflow]:
    for executor in executors:
        if isinstance(executor.operation, WorkflowStart) and isinstance(executor.operation.workflow, Workflow):
            yield executor.operation.workflow


def _distinct(workflows: list[Workflow]) -> tuple[Workflow, ...]:
    """Return each of *workflows* once; two that are equal are one."""
    return tuple(dict.fromkeys(workflows))


def _unknown_kinds(things: tuple[object, ...]) -> Iterator[str]:
    for thing in things:
        if not isinstance(thing, Definition):
            yield f"expected executors, resolvers and workflows, got {type(thing).__name__}"


def _undeclared(executors: tuple[Executor, ...], names: Mapping[str, list[str]]) -> Iterator[str]:
    for executor in executors:
        if isinstance(executor.operation, Webhook):
            for ref in references(executor.operation.headers):
                if ref.key not in names.get(ref.vault, ()):
                    yield f"executor {executor.name}: secret {ref} is not in the config{_nearest(str(ref), names)}"


def _nearest(ref: str, names: Mapping[str, list[str]]) -> str:
    declared = [f"{vault}/{secret}" for vault, secrets in names.items() for secret in secrets]
    close = get_close_matches(ref, declared, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _chosen(kind: str, known: tuple[T, ...], wanted: object) -> T:
    for thing in known:
        if wanted is thing or wanted == thing.name:
            return thing
    name = wanted if isinstance(wanted, str) else getattr(wanted, "name", type(wanted).__name__)
    names = ", ".join(sorted(thing.name for thing in known)) or "none"
    raise ConfigError(f"the app has no {kind} {name!r}", hint=f"it has: {names}")
