"""The value type that prints nothing."""

from typing import NoReturn, final


@final
class Secret:
    """A text value that no repr, log, traceback, format or pickle shows.

    ``reveal()`` gives the text; call it only where the value goes to a store or to the caller of ``get``.
    """

    __slots__ = ("_text",)
    __hash__ = None  # type: ignore[assignment]  # a set or dict of secrets is a mistake

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the value itself."""
        return self._text

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac

        return hmac.compare_digest(_octets(self._text), _octets(other._text))

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled or copied; pass its name instead")


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
