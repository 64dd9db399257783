"""Executors and resolvers, checked when they are defined."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tailorsecrets.app.names import defining
from tailorsecrets.app.operations import Operation, parse_operation
from tailorsecrets.app.parameters import Context, bind
from tailorsecrets.app.shapes import Shape, shape
from tailorsecrets.app.triggers import Trigger
from tailorsecrets.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Executor:
    """An operation that runs when its trigger matches an event."""

    name: str
    trigger: Trigger
    operation: Operation
    description: str | None = None
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Resolver:
    """A function that the process calls by name, with checked input and output."""

    name: str
    body: Callable[..., Any]
    input: Shape
    output: Shape


def create_executor(
    *,
    name: str,
    trigger: Trigger,
    operation: Operation | Mapping[str, Any],
    description: str | None = None,
    disabled: bool = False,
) -> Executor:
    """Define the operation to run when *trigger* matches an event.

    *operation* is ``webhook(...)``, or a mapping: ``{"kind": "webhook", "url", "headers", "requestBody"}``,
    ``{"kind": "function", "body"}`` or ``{"kind": "workflow", "workflow", "args"}``; the url, requestBody, body and
    args may be functions of the event, plain or async. Raise ConfigError that names the executor for anything that
    cannot run.
    """
    with defining("executor", name):
        if not isinstance(trigger, Trigger):
            raise ConfigError("trigger: expected the result of a ..._trigger() function")
        parsed = parse_operation(operation)
        parsed.check(trigger.event)
        return Executor(name, trigger, parsed, description, disabled)


def create_resolver(
    *,
    name: str,
    operation: Callable[..., Any] | None = None,
    body: Callable[..., Any] | None = None,
    input: object = None,  # noqa: A002  # the word of the field
    output: object = None,
) -> Resolver:
    """Define a function, *operation* or *body*, plain or async, that is called by name.

    It is called with a Context that has ``input`` and ``env``, or with those that its parameters name. *input* and
    *output* are a dataclass, a TypedDict, a pydantic model, or a mapping of name to type; None allows anything. Raise
    ConfigError that names the resolver for anything that cannot run.
    """
    with defining("resolver", name):
        if (operation is None) == (body is None):
            raise ConfigError("give either operation or body")
        bound = bind("body", operation or body, Context)
        return Resolver(name, bound.function, shape("input", input), shape("output", output))
