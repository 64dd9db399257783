"""The filter language of Secret Manager's lists (AIP-160), as much of it as Google documents for them.

``name:part``, ``labels.team=payments``, ``state:ENABLED``, ``create_time>2026-01-01T00:00:00Z``, ``NOT``, ``-``,
``AND`` (also left out) and ``OR``, which binds more tightly, and parentheses. There is no prefix and no pattern.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

Test = Callable[[Mapping[str, Any]], bool]

_SPACE: Final = re.compile(r"\s*")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_COMPARATOR: Final = re.compile(r"\s*(<=|>=|!=|=|<|>|:)\s*")
_VALUE: Final = re.compile(r'"(?P<quoted>[^"]*)"|(?P<plain>[^\s()"]+)')
_FIELDS: Final = re.compile(r"name|state|create_time|etag|labels\.[a-z0-9_-]+|annotations\.[A-Za-z0-9_.-]+")
_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


class BadFilter(ValueError):
    """A filter that the service refuses."""


def read_filter(text: str) -> Test:
    """Return the test whether a resource, given by its fields, passes the filter *text*; "" lets all pass."""
    return _Reader(text).whole() if text.strip() else lambda _: True


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def whole(self) -> Test:
        test = self._conjunction()
        if self._rest():
            raise BadFilter(f"{self._rest()!r} is left over")
        return test

    def _conjunction(self) -> Test:
        tests = [self._disjunction()]
        while self._rest() and not self._rest().startswith(")"):
            self._take("AND")
            tests.append(self._disjunction())
        return lambda fields: all(test(fields) for test in tests)

    def _disjunction(self) -> Test:
        tests = [self._term()]
        while self._take("OR"):
            tests.append(self._term())
        return lambda fields: any(test(fields) for test in tests)

    def _term(self) -> Test:
        if self._take("NOT") or self._take_sign("-"):
            test = self._simple()
            return lambda fields: not test(fields)
        return self._simple()

    def _simple(self) -> Test:
        if not self._take_sign("("):
            return self._restriction()
        test = self._conjunction()
        if not self._take_sign(")"):
            raise BadFilter("a parenthesis is open")
        return test

    def _restriction(self) -> Test:
        field = self._match(_WORD)[0]
        comparator = self._match(_COMPARATOR)[1]
        found = self._match(_VALUE)
        value = found["plain"] if found["quoted"] is None else found["quoted"]
        if not _FIELDS.fullmatch(field):
            raise BadFilter(f"there is no field {field!r}")
        return _compare(field, comparator, value)

    def _rest(self) -> str:
        return self._text[self._at :].strip()

    def _take(self, word: str) -> bool:
        found = re.compile(rf"\s*{word}(?=[\s(])").match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found is not None

    def _take_sign(self, sign: str) -> bool:
        found = re.compile(rf"\s*{re.escape(sign)}").match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found is not None

    def _match(self, form: re.Pattern[str]) -> re.Match[str]:
        start = _SPACE.match(self._text, self._at)
        found = form.match(self._text, start.end() if start else self._at)
        if found is None:
            raise BadFilter(f"at {self._rest()!r}")
        self._at = found.end()
        return found


def _compare(field: str, comparator: str, value: str) -> Test:
    if field == "create_time":
        return _compare_time(comparator, value)
    if comparator == ":":
        return lambda fields: any(value in text or value == "*" for text in _texts(fields, field))
    if comparator in {"=", "!="}:
        order = _ORDERS[comparator]
        return lambda fields: any(order(text, value) for text in _texts(fields, field))
    raise BadFilter(f"{field} has no order")


def _compare_time(comparator: str, value: str) -> Test:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as exc:
        raise BadFilter(f"{value!r} is not a time") from exc
    if comparator not in _ORDERS or moment.tzinfo is None:
        raise BadFilter("create_time is compared with a time of a zone")
    return lambda fields: _ORDERS[comparator](fields["create_time"], moment)


def _texts(fields: Mapping[str, Any], field: str) -> Iterator[str]:
    """Yield the text of *field*; none where a map has no such key, which no comparison finds."""
    name, _, key = field.partition(".")
    if key:
        yield from [fields[name][key]] if key in fields.get(name, {}) else []
    elif name in fields:
        yield str(fields[name])
