"""Azure's slow deletes, recoveries and purges: waiting for them, and repeating the writes that it refuses meanwhile.

A deleted secret takes some seconds to appear among the deleted ones, and a recovered one takes some seconds to be back.
Until then Azure answers a write of that name with 409.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.keyvault.secrets import SecretClient

from tailorsecrets.driver import Budget, Entry
from tailorsecrets_azure.entries import entry_of
from tailorsecrets_azure.errors import DELETED, PASSING, inner_code, is_missing, retry_after

T = TypeVar("T")

_FORBIDDEN = 403
_TOO_MANY = 429


def once_settled(client: SecretClient, name: str, budget: Budget, write: Callable[[], T]) -> T:
    """Return the result of *write*, a write of *name*; repeat it while Azure says that it may work later.

    Azure has not done a write that it refuses. A deleted secret is recovered first.
    """
    while True:
        try:
            return write()
        except HttpResponseError as refusal:
            code = inner_code(refusal)
            may_work_later = refusal.status_code == _TOO_MANY or code in {DELETED, *PASSING}
            if not (may_work_later and budget.wait(retry_after(refusal.response))):
                raise
        if code == DELETED:
            with missing_is_fine():  # another tool recovered or purged it
                once_settled(client, name, budget, partial(recover, client, name, budget))


def recover(client: SecretClient, name: str, budget: Budget) -> None:
    """Begin to recover *name*."""
    client.begin_recover_deleted_secret(name, seconds=budget.left)


def wait_until_deleted(client: SecretClient, name: str, budget: Budget) -> None:
    """Wait until *name* is among the deleted secrets, or no time is left: it reads as missing in any case."""
    while not _is_deleted(client, name, budget) and budget.wait():
        pass


def deleted_entry(client: SecretClient, name: str, budget: Budget) -> Entry:
    """Return the entry of a deleted secret; a login without the right to see it learns only that it is there."""
    try:
        secret = client.get_deleted_secret(name, seconds=budget.left)
    except HttpResponseError as refusal:
        if refusal.status_code == _FORBIDDEN:
            return Entry(name=name, state="deleted")
        raise
    return entry_of(name, secret.properties, state="deleted")


@contextmanager
def missing_is_fine() -> Generator[None]:
    """Ignore Key Vault's answer that there is no such secret."""
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
