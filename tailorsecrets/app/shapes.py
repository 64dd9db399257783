"""The type that a resolver's input or output must have. Nothing is converted; every problem is listed with its path.

A shape is a dataclass, a TypedDict, a pydantic model or a mapping of name to type, of text, numbers, booleans, None,
literals, enums, unions, lists, tuples, dicts, any class, and shapes again. A type is read once, when the resolver is
defined; an unsupported type is an error at that time.
"""

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NewType,
    NotRequired,
    Required,
    TypeGuard,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from tailorsecrets.errors import ConfigError

Problems = list[tuple[str, str]]
Check = Callable[[Any, str, Problems], Any]  # value, path, where problems go -> the value that the body gets

_WRAPPERS: Final = (Annotated, Required, NotRequired)
_LISTS: Final = (list, Sequence, set, frozenset)
_DICTS: Final = (dict, Mapping)


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """The type of a value, with the function that checks it."""

    root: str
    check: Check

    def read(self, value: Any) -> tuple[Any, Problems]:
        """Return the value for the body, an instance where the shape is a class, and all (path, problem) pairs."""
        problems: Problems = []
        return self.check(value, self.root, problems), problems


def shape(root: str, expected: object) -> Shape:
    """Return the shape of the type *expected*; None allows anything. *root* ("input") begins the paths.

    Raise ConfigError for an unsupported type.
    """
    if expected is None:
        return Shape(root, _any)
    if not isinstance(expected, Mapping):
        return Shape(root, _check(expected, {}))
    members = {str(name): kind for name, kind in cast("Mapping[str, Any]", expected).items()}
    required = frozenset(name for name, kind in members.items() if get_origin(kind) is not NotRequired)
    return Shape(root, _record({name: _check(kind, {}) for name, kind in members.items()}, required))


def _check(kind: Any, known: dict[Any, Check]) -> Check:
    """Return the check of values of *kind*; *known* has the classes being read, which may contain themselves."""
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any or kind is object:
        return _any
    if origin in _WRAPPERS:
        return _check(args[0], known)
    if isinstance(kind, NewType):
        return _check(kind.__supertype__, known)
    if origin is Literal:
        return _literal(args)
    if origin in {Union, types.UnionType}:
        return _union([_check(member, known) for member in args], args)
    return _container(origin or kind, args, known) or _class(kind, known)


def _container(kind: Any, args: Sequence[Any], known: dict[Any, Check]) -> Check | None:
    if kind is tuple and args and args[-1] is not Ellipsis:
        return _tuple([_check(arg, known) for arg in args])
    if kind is tuple:
        kind = Sequence  # of any length, as lists are in JSON
    if kind in _LISTS:
        return _items(kind, _check(args[0] if args else Any, known))
    if kind in _DICTS:
        return _entries(*(_check(arg, known) for arg in args or (Any, Any)))
    return None


def _class(kind: Any, known: dict[Any, Check]) -> Check:
    if not isinstance(kind, type | None):
        raise ConfigError(f"unsupported type {kind!r}")
    if kind in known:

        def later(value: Any, path: str, problems: Problems) -> Any:
            return known[kind](value, path, problems)

        return later
    known[kind] = _any  # until it is known
    known[kind] = _new_class(kind, known)
    return known[kind]


def _new_class(kind: Any, known: dict[Any, Check]) -> Check:
    if hasattr(kind, "model_validate"):
        return _model(kind)
    if is_typeddict(kind):
        return _record(_hints(kind, known), kind.__required_keys__)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, known)
    return _instance(kind or types.NoneType)


def _hints(kind: type, known: dict[Any, Check]) -> dict[str, Check]:
    try:
        hints = get_type_hints(kind, include_extras=True)
    except NameError as exc:
        problem = f"{kind.__name__}: {exc}"
    else:
        return {name: _check(hint, known) for name, hint in hints.items()}
    raise ConfigError(problem)


def _any(value: Any, _path: str, _problems: Problems) -> Any:
    return value


def _instance(kind: Any) -> Check:
    accepted = (int, float) if kind is float else (kind,)
    article = "None" if kind is types.NoneType else kind.__name__

    def check(value: Any, path: str, problems: Problems) -> Any:
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind in {int, float}):
            problems.append((path, f"expected {article}, got {type(value).__name__}"))
        return value

    return check


