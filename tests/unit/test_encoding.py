"""Values, and the type that prints nothing."""

import copy
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tailorsecrets.secret import Secret
from tailorsecrets.store import encoding

texts = st.one_of(st.text(), st.text().map("tailorsecrets:".__add__), st.text().map("tailorsecrets:=".__add__))


@given(texts, st.booleans())
def test_escape_is_undone(text: str, empty: bool) -> None:
    """What is written for a value reads back as the value, on stores that hold "" and on those that do not."""
    written = encoding.escape(Secret(text), empty=empty)
    assert encoding.unescape(written, empty=empty).reveal() == text
    assert empty or written.reveal()


@given(texts, texts)
def test_escape_is_injective(one: str, other: str) -> None:
    """Two values are written as two texts."""
    written = [encoding.escape(Secret(text), empty=False).reveal() for text in (one, other)]
    assert (one == other) == (written[0] == written[1])


def test_plain_values_stay_plain() -> None:
    """Only "" and values that begin with the mark are escaped."""
    assert encoding.escape(Secret("sk_live"), empty=False).reveal() == "sk_live"
    assert encoding.escape(Secret(""), empty=False).reveal() == "tailorsecrets:="
    assert encoding.escape(Secret(""), empty=True).reveal() == ""


def test_lone_surrogates_are_no_text() -> None:
    """A value is text that UTF-8 can carry."""
    assert not encoding.is_text(Secret("a\ud800"))
    assert encoding.is_text(Secret("\ufeff\0\r\n\U0001f600"))


def test_size_is_of_utf8() -> None:
    """A value's size is that of its UTF-8 form."""
    assert encoding.size(Secret("é")) == 2


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda secret: f"{secret!r:>20}"])
def test_secret_shows_nothing(show: Callable[[Secret], str]) -> None:
    """No way of printing shows the value."""
    assert "canary" not in show(Secret("canary"))


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy, hash])
def test_secret_is_not_taken_along(take: object) -> None:
    """A value cannot be pickled, copied or hashed."""
    assert callable(take)
    with pytest.raises(TypeError):
        take(Secret("canary"))


def test_secrets_compare() -> None:
    """Equality is by value, and only among secrets."""
    assert Secret("a\ud800") == Secret("a\ud800")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
