"""The arguments of a body or callback: a parameter gets the part that it names, the first other one the whole.

``lambda event: event.new_record``, ``lambda new_record: ...`` and ``def body(event, *, env): ...`` all work. Another
parameter that has a default keeps it.
"""

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from tailorsecrets.errors import ConfigError

_REST: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_BY_NAME_ONLY: Final = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Context:
    """The argument of a resolver: its input, and the ``env`` of the config, which holds no secrets."""

    input: Any
    env: Mapping[str, str | float | bool]


@dataclass(frozen=True, slots=True)
class Binding:
    """How to call *function*: whether with the whole first, and with which parts by name."""

    function: Callable[..., Any]
    whole: bool
    parts: tuple[str, ...]

    def arguments(self, whole: Any, env: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the positional and the keyword arguments for *whole*, an event, a Context or a workflow's args."""
        values = {"env": env, "event": whole, "context": whole, "args": whole}
        named = {name: values[name] if name in values else getattr(whole, name) for name in self.parts}
        return ([whole] if self.whole else []), named


def bind(role: str, function: object, whole: type | None) -> Binding:
    """Return how to call *function* for a *whole* of that class (None: a workflow's args).

    Raise ConfigError that names the *role* where it is not a function, or has a parameter that nothing is known for.
    """
    if not callable(function):
        raise ConfigError(f"{role}: expected a function, got {type(function).__name__}")
    names = _names(whole)
    wanted = _parameters(function)
    first = bool(wanted) and _takes_whole(wanted[0], names)
    others = [parameter for parameter in (wanted[1:] if first else wanted) if parameter.kind not in _REST]
    for parameter in others:
        if not _is_part(parameter, names) and parameter.default is parameter.empty:
            raise ConfigError(
                f"{role}: unknown parameter {parameter.name!r}",
                hint=f"known parameters: {', '.join(sorted(names))}",
            )
    return Binding(function, first, tuple(parameter.name for parameter in others if _is_part(parameter, names)))


def _names(whole: type | None) -> set[str]:
    if whole is None:
        return {"args", "env"}
    name = "context" if whole is Context else "event"
    return {name, "env", *(field.name for field in fields(whole))}


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # a builtin without a signature
        return [inspect.Parameter("whole", inspect.Parameter.POSITIONAL_ONLY)]


def _takes_whole(parameter: inspect.Parameter, names: Collection[str]) -> bool:
    by_place = parameter.kind not in _BY_NAME_ONLY
    return by_place and parameter.default is parameter.empty and not _is_part(parameter, names)


def _is_part(parameter: inspect.Parameter, names: Collection[str]) -> bool:
    return parameter.name in names and parameter.kind is not inspect.Parameter.POSITIONAL_ONLY