def _literal(allowed: Sequence[Any]) -> Check:
    def check(value: Any, path: str, problems: Problems) -> Any:
        if not any(type(value) is type(one) and value == one for one in allowed):
            problems.append((path, f"expected one of {', '.join(map(repr, allowed))}"))
        return value

    return check


def _union(members: Sequence[Check], kinds: Sequence[Any]) -> Check:
    def check(value: Any, path: str, problems: Problems) -> Any:
        tries: list[Problems] = []
        for member in members:
            tries.append([])
            read = member(value, path, tries[-1])
            if not tries[-1]:
                return read
        deeper = [found for found in tries if any(place != path for place, _ in found)]
        problems += deeper[0] if deeper else [(path, f"expected {' or '.join(map(_describe, kinds))}")]
        return value

    return check


def _describe(kind: Any) -> str:
    return "None" if kind is types.NoneType else getattr(kind, "__name__", str(kind))


def _items(kind: Any, item: Check) -> Check:
    def check(value: Any, path: str, problems: Problems) -> Any:
        if not _is_list(value, kind):
            problems.append((path, f"expected a list, got {type(value).__name__}"))
            return value
        read = [item(one, f"{path}[{index}]", problems) for index, one in enumerate(value)]
        return kind(read) if kind is not Sequence else read

    return check


def _tuple(members: Sequence[Check]) -> Check:
    def check(value: Any, path: str, problems: Problems) -> Any:
        if not _is_list(value) or len(value) != len(members):
            problems.append((path, f"expected a list of {len(members)}"))
            return value
        pairs = enumerate(zip(members, value, strict=True))
        return tuple(member(one, f"{path}[{index}]", problems) for index, (member, one) in pairs)

    return check


def _entries(key: Check, item: Check) -> Check:
    def check(value: Any, path: str, problems: Problems) -> Any:
        if not _is_object(value):
            problems.append((path, f"expected an object, got {type(value).__name__}"))
            return value
        return {key(name, path, problems): item(one, f"{path}.{name}", problems) for name, one in value.items()}

    return check


def _record(members: Mapping[str, Check], required: frozenset[str]) -> Check:
    def check(value: Any, path: str, problems: Problems) -> Any:
        if not _is_object(value):
            problems.append((path, f"expected an object, got {type(value).__name__}"))
            return value
        problems += [(f"{path}.{name}", "is missing") for name in members if name in required and name not in value]
        problems += [(f"{path}.{name}", "is unknown") for name in value if name not in members]
        return {name: members[name](value[name], f"{path}.{name}", problems) for name in value if name in members}

    return check


def _dataclass(kind: Any, known: dict[Any, Check]) -> Check:
    fields = [field for field in dataclasses.fields(kind) if field.init]
    hints = _hints(kind, known)
    optional = {f.name for f in fields if (f.default, f.default_factory) != (dataclasses.MISSING, dataclasses.MISSING)}
    names = [field.name for field in fields]
    record = _record({name: hints[name] for name in names}, frozenset(set(names) - optional))

    def check(value: Any, path: str, problems: Problems) -> Any:
        if isinstance(value, kind):
            return value
        found: Problems = []
        read = record(value, path, found)
        problems += found
        return read if found else _built(kind, read, path, problems)

    return check


def _built(kind: Any, read: Mapping[str, Any], path: str, problems: Problems) -> Any:
    try:
        return kind(**read)
    except (TypeError, ValueError) as exc:  # raised by its __post_init__
        problems.append((path, str(exc)))
        return read


def _model(kind: Any) -> Check:
    def check(value: Any, path: str, problems: Problems) -> Any:
        try:
            return kind.model_validate(value)
        except ValueError as exc:  # pydantic's ValidationError is one
            errors = cast("Any", exc).errors(include_url=False, include_input=False, include_context=False)
        for error in errors:
            place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"])
            problems.append((path + place, error["msg"]))
        return value

    return check


def _is_object(value: object) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(value, Mapping)


def _is_list(value: object, kind: Any = Sequence) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, kind) and not isinstance(value, str | bytes)
