"""Manage the keys that open a store file: list, add and remove them, and rekey the file.

Each function takes the target of the file and, but for ``list_slots``, needs a key that opens it, found as for any
read. A caller that has asked for a passphrase puts it into ``target.environ`` as ``TAILORSECRETS_FILE_PASSPHRASE``.

They raise StoreNotFound, Unauthenticated, Corrupt, Conflict, and what the disk raises (``FileDriver.explain`` says what
that means). A kill at any instant leaves the old file or the new one, and one of its keys opens it.
"""

import os
from datetime import UTC, datetime

from tailorsecrets.driver import Target
from tailorsecrets.errors import AlreadyExists, ConfigError, Conflict, NotFound, Refused, Unauthenticated, Unsupported
from tailorsecrets.secret import Secret
from tailorsecrets_file import key_files, slots
from tailorsecrets_file.draft import Draft
from tailorsecrets_file.header import Slot, SlotKind
from tailorsecrets_file.key_search import KeySearch, label
from tailorsecrets_file.store_file import StoreFile

_MOST_SLOTS = 256  # a merge may leave more; readers accept ``header.MAX_SLOTS``
_MOST_PASSPHRASES = 8

__all__ = [
    "Slot",
    "SlotKind",
    "add_slot",
    "list_lost_slots",
    "list_slots",
    "origin_of",
    "rekey",
    "remove_slot",
    "trust",
]


def list_slots(target: Target) -> list[Slot]:
    """Return the slots of the file, oldest first. This needs no key, so they are not authenticated."""
    return sorted(StoreFile(target).slots(), key=lambda slot: (slot.created, slot.id))


def list_lost_slots(target: Target) -> list[Slot]:
    """Return the slots that a merge dropped, oldest first: one branch added them while another rekeyed the file.

    They open nothing. Add the key again, or rekey the file to forget them. They are not authenticated.
    """
    return sorted(StoreFile(target).lost(), key=lambda slot: (slot.created, slot.id))


def origin_of(target: Target) -> str:
    """Return the id of the file's origin, whatever the user remembers; all holders of a file see the same one.

    The key must be available as for a read, or as an age identity where SOPS and age keep them.
    """
    return StoreFile(target).origin().origin_id


def trust(target: Target, origin_id: str = "") -> str:
    """Accept the current origin of the file, whatever the user remembers. Return a message for the user.

    Raises Conflict if *origin_id* is given and the file has another origin, and the same errors as ``origin_of``.
    """
    file = StoreFile(target)
    origin = file.origin()
    if origin_id not in {"", origin.origin_id}:
        raise Conflict(f"{file.path} was replaced in the meantime", hint="run the command again")
    file.accept(origin)
    return f"trusted {file.path}; its origin is {origin.origin_id}"


def add_slot(
    target: Target,
    kind: SlotKind,
    *,
    recipient: str = "",
    path: str = "",
    passphrase: Secret | None = None,
    allow_weak: bool = False,
) -> Slot:
    """Add a key that opens the file.

    Of kind ``key``: the key file at *path*, made if there is none; without *path*, a new one in the user's config
    folder. Of kind ``passphrase``: *passphrase*, of at least 12 characters unless *allow_weak*. Of kind ``age``:
    *recipient*, ``age1…`` or an ssh public key.

    Raises AlreadyExists for a key or a recipient that has a slot, ConfigError for arguments that make no slot,
    ValueInvalid for a weak passphrase.
    """
    if passphrase is not None and passphrase.reveal() and not allow_weak:
        slots.check_strong(passphrase)
    with StoreFile(target).writing(create=False) as draft:
        slot = _new_slot(target, draft, kind=kind, recipient=recipient, path=path, passphrase=passphrase)
        _check_new(slot, draft.slots)
        draft.slots = (*draft.slots, slot)
        draft.changed = True
    return slot


def remove_slot(target: Target, slot_id: str, *, even_if_locked_out: bool = False) -> str:
    """Remove the key of a slot and encrypt everything again for the others. Return a message for the user.

    Branches may each have added a slot of the same key, passphrase or recipient; all of them are removed.

    Old copies of the file, such as those in git's history, stay readable by the removed key. Raises NotFound for an
    unknown *slot_id*, Unsupported for the last slot, Refused where no available key opens one of the others, unless
    *even_if_locked_out*.
    """
    with StoreFile(target).writing(create=False) as draft:
        named = next((slot for slot in draft.slots if slot.id == slot_id), None)
        if named is None:
            raise NotFound(f"there is no slot {slot_id!r}", hint="list them with: tailorsecrets file keys list")
        removed = [slot.id for slot in draft.slots if slot.holder == named.holder]
        if len(draft.slots) == len(removed):
            raise Unsupported("cannot remove the last key", hint="add another one first")
        draft.slots = tuple(slot for slot in draft.slots if slot.holder != named.holder)
        if not even_if_locked_out:
            _check_can_return(target, draft)
        draft.rekey()
    return (
        f"removed the {named.kind} {' and '.join(removed)} and encrypted everything again; old copies of the file, "
        "such as those in git, stay readable by the removed key, so change the secrets that it must not know"
    )


def rekey(target: Target) -> str:
    """Encrypt everything with a new data key, for the same slots. Return a message for the user.

    A leaked key still opens the file afterwards. Against it, add another key and remove the leaked one.
    """
    with StoreFile(target).writing(create=False) as draft:
        draft.rekey()
    return f"encrypted everything again; the same {len(draft.slots)} keys open the file, and its old copies too"


def _check_can_return(target: Target, draft: Draft) -> None:
    try:
        KeySearch(draft.header._replace(slots=draft.slots), target.environ, draft.path, target.timeout).find()
    except Unauthenticated as error:
        message, remedy = f"without that key, no available key opens {draft.path}", error.hint
    else:
        return
    ways = [remedy, "add a key of yours with: tailorsecrets file keys add", "pass --allow-lockout to remove it anyway"]
    raise Refused(f"{message}; nothing was changed", hint="; or ".join(filter(None, ways)))


def _new_slot(
    target: Target, draft: Draft, *, kind: SlotKind, recipient: str, path: str, passphrase: Secret | None
) -> Slot:
    now = datetime.now(UTC).replace(microsecond=0)
    if kind == "age" and recipient:
        return slots.age_slot(recipient, draft.key, now)
    if kind == "passphrase" and passphrase is not None and passphrase.reveal():
        return slots.passphrase_slot(passphrase, draft.file_id, draft.key, now)
    if kind == "key":
        place = os.path.abspath(path or key_files.unused(target.environ, draft.file_id))  # noqa: PTH100
        secret = key_files.load_or_create(place)
        return slots.key_slot(secret, label(place, target.environ), draft.file_id, draft.key, now)
    raise ConfigError("a passphrase slot needs a passphrase, and an age slot a recipient")


def _check_new(new: Slot, present: tuple[Slot, ...]) -> None:
    if any(new.holder == slot.holder for slot in present):
        raise AlreadyExists("this key already has a slot", hint="list them with: tailorsecrets file keys list")
    if len(present) >= _MOST_SLOTS or (
        new.kind == "passphrase" and len(list(slots.of_kind(present, "passphrase"))) >= _MOST_PASSPHRASES
    ):
        raise Unsupported(f"a file has at most {_MOST_SLOTS} slots, {_MOST_PASSPHRASES} of them for passphrases")
