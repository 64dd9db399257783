"""Running definitions: an executor for an event, a resolver for an input, a workflow for its arguments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tailorsecrets.app.definitions import Executor, Resolver
from tailorsecrets.app.events import Event
from tailorsecrets.app.operations import Function, Operation, Webhook
from tailorsecrets.app.outcome import InputInvalid, Outcome, OutputInvalid, failure
from tailorsecrets.app.parameters import Context, bind
from tailorsecrets.app.runner import Runner
from tailorsecrets.app.sending import Sender
from tailorsecrets.app.shapes import Problems
from tailorsecrets.app.triggers import RecordTrigger
from tailorsecrets.app.workflows import Workflow

Env = Mapping[str, str | float | bool]


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Calls bodies with *env* on *runner* and sends webhooks with *sender*."""

    runner: Runner
    sender: Sender
    env: Env
    workflows: Mapping[str, Workflow]

    async def executor(self, executor: Executor, event: Event) -> Outcome | None:
        """Return the outcome of *executor* for *event*, None where its condition is false. Raises nothing."""
        try:
            if not await self._holds(executor, event):
                return None
            return Outcome(executor.name, ok=True, value=await self._operate(executor.operation, event))
        except Exception as exc:  # noqa: BLE001  # a body may raise anything, and must not stop the other executors
            error = failure(f"executor {executor.name}", exc)
        return Outcome(executor.name, ok=False, error=error)

    async def resolver(self, resolver: Resolver, given: Any) -> Any:
        """Return the output of *resolver* for the input *given*."""
        value, problems = resolver.input.read(given)
        if problems:
            raise InputInvalid(_listed(f"resolver {resolver.name}", problems), problems=problems)
        result = await self._call(resolver.body, Context, Context(value, self.env))
        output, problems = resolver.output.read(result)
        if problems:
            raise OutputInvalid(_listed(f"resolver {resolver.name}", problems), problems=problems)
        return output

    async def workflow(self, workflow: Workflow, args: Any) -> Any:
        """Return the result of the main job of *workflow*."""
        return await self._call(workflow.main_job.body, None, args)

    async def _holds(self, executor: Executor, event: Event) -> bool:
        trigger = executor.trigger
        if not isinstance(trigger, RecordTrigger) or trigger.condition is None:
            return True
        return bool(await self._call(trigger.condition, type(event), event))

    async def _operate(self, operation: Operation, event: Event) -> Any:
        if isinstance(operation, Function):
            return await self._call(operation.body, type(event), event)
        if isinstance(operation, Webhook):
            url = await self._given(operation.url, event)
            return await self.sender.send(operation, url, await self._given(operation.request_body, event))
        workflow = (
            operation.workflow if isinstance(operation.workflow, Workflow) else self.workflows[operation.workflow]
        )
        return await self.workflow(workflow, await self._given(operation.args, event))

    async def _given(self, value: Any, event: Event) -> Any:
        return await self._call(value, type(event), event) if callable(value) else value

    async def _call(self, function: Callable[..., Any], kind: type | None, whole: Any) -> Any:
        args, parts = bind("body", function, kind).arguments(whole, self.env)
        return await self.runner.call(function, *args, **parts)


def _listed(where: str, problems: Problems) -> str:
    return f"{where}: " + "; ".join(f"{path}: {problem}" for path, problem in problems)
