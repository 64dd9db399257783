"""Azure's slow deletes, recoveries and purges: waiting for them, and repeating the writes that it refuses meanwhile.

A deleted secret takes some seconds to appear among the deleted ones, and a recovered one takes some seconds to be back.
Until then Azure answers a write of that name with 409.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from azure.core.exceptions import AzureError, HttpResponseError
from azure.keyvault.secrets import SecretClient

from tailorsecrets.driver import Budget, Entry
from tailorsecrets.errors import Unavailable
from tailorsecrets_azure.entries import entry_of
from tailorsecrets_azure.errors import PASSING, inner_code, is_refused, missing_is_fine, retry_after
from tailorsecrets_azure.retry import is_broken

T = TypeVar("T")

_FORBIDDEN: Final = 403
_CONFLICT: Final = 409
_TOO_MANY: Final = 429


def once_settled(budget: Budget, write: Callable[[], T], if_deleted: Callable[[], None] = lambda: None) -> T:
    """Return the result of *write*; repeat it while Azure refuses it temporarily, since a refused write is not done.

    Before a repeat, call *if_deleted*, unless Azure says that the name is still being deleted or recovered.
    """
    while True:
        try:
            return write()
        except HttpResponseError as refusal:
            for_now = refusal.status_code in {_CONFLICT, _TOO_MANY}
            if not (for_now and budget.wait(retry_after(refusal.response))):
                raise
            may_be_deleted = refusal.status_code == _CONFLICT and inner_code(refusal) not in PASSING
        if may_be_deleted:
            if_deleted()


def until_answered(budget: Budget, write: Callable[[], object]) -> None:
    """Call *write*, and again while its answer gets lost: it must do nothing more the second time."""
    try:
        write()
    except (AzureError, Unavailable) as exc:
        if is_refused(exc) or not (is_broken(exc) and budget.wait()):
            raise
    else:
        return
    with missing_is_fine():  # because the first one was done
        until_answered(budget, write)


def _begin(budget: Budget, write: Callable[[], object]) -> None:
    """Call *write*, which Azure may refuse for now, and whose answer may get lost."""
    until_answered(budget, partial(once_settled, budget, write))


def recover(client: SecretClient, name: str, budget: Budget) -> None:
    """Begin to recover *name*."""
    _begin(budget, lambda: client.begin_recover_deleted_secret(name, seconds=budget.left))


def recover_if_deleted(client: SecretClient, name: str, budget: Budget) -> None:
    """Begin to recover *name*, unless another tool recovered or purged it."""
    with missing_is_fine():
        recover(client, name, budget)


def delete(client: SecretClient, name: str, budget: Budget) -> None:
    """Delete *name*, and wait until it is among the deleted; if no time is left, it reads as missing all the same."""
    _begin(budget, lambda: client.begin_delete_secret(name, seconds=budget.left))
    while not _is_deleted(client, name, budget) and budget.wait():
        pass


def purge(client: SecretClient, name: str, budget: Budget) -> None:
    """Destroy the deleted *name*."""
    _begin(budget, lambda: client.purge_deleted_secret(name, seconds=budget.left))


def deleted_entry(client: SecretClient, name: str, budget: Budget) -> Entry:
    """Return the entry of a deleted secret; a login without the right to see it learns only that it is there."""
    try:
        secret = client.get_deleted_secret(name, seconds=budget.left)
    except HttpResponseError as refusal:
        if refusal.status_code == _FORBIDDEN:
            return Entry(name=name, state="deleted")
        raise
    return entry_of(name, secret.properties, state="deleted")


def _is_deleted(client: SecretClient, name: str, budget: Budget) -> bool:
    with missing_is_fine():
        return bool(deleted_entry(client, name, budget))
    return False
