"""Finding the key of a store file in the environment: key text, key files, passphrase, age identities."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from tailorsecrets.errors import Corrupt, Unauthenticated
from tailorsecrets.secret import Secret
from tailorsecrets_file import age, hpke, keyfiles, origins, slots
from tailorsecrets_file.crypto import FileKey
from tailorsecrets_file.header import Header, Slot
from tailorsecrets_file.origins import Origin

KEY: Final = "TAILORSECRETS_FILE_KEY"
KEY_FILE: Final = "TAILORSECRETS_FILE_KEY_FILE"
PASSPHRASE: Final = "TAILORSECRETS_FILE_PASSPHRASE"  # noqa: S105  # the name of a variable
AGE_IDENTITY: Final = "TAILORSECRETS_FILE_AGE_IDENTITY"


def unlock(header: Header, environ: Mapping[str, str], path: str) -> FileKey:
    """Return the key of the file.

    One way is tried and no other: a writer without a key can add slots for keys that are public. A key file of the
    user's own and an age identity open only the file whose origin the user remembers.

    Raises Unauthenticated if that way does not open it, Corrupt if the header was altered or the file replaced.
    """
    user = not configured(environ)
    way = _by_remembered if user else _by_configured
    key = _vouched(header, way(header, environ, path), environ, path)
    origins.check(environ, path, Origin(header.file_id, key.origin_id), user=user)
    return key


def unlock_anew(header: Header, environ: Mapping[str, str], path: str) -> FileKey:
    """Return the key of a file whose origin is about to be accepted: the identities of SOPS and age may open it."""
    way = _by_configured if configured(environ) else _by_any_own
    return _vouched(header, way(header, environ, path), environ, path)


def configured(environ: Mapping[str, str]) -> str:
    """Return the name of the variable whose key or passphrase is the only one to try, "" if none is set."""
    return next((name for name in (KEY, KEY_FILE, PASSPHRASE) if environ.get(name)), "")


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


def _vouched(header: Header, key: FileKey | None, environ: Mapping[str, str], path: str) -> FileKey:
    if key is None:
        raise Unauthenticated(f"no key at hand opens {path}", hint=_remedy(header, environ, path))
    if not header.vouched(key):
        raise Corrupt(f"the header of {path} was altered", hint=f"restore {path} from git or from a backup")
    return key


def _by_configured(header: Header, environ: Mapping[str, str], _path: str) -> FileKey | None:
    name = configured(environ)
    if name == KEY:
        return _by_key(header, [keyfiles.decode(environ[KEY], KEY)])
    if name == KEY_FILE:
        return _by_key(header, [_named_key(environ[KEY_FILE])])
    return _by_passphrase(header, Secret(environ[PASSPHRASE]))


def _by_own(header: Header, environ: Mapping[str, str], *, found: bool) -> FileKey | None:
    """Try the user's own key files of this file, else a named age identity, else with *found* those of SOPS and age."""
    if own := keyfiles.own(environ, header.file_id):
        return _by_key(header, map(keyfiles.load, own))
    if named := environ.get(AGE_IDENTITY):
        return _by_age(header, lambda: age.named_identities(named, AGE_IDENTITY))
    return _by_age(header, lambda: age.found_identities(environ)) if found else None


def _by_remembered(header: Header, environ: Mapping[str, str], path: str) -> FileKey | None:
    before = origins.remembered(environ, path)
    if before and before.file_id != header.file_id:
        raise origins.replaced(path)
    return _by_own(header, environ, found=before is not None)


def _by_any_own(header: Header, environ: Mapping[str, str], _path: str) -> FileKey | None:
    return _by_own(header, environ, found=True)


def _by_key(header: Header, secrets: Iterable[bytes]) -> FileKey | None:
    own = {slot.public: slot for slot in slots.of_kind(header.slots, "key")}
    for secret in secrets:
        if slot := own.get(hpke.public(secret)):
            return slots.opened(slot, secret, header.file_id)
    return None


def _named_key(path: str) -> bytes:
    try:
        return keyfiles.load(path)
    except FileNotFoundError as error:
        raise Unauthenticated(f"{KEY_FILE} names {path}, which does not exist") from error


def _by_passphrase(header: Header, passphrase: Secret) -> FileKey | None:
    for slot in slots.of_kind(header.slots, "passphrase"):
        if slot.argon2 is None:
            continue
        secret = slots.stretched(passphrase, slot.argon2)
        if hpke.public(secret) == slot.public:
            return slots.opened(slot, secret, header.file_id)
    return None


def _by_age(header: Header, identities: Callable[[], list[str]]) -> FileKey | None:
    sealed = list(slots.of_kind(header.slots, "age"))
    found = identities() if sealed else []
    if not found:
        return None
    return next(filter(None, (slots.opened_by_age(slot, found) for slot in sealed)), None)


def _remedy(header: Header, environ: Mapping[str, str], path: str) -> str:
    ways: Mapping[str, Callable[[], str]] = {
        "key": lambda: f"put its key file into {keyfiles.folder(environ)}, or set {KEY} or {KEY_FILE}",
        "passphrase": lambda: f"set {PASSPHRASE}",
        "age": lambda: (
            f"set {AGE_IDENTITY} to an identity of one of its recipients, or run: {origins.trust_command(path)}"
        ),
    }
    only = configured(environ) or ", ".join(keyfiles.own(environ, header.file_id))
    kinds = {slot.kind for slot in header.slots} - ({"age"} if only else set())  # an age slot may be an attacker's
    fitting = [say() for kind, say in ways.items() if kind in kinds]
    tried = f"only {only} was tried; " if only and only != PASSPHRASE else ""
    return (tried + "; or ".join(fitting)).removesuffix("; ")
