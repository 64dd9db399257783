"""Octets as text."""

from tailorsecrets.errors import Corrupt
from tailorsecrets.secret import Secret


def as_text(octets: bytes) -> Secret:
    """Return *octets*, the value that a store holds, as text; raise Corrupt where they are not UTF-8.

    The error does not quote the value: not its text, not an exception behind it, and not a frame of its traceback in
    this function. Pass the octets without a name: ``as_text(response.content)``. A name would keep them in the caller's
    frame.
    """
    try:
        return Secret(octets.decode())
    except UnicodeDecodeError:
        pass  # raised below: the decoder's own error holds the value
    del octets
    raise Corrupt("the value is not UTF-8")
