"""What came of an executor, and what can go wrong in an app.

::

    SecretsError
      InputInvalid      a resolver was called with data that its input type does not allow
      OutputInvalid     a resolver returned data that its output type does not allow
      WebhookFailed     the other side answered, but not with a 2xx
      BodyFailed        a body or callback of the app raised an exception
"""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tailorsecrets.errors import SecretsError


class InputInvalid(SecretsError):
    """A resolver was called with wrong data; ``problems`` has every (path, problem), without values."""

    code, meaning = "INPUT_INVALID", "the input is not of the declared type"

    def __init__(self, message: str = "", *, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class OutputInvalid(InputInvalid):
    """A resolver returned wrong data."""

    code, meaning = "OUTPUT_INVALID", "the output is not of the declared type"


class WebhookFailed(SecretsError):
    """A webhook was answered with ``status``, which is no 2xx."""

    code, meaning = "WEBHOOK_FAILED", "the webhook was not accepted"

    def __init__(self, message: str = "", *, status: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class BodyFailed(SecretsError):
    """A body or callback raised; ``exception`` is the name of the exception's class.

    Its message is not repeated, for it may quote a secret that the body has read; the note of this error has the
    frames. A body that has more to tell catches the exception itself.
    """

    code, meaning = "BODY_FAILED", "a body raised an exception"

    def __init__(self, message: str = "", *, exception: str = "") -> None:
        super().__init__(message)
        self.exception = exception


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one executor: the value that its operation gave, or the error. Neither shows a secret."""

    executor: str
    ok: bool
    value: Any = None
    error: SecretsError | None = None


def failure(where: str, exc: BaseException) -> SecretsError:
    """Return what an Outcome may say of *exc*: no locals, no chain, and no message that is not our own."""
    if isinstance(exc, SecretsError):
        exc.__cause__ = exc.__context__ = None
        return exc.with_traceback(None)
    frames = traceback.extract_tb(exc.__traceback__)
    last = f", {frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    error = BodyFailed(f"{where}: {type(exc).__name__}{last}", exception=type(exc).__name__)
    error.add_note("\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames))
    return error
