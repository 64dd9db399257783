"""Azure deletes, recovers and purges in its own time: waiting for it, and asking again what it refuses meanwhile.

A deleted secret is found among the deleted ones only some seconds later, one that is recovered is there again only
some seconds later, and until then Azure answers a write of that name with 409.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.keyvault.secrets import SecretClient

from tailorsecrets.driver import Entry
from tailorsecrets_azure.entries import entry_of
from tailorsecrets_azure.errors import DELETED, PASSING, inner_code, is_missing, retry_after
from tailorsecrets_azure.retry import Budget

T = TypeVar("T")

_FORBIDDEN = 403
_TOO_MANY = 429


def once_settled(client: SecretClient, name: str, budget: Budget, do: Callable[[], T]) -> T:
    """Return what *do* returns, a write of *name*: again and again while Azure says that it may work later.

    Whatever Azure refuses it has not done. A deleted secret is recovered first.
    """
    while True:
        try:
            return do()
        except HttpResponseError as refusal:
            code = inner_code(refusal)
            may_work_later = refusal.status_code == _TOO_MANY or code in {DELETED, *PASSING}
            if not (may_work_later and budget.pause(retry_after(refusal.response) or 0.0)):
                raise
        if code == DELETED:
            with missing_is_fine():  # somebody else recovered or purged it
                once_settled(client, name, budget, partial(recover, client, name, budget))


def recover(client: SecretClient, name: str, budget: Budget) -> None:
    """Have Azure begin to recover *name*."""
    client.begin_recover_deleted_secret(name, seconds=budget.left)


def wait_until_deleted(client: SecretClient, name: str, budget: Budget) -> None:
    """Wait until *name* is found among the deleted, as long as there is time: it reads as missing in any case."""
    while not _is_deleted(client, name, budget) and budget.pause():
        pass


def deleted_entry(client: SecretClient, name: str, budget: Budget) -> Entry:
    """Return the entry of a deleted secret; to a login that may not see it Azure tells only that it is there."""
    try:
        found = client.get_deleted_secret(name, seconds=budget.left)
    except HttpResponseError as refusal:
        if refusal.status_code == _FORBIDDEN:
            return Entry(name=name, state="deleted")
        raise
    return entry_of(name, found.properties, state="deleted")


@contextmanager
def missing_is_fine() -> Generator[None]:
    """Let pass that Key Vault knows no such secret."""
    try:
        yield
    except ResourceNotFoundError as answer:
        if not is_missing(answer):
            raise


def _is_deleted(client: SecretClient, name: str, budget: Budget) -> bool:
    try:
        deleted_entry(client, name, budget)
    except ResourceNotFoundError:
        return False
    return True
