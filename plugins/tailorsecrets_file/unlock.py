"""Finding the key of a store file in the environment: key text, key files, passphrase, age identities."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from tailorsecrets.errors import Corrupt, Unauthenticated
from tailorsecrets.secret import Secret
from tailorsecrets_file import age, hpke, keyfiles, slots
from tailorsecrets_file.crypto import FileKey
from tailorsecrets_file.header import Header, Slot

KEY: Final = "TAILORSECRETS_FILE_KEY"
KEY_FILE: Final = "TAILORSECRETS_FILE_KEY_FILE"
PASSPHRASE: Final = "TAILORSECRETS_FILE_PASSPHRASE"  # noqa: S105  # the name of a variable


def unlock(header: Header, environ: Mapping[str, str], path: str) -> FileKey:
    """Return the key of the file; Unauthenticated if nothing at hand opens it, Corrupt if its header was altered."""
    for way in (_by_key, _by_passphrase, _by_age):
        key = way(header, environ)
        if key is None:
            continue
        if not header.vouched(key):
            raise Corrupt(f"the header of {path} was altered", hint=f"restore {path} from git or from a backup")
        return key
    raise Unauthenticated(f"no key at hand opens {path}", hint=_remedy(header, environ))


def first_slot(environ: Mapping[str, str], file_id: str, key: FileKey, now: datetime) -> Slot:
    """Return the slot of a new file, for the key that the environment gives, else for a new key file, made now."""
    if not environ.get(KEY) and not environ.get(KEY_FILE) and (passphrase := environ.get(PASSPHRASE)):
        return slots.passphrase_slot(Secret(passphrase), file_id, key, now)
    if text := environ.get(KEY):
        return slots.key_slot(keyfiles.decode(text, KEY), KEY, file_id, key, now)
    path = environ.get(KEY_FILE) or keyfiles.unused(environ, file_id)
    return slots.key_slot(keyfiles.load_or_create(path), label(path, environ), file_id, key, now)


def label(path: str, environ: Mapping[str, str]) -> str:
    """Return how a slot names its key file: without the home folder, for the header may be public."""
    home = environ.get("HOME", "")
    return f"~{path.removeprefix(home)}" if home and path.startswith(f"{home}/") else path


def _by_key(header: Header, environ: Mapping[str, str]) -> FileKey | None:
    own = {slot.public: slot for slot in slots.of_kind(header.slots, "key")}
    for secret in _keys(header.file_id, environ):
        if slot := own.get(hpke.public(secret)):
            return slots.opened(slot, secret, header.file_id)
    return None


def _keys(file_id: str, environ: Mapping[str, str]) -> Iterator[bytes]:
    if text := environ.get(KEY):
        yield keyfiles.decode(text, KEY)
    if path := environ.get(KEY_FILE):
        yield _named_key(path)
    for path in keyfiles.own(environ, file_id):
        yield keyfiles.load(path)


def _named_key(path: str) -> bytes:
    try:
        return keyfiles.load(path)
    except FileNotFoundError as error:
        raise Unauthenticated(f"{KEY_FILE} names {path}, which does not exist") from error


def _by_passphrase(header: Header, environ: Mapping[str, str]) -> FileKey | None:
    if not (passphrase := environ.get(PASSPHRASE)):
        return None
    for slot in slots.of_kind(header.slots, "passphrase"):
        if slot.argon2 is None:
            continue
        secret = slots.stretched(Secret(passphrase), slot.argon2)
        if hpke.public(secret) == slot.public:
            return slots.opened(slot, secret, header.file_id)
    return None


def _by_age(header: Header, environ: Mapping[str, str]) -> FileKey | None:
    sealed = list(slots.of_kind(header.slots, "age"))
    found = age.identities(environ) if sealed else []
    if not found:
        return None
    return next(filter(None, (slots.opened_by_age(slot, found) for slot in sealed)), None)


def _remedy(header: Header, environ: Mapping[str, str]) -> str:
    ways: Mapping[str, Callable[[], str]] = {
        "key": lambda: f"put its key file into {keyfiles.folder(environ)}, or set {KEY} or {KEY_FILE}",
        "passphrase": lambda: f"set {PASSPHRASE}",
        "age": lambda: "set SOPS_AGE_KEY or SOPS_AGE_KEY_FILE to an identity of one of its recipients",
    }
    kinds = {slot.kind for slot in header.slots}
    return "; or ".join(say() for kind, say in ways.items() if kind in kinds)
