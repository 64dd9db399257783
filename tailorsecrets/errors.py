"""All errors, by meaning; the same tree on every store.

::

    SecretsError
      ConfigError         the config, a profile, a URL or an option is wrong
      NameInvalid         a name is outside the grammar
      ValueInvalid        a value that no store can hold, or none at all
      UndeclaredSecret    the program asks for a name that its config does not declare
      NotFound            VaultNotFound, SecretNotFound, StoreNotFound
        VersionNotFound   a SecretNotFound: the secret exists, this version of it does not
      AlreadyExists       VaultAlreadyExists, SecretAlreadyExists
      NotEmpty            a vault that still holds secrets
      Denied              the store knows the caller and refuses
        Disabled          the secret exists and is switched off
      Unauthenticated     the store does not accept the login
      Conflict            somebody else wrote in between
      TooLarge            over the store's size limit
      Unsupported         this store cannot do that
      Corrupt             the stored data is damaged
      Throttled           too many calls
      Unavailable         no answer, or none in time
      Refused             a prompt, a guard or a missing confirmation stopped it; nothing was changed

Missing, denied and broken are three answers and never the same one. No error holds a secret value.
"""

from typing import ClassVar, Final, Literal, NamedTuple, TypeVar

_NOT_NOW: Final = frozenset({408, 429})
_SERVER_ERROR: Final = 500


class SecretsError(Exception):
    """The base of all errors that tailorsecrets raises on purpose.

    ``str()`` is one sentence for a person; ``code`` is stable, for programs and documentation. ``op``, ``store``,
    ``vault`` and ``secret`` say where it happened, as far as that is known. ``hint`` is the remedy, or empty.
    ``retryable`` tells whether the same call may succeed later; it is False once retries are spent. ``reason`` is the
    service's own code and message, for a write only its code, since the message may quote the value; the command line
    shows it with ``--verbose``. ``reason_code`` is the code alone. ``origin`` is the class of a driver's exception and
    the line of the plugin that raised it, which ``--verbose`` shows too. ``outcome`` is set where the answer to a write
    was lost and the store was read again to see whether the write was done.
    """

    code: str = "ERROR"
    retryable: bool = False
    outcome: Literal["", "not done", "unknown"] = ""
    origin: str = ""
    meaning: ClassVar[str] = "something went wrong"

    def __init__(
        self,
        message: str = "",
        *,
        hint: str = "",
        code: str = "",
        op: str = "",
        store: str = "",
        vault: str = "",
        secret: str = "",
        retryable: bool | None = None,
        reason: str = "",
        reason_code: str = "",
    ) -> None:
        super().__init__(message or self.meaning)
        self.reason, self.reason_code = reason, reason_code
        self.hint, self.op, self.store, self.vault, self.secret = hint, op, store, vault, secret
        if code:
            self.code = code
        if retryable is not None:
            self.retryable = retryable


class ConfigError(SecretsError):
    """The config, a profile, a URL or an option is wrong."""

    code, meaning = "CONFIG_INVALID", "the configuration is wrong"


class NameInvalid(SecretsError):
    """A vault, secret or workspace name is outside the grammar."""

    code, meaning = "NAME_INVALID", "the name is not allowed"


class ValueInvalid(SecretsError):
    """A value that no store can hold, or none at all."""

    code, meaning = "SECRET_VALUE_INVALID_UTF8", "the value is not text"


class UndeclaredSecret(SecretsError):
    """The program asks for a vault or secret that its config does not declare."""

    code, meaning = "UNDECLARED_SECRET", "the config does not declare it"


class NotFound(SecretsError):
    """It does not exist."""

    code, meaning = "NOT_FOUND", "it does not exist"


class VaultNotFound(NotFound):
    """There is no such vault."""

    code, meaning = "VAULT_NOT_FOUND", "the vault does not exist"


class SecretNotFound(NotFound):
    """There is no such secret, or it was deleted."""

    code, meaning = "SECRET_NOT_FOUND", "the secret does not exist"


