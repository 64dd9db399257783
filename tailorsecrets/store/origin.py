"""Where a plugin raised an exception: its class and a line of the plugin. Its message may hold a value."""

from collections.abc import Iterator
from types import TracebackType
from typing import Final

from tailorsecrets.errors import SecretsError

_CORE: Final = __name__.partition(".")[0]


def origin_of(exc: BaseException) -> str:
    """Return the class of *exc* and the deepest line of the plugin that raised it; "" for one that the core raised.

    What an SDK does below that line is the SDK's own business.
    """
    if isinstance(exc, SecretsError) and exc.origin:
        return exc.origin
    frames = [(package, place) for package, place in _frames(exc.__traceback__) if package != _CORE]
    ours = [place for package, place in frames if package == frames[0][0]]
    kind = type(exc)
    return f"{kind.__module__}.{kind.__qualname__} at {ours[-1]}" if ours else ""


def _frames(trace: TracebackType | None) -> Iterator[tuple[str, str]]:
    """Yield the package and the place of each frame, outermost first."""
    while trace is not None:
        frame = trace.tb_frame
        name = str(frame.f_globals.get("__name__", ""))
        yield name.partition(".")[0], f"{frame.f_code.co_filename}:{trace.tb_lineno} in {frame.f_code.co_name}"
        trace = trace.tb_next
