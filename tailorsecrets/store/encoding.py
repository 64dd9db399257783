"""The values that are allowed, and their escaped form for stores that cannot hold the empty string. Pure."""

from typing import Final

from tailorsecrets.secret import Secret

_MARK: Final = "tailorsecrets:"
_ESCAPED: Final = "tailorsecrets:="


def is_text(value: Secret) -> bool:
    """Tell whether UTF-8 can carry *value*: it has no lone surrogates."""
    try:
        value.reveal().encode()
    except UnicodeEncodeError:
        return False
    return True


def size(value: Secret) -> int:
    """Return the bytes of *value* in UTF-8."""
    return len(value.reveal().encode())


def needs_escape(value: Secret, *, empty: bool) -> bool:
    """Tell whether a store (*empty*: one that holds "") gets *value* in its escaped form."""
    text = value.reveal()
    return not empty and (not text or text.startswith(_MARK))


def escape(value: Secret, *, empty: bool) -> Secret:
    """Return the text to write for *value*: itself, or the escaped form in a store that cannot hold ""."""
    return Secret(_ESCAPED + value.reveal()) if needs_escape(value, empty=empty) else value


def unescape(stored: Secret, *, empty: bool) -> Secret:
    """Return the value whose stored form is *stored*."""
    text = stored.reveal()
    return Secret(text.removeprefix(_ESCAPED)) if not empty and text.startswith(_ESCAPED) else stored
