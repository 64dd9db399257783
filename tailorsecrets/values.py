"""What a value may be, and how it is written where a store cannot hold it as it is. Pure."""

from typing import Final

from tailorsecrets.errors import ValueInvalid
from tailorsecrets.secret import Secret

_MARK: Final = "tailorsecrets:"
_ESCAPED: Final = "tailorsecrets:="


def check_text(value: Secret) -> None:
    """Raise ValueInvalid for a value with lone surrogates, which no UTF-8 can carry."""
    if not _is_text(value.reveal()):
        raise ValueInvalid("the value is not valid text: it holds a lone surrogate", hint="values are UTF-8 text")


def size(value: Secret) -> int:
    """Return the bytes of *value* in UTF-8."""
    return len(value.reveal().encode())


def needs_escape(value: Secret, *, empty: bool) -> bool:
    """Tell whether a store (*empty*: one that holds "") gets *value* in its escaped form."""
    text = value.reveal()
    return not empty and (not text or text.startswith(_MARK))


def escape(value: Secret, *, empty: bool) -> Secret:
    """Return what is written for *value*: itself, or the escaped form in a store that cannot hold ""."""
    return Secret(_ESCAPED + value.reveal()) if needs_escape(value, empty=empty) else value


def unescape(stored: Secret, *, empty: bool) -> Secret:
    """Return the value that *stored* stands for."""
    text = stored.reveal()
    return Secret(text.removeprefix(_ESCAPED)) if not empty and text.startswith(_ESCAPED) else stored


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
