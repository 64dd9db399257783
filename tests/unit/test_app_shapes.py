"""The shapes that data is checked against: what passes, and every problem with its path."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal, NewType, NotRequired, Required, TypedDict

import pydantic
import pytest

from tailorsecrets import ConfigError
from tailorsecrets.app.shapes import shape

OrderId = NewType("OrderId", str)


class Colour(enum.Enum):
    """A class like any other."""

    RED = "red"


class Item(TypedDict):
    """An item of an order."""

    price: float
    note: NotRequired[str | None]


@dataclass
class Order:
    """An order."""

    id: OrderId
    items: list[Item]
    state: Literal["open", "paid"] = "open"
    tags: dict[str, str] = field(default_factory=dict[str, str])
    parent: "Order | None" = None

    def __post_init__(self) -> None:
        """Refuse what no type can say."""
        if self.id == "bad":
            raise ValueError("the id is a bad one")


class Model(pydantic.BaseModel):
    """A pydantic model."""

    id: int
    items: list[Annotated[int, pydantic.Field(gt=0)]] = []


def problems(expected: object, value: Any) -> list[tuple[str, str]]:
    """Return what is wrong with *value*."""
    return shape("input", expected).read(value)[1]


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (str, "text", 1),
        (int, 1, True),
        (int, 1, 1.5),
        (float, 1, "1"),
        (float, 1.5, True),
        (bool, False, 0),
        (bytes, b"", ""),
        (type(None), None, 0),
        (date, date(2025, 1, 1), "2025-01-01"),
        (Colour, Colour.RED, "red"),
        (OrderId, "o-1", 1),
        (Annotated[int, "an id"], 1, "1"),
        (Literal["a", 1], 1, True),
        (int | None, None, "1"),
        (list[int], [1], ["1"]),
        (list, ["anything"], "text"),
        (Sequence[str], ("a",), "a"),
        (set[int], {1}, [1]),
        (tuple[int, str], [1, "a"], [1]),
        (tuple[int, ...], [1, 2], [1, "2"]),
        (tuple, [1], 1),
        (dict[str, int], {"a": 1}, {"a": "1"}),
        (Mapping[int, int], {1: 1}, {"1": 1}),
        (dict, {"a": 1}, []),
        (Item, {"price": 1}, {"price": 1, "more": 2}),
        (Item, {"price": 1, "note": None}, {"note": "x"}),
        (Any, object(), None),
    ],
)
def test_types(kind: Any, right: Any, wrong: Any) -> None:
    """Each type takes its own values as they are, and refuses others; nothing is converted."""
    assert problems({"a": kind}, {"a": right}) == []
    if kind is not Any:
        assert [path for path, _ in problems({"a": kind}, {"a": wrong})] != []


@pytest.mark.parametrize("kind", [Item, {"price": float, "note": NotRequired[str | None]}])
def test_every_problem_is_listed(kind: object) -> None:
    """All that is missing, unknown and of another type is listed, each with its path."""
    assert problems(kind, {"note": 1, "more": 2}) == [
        ("input.price", "is missing"),
        ("input.more", "is unknown"),
        ("input.note", "expected str or None"),
    ]


def test_a_dataclass_is_made() -> None:
    """A mapping becomes an instance of the dataclass, all the way down; an instance passes."""
    read, wrong = shape("input", Order).read({"id": "o-1", "items": [], "parent": {"id": "o-0", "items": []}})
    assert (read, wrong) == (Order(OrderId("o-1"), [], parent=Order(OrderId("o-0"), [])), [])
    assert shape("input", Order).read(read)[0] is read


def test_paths_lead_to_the_problem() -> None:
    """A path goes through lists, mappings, unions and classes that hold themselves."""
    given = {"id": "o-1", "items": [{"price": 1}, {"price": "2"}], "tags": {"a": 1}, "parent": {"id": 3, "items": []}}
    assert problems(Order, given) == [
        ("input.items[1].price", "expected float, got str"),
        ("input.tags.a", "expected str, got int"),
        ("input.parent.id", "expected str, got int"),
    ]


def test_what_a_dataclass_says_itself() -> None:
    """What __post_init__ refuses is a problem too."""
    assert problems(Order, {"id": "bad", "items": []}) == [("input", "the id is a bad one")]


def test_a_pydantic_model() -> None:
    """A model is checked by pydantic, with the same paths and no values."""
    assert shape("input", Model).read({"id": "1"})[0] == Model(id=1)
    found = problems({"model": Model}, {"model": {"id": "canary", "items": [1, -1]}})
    assert [path for path, _ in found] == ["input.model.id", "input.model.items[1]"]
    assert "canary" not in repr(found)


@pytest.mark.parametrize("value", [None, 1, [], "text"])
def test_what_is_no_object(value: Any) -> None:
    """Something else in place of an object is one problem."""
    for kind in (Item, Order, {"a": int}, dict[str, int]):
        assert len(problems(kind, value)) == 1


def test_no_shape_takes_anything() -> None:
    """Without a type all passes."""
    assert problems(None, object()) == []


class Partial(TypedDict, total=False):
    """A TypedDict where most may be missing."""

    a: Required[int]
    b: int


def test_total_false() -> None:
    """Required and total=False mean what they say."""
    assert problems(Partial, {}) == [("input.a", "is missing")]


class Unknown(TypedDict):
    """A TypedDict with a name that is not there."""

    a: "Nothing"  # type: ignore[name-defined]  # noqa: F821  # pyright: ignore[reportUndefinedVariable]


@pytest.mark.parametrize("kind", [3, {"a": 3}, {"a": list[3]}, Unknown, "Order"])  # type: ignore[valid-type]
def test_what_cannot_be_checked(kind: object) -> None:
    """A type that says nothing is refused when it is read, not when data comes."""
    with pytest.raises(ConfigError):
        shape("input", kind)
