"""Changing a secret by hand in a vault that a config manages: warn, ask, and release the vault after the write."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from tailorsecrets.cli.failures import Failed
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.prompts import confirm
from tailorsecrets.errors import SecretsError, VaultNotFound
from tailorsecrets.store.names import check_names
from tailorsecrets.store.store import workspace_of

if TYPE_CHECKING:
    from tailorsecrets.driver import Entry
    from tailorsecrets.store.record import Owner
    from tailorsecrets.store.store import Store

_RELEASED: Final = "{} no longer manages the vault {}; its next apply treats the vault as unmanaged"


def announce_write(invocation: Invocation, verb: str, vault: str, secret: str) -> None:
    """Check the names and announce the change; raise Denied under a profile that may only read."""
    check_names([("vault", vault), ("secret", secret)])
    invocation.announce(f"secret {verb} {vault}/{secret}")


def say_note(invocation: Invocation, path: str, written: "Entry") -> None:
    """Show the note of a write that is done but incomplete, for example without its stamp."""
    if written.note:
        invocation.io.say(f"note: {path}: {written.note}")


def owner_of(store: "Store", vault: str, *, must_exist: bool = True) -> "Owner | None":
    """Return the owner of *vault*; VaultNotFound where it *must_exist* and does not."""
    try:
        return workspace_of(store).record(vault).owner
    except VaultNotFound:
        if must_exist:
            raise
    return None


@contextmanager
def by_hand(
    store: "Store", vault: str, invocation: Invocation, *, must_exist: bool = True
) -> "Generator[Owner | None]":
    """Warn where a config manages *vault*, and release the vault after the change in the block.

    Raise VaultNotFound where the vault *must_exist* and does not, Failed with RELEASE_FAILED where the change is done
    and the release failed.
    """
    owner = owner_of(store, vault, must_exist=must_exist)
    with releasing(store, vault, owner, invocation):
        yield owner


@contextmanager
def releasing(store: "Store", vault: str, owner: "Owner | None", invocation: Invocation) -> Generator[None]:
    """Do as by_hand for *vault*, whose *owner* is known."""
    if owner is not None:
        invocation.io.say(
            f"warning: the config of {owner_name(owner)} manages the vault {vault}; "
            "a change by hand makes the vault unmanaged"
        )
    yield
    if owner is not None:
        _release(store, vault, owner, invocation)


@contextmanager
def by_hand_if_agreed(
    store: "Store", vault: str, question: str, invocation: Invocation, *, code: str, yes: bool, must_exist: bool = True
) -> Generator[None]:
    """Do as by_hand, and ask *question* where a config manages *vault*; raise Refused with *code* for a No."""
    with by_hand(store, vault, invocation, must_exist=must_exist) as owner:
        if owner is not None:
            confirm(question, invocation, code=code, yes=yes)
        yield


def _release(store: "Store", vault: str, owner: "Owner", invocation: Invocation) -> None:
    try:
        workspace_of(store).release(vault)
    except SecretsError as error:
        problem = str(error)
    else:
        invocation.io.say(_RELEASED.format(owner_name(owner), vault))
        return
    raise Failed(
        f"the secret is written, but {owner_name(owner)} still manages its vault: {problem}",
        code="RELEASE_FAILED",
        hint=f"run: tailorsecrets secret vault release {vault}{invocation.common.flags()}",
    )


def other_owner(owner: "Owner", mine: "Owner") -> str:
    """Return how messages name *owner* beside *mine*, which may have the same name."""
    return f"{owner_name(owner)}, another id" if owner.name == mine.name else owner_name(owner)


def owner_name(owner: "Owner") -> str:
    """Return how messages name *owner*."""
    return owner.name or owner.id