class VersionNotFound(SecretNotFound):
    """The secret exists, and the version that was asked for cannot be read."""

    code, meaning = "VERSION_NOT_FOUND", "the version does not exist"


class StoreNotFound(NotFound):
    """The store itself does not exist, such as a missing store file."""

    code, meaning = "STORE_NOT_FOUND", "the store does not exist"


class AlreadyExists(SecretsError):
    """It exists, and should have been created."""

    code, meaning = "ALREADY_EXISTS", "it exists already"


class VaultAlreadyExists(AlreadyExists):
    """The vault exists, and should have been created."""

    code, meaning = "VAULT_ALREADY_EXISTS", "the vault exists already"


class SecretAlreadyExists(AlreadyExists):
    """The secret exists, and should have been created."""

    code, meaning = "SECRET_ALREADY_EXISTS", "the secret exists already"


class NotEmpty(SecretsError):
    """A vault that still holds secrets cannot be deleted."""

    code, meaning = "VAULT_NOT_EMPTY", "the vault is not empty"


class Denied(SecretsError):
    """The store knows the caller and refuses."""

    code, meaning = "PERMISSION_DENIED", "permission denied"


class Disabled(Denied):
    """The secret exists, and somebody disabled it."""

    code, meaning = "DISABLED", "the secret is disabled"


class Unauthenticated(SecretsError):
    """The store does not accept the login: none, a wrong key, an expired token."""

    code, meaning = "UNAUTHENTICATED", "the store does not accept the login"


class Conflict(SecretsError):
    """Somebody else wrote in between; nothing of this write was done."""

    code, meaning = "CONFLICT", "it changed in the meantime"


class TooLarge(SecretsError):
    """The value is over the store's limit."""

    code, meaning = "SECRET_VALUE_TOO_LARGE", "the value is too large for the store"


class Unsupported(SecretsError):
    """This store cannot do that."""

    code, meaning = "UNSUPPORTED", "the store cannot do that"


class Corrupt(SecretsError):
    """The stored data is damaged, or is not text."""

    code, meaning = "CORRUPT", "the stored data is damaged"


class Throttled(SecretsError):
    """The store refuses the call because there are too many."""

    code, meaning, retryable = "THROTTLED", "the store limits the rate of calls", True


class Unavailable(SecretsError):
    """The store does not answer, or not in time."""

    code, meaning, retryable = "UNAVAILABLE", "the store does not answer", True


class Refused(SecretsError):
    """A prompt, a guard or a missing confirmation stopped it; nothing was changed."""

    code, meaning = "CONFIRMATION_REQUIRED", "not confirmed"


class Problem(NamedTuple):
    """The meaning of an SDK exception, and the remedy.

    ``hint`` never quotes the exception. ``reason`` is the service's own message; the core shows it for reads and
    sign-ins, and drops it for writes, where it may quote the value. ``reason_code`` is the service's own error code.
    """

    kind: type[SecretsError]
    hint: str = ""
    retry_after: float | None = None  # seconds
    reason: str = ""
    reason_code: str = ""


E = TypeVar("E", bound=SecretsError)


def reworded(error: E, message: str, **fields: str | bool) -> E:
    """Return *error* with another *message* and other *fields*, such as ``vault``; all else stays, also its origin."""
    new = type(error).__new__(type(error), message)
    vars(new).update(vars(error), **fields)
    return new


def is_outage(status: int) -> bool:
    """Tell whether an answer of this HTTP *status* is about the service, not about the request."""
    return status in _NOT_NOW or status >= _SERVER_ERROR


def interrupted(exc: BaseException | None) -> bool:
    """Tell whether Ctrl-C is behind *exc*: an import that it stops may end in another exception."""
    seen: set[int] = set()
    while exc is not None and id(exc) not in seen:
        if isinstance(exc, KeyboardInterrupt):
            return True
        seen.add(id(exc))
        exc = exc.__cause__ or exc.__context__
    return False
