"""The outcome of an executor, and the errors of an app.

::

    SecretsError
      InputInvalid      the input of a resolver does not match its type
      OutputInvalid     the output of a resolver does not match its type
      WebhookFailed     the response to a webhook was not a 2xx
      BodyFailed        a body or callback of the app raised an exception
"""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tailorsecrets.errors import SecretsError


class InputInvalid(SecretsError):
    """The input of a resolver does not match its type; ``problems`` has every (path, problem), without values."""

    code, meaning = "INPUT_INVALID", "the input does not match the declared type"

    def __init__(self, message: str = "", *, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class OutputInvalid(InputInvalid):
    """The output of a resolver does not match its type."""

    code, meaning = "OUTPUT_INVALID", "the output does not match the declared type"


class WebhookFailed(SecretsError):
    """The response to a webhook had the ``status``, which is not a 2xx."""

    code, meaning = "WEBHOOK_FAILED", "the webhook was not accepted"

    def __init__(self, message: str = "", *, status: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class BodyFailed(SecretsError):
    """A body or callback raised; ``exception`` is the name of the exception's class.

    Its message is left out, because it may quote a secret that the body has read. The note of this error has the
    frames. To report more, catch the exception in the body.
    """

    code, meaning = "BODY_FAILED", "a body raised an exception"

    def __init__(self, message: str = "", *, exception: str = "") -> None:
        super().__init__(message)
        self.exception = exception


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one executor: the result of its operation, or the error. Neither shows a secret."""

    executor: str
    ok: bool
    value: Any = None
    error: SecretsError | None = None


def failure(where: str, exc: BaseException) -> SecretsError:
    """Return the error of an Outcome for *exc*: no locals, no chain, and no message except our own."""
    if isinstance(exc, SecretsError):
        exc.__cause__ = exc.__context__ = None
        return exc.with_traceback(None)
    frames = traceback.extract_tb(exc.__traceback__)
    last = f", {frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else ""
    error = BodyFailed(f"{where}: {type(exc).__name__}{last}", exception=type(exc).__name__)
    error.add_note("\n".join(f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames))
    return error
