"""Find the key of a store file: key text, key files, a passphrase, age identities."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from time import monotonic
from typing import Final, NamedTuple

from tailorsecrets.errors import Corrupt, Unauthenticated, Unavailable
from tailorsecrets.secret import Secret
from tailorsecrets_file import age, hpke, key_files, origins, slots
from tailorsecrets_file.crypto import FileKey
from tailorsecrets_file.header import Argon2, Header, Slot, SlotKind
from tailorsecrets_file.origins import Origin
from tailorsecrets_file.snapshot import restore_hint

KEY: Final = "TAILORSECRETS_FILE_KEY"
KEY_FILE: Final = "TAILORSECRETS_FILE_KEY_FILE"
PASSPHRASE: Final = "TAILORSECRETS_FILE_PASSPHRASE"  # noqa: S105  # the name of a variable
AGE_IDENTITY: Final = "TAILORSECRETS_FILE_AGE_IDENTITY"


class KeySearch(NamedTuple):
    """The search for the key of one store file.

    It tries only one source of keys, since a writer without a key can add slots for public keys, such as ssh keys. The
    user's key files and age identities open only the file whose origin the user remembers.
    """

    header: Header
    environ: Mapping[str, str]
    path: str
    seconds: float  # limit for trying a passphrase

    def find(self) -> FileKey:
        """Return the key.

        Raises Unauthenticated if the source does not open the file, Corrupt if somebody altered the header or replaced
        the file, Unavailable if the passphrase slots take too long.
        """
        own = not configured(self.environ)
        key = self._checked(self._by_remembered() if own else self._by_configured())
        origins.check(self.environ, self.path, Origin(self.header.file_id, key.origin_id), user=own)
        return key

    def find_anew(self) -> FileKey:
        """Return the key, whatever origin the user remembers; the caller is about to accept this one."""
        return self._checked(self._by_configured() if configured(self.environ) else self._by_own(found=True))

    def source(self) -> str:
        """Return the one source that ``find`` tries, in words; it is not opened."""
        name = configured(self.environ)
        if name == KEY_FILE:
            return f"the key file {label(self.environ[name], self.environ)}"
        if name:
            return f"the variable {name}"
        if own := key_files.own(self.environ, self.header.file_id):
            return f"the key file {', '.join(label(path, self.environ) for path in own)}"
        named = self.environ.get(AGE_IDENTITY)
        return f"the variable {AGE_IDENTITY}" if named else "an age identity where SOPS and age keep theirs"

    def _checked(self, key: FileKey | None) -> FileKey:
        if key is None:
            raise Unauthenticated(f"no available key opens {self.path}", hint=self._remedy())
        if not self.header.is_authentic(key):
            raise Corrupt(f"the header of {self.path} was altered", hint=restore_hint(self.path))
        return key

    def _by_configured(self) -> FileKey | None:
        name = configured(self.environ)
        value = self.environ[name]
        if name == PASSPHRASE:
            return self._by_passphrase(Secret(value))
        return self._by_key([key_files.decode(value, KEY) if name == KEY else _named_key(value)])

    def _by_remembered(self) -> FileKey | None:
        before = origins.remembered(self.environ, self.path)
        if before and before.file_id != self.header.file_id:
            raise origins.replaced(self.path)
        return self._by_own(found=before is not None)

    def _by_own(self, *, found: bool) -> FileKey | None:
        """Try the user's key files of this file, or the named age identity, or with *found* those of SOPS and age."""
        if own := key_files.own(self.environ, self.header.file_id):
            return self._by_key(map(key_files.load, own))
        if named := self.environ.get(AGE_IDENTITY):
            return self._by_age(lambda: age.named_identities(named, AGE_IDENTITY))
        return self._by_age(lambda: age.found_identities(self.environ)) if found else None

    def _by_key(self, secrets: Iterable[bytes]) -> FileKey | None:
        return next(filter(None, (self._opened("key", secret) for secret in secrets)), None)

    def _by_passphrase(self, passphrase: Secret) -> FileKey | None:
        deadline = monotonic() + self.seconds
        for cost in sorted({slot.argon2 for slot in self.header.slots if slot.argon2}, key=_work):
            if monotonic() > deadline:
                raise Unavailable(
                    f"trying the passphrase on all slots of {self.path} takes more than {self.seconds:g} seconds",
                    hint="raise the timeout; if somebody else added the slots, restore the file",
                )
            if key := self._opened("passphrase", slots.private_key_of(passphrase, cost), cost):
                return key
        return None

    def _opened(self, kind: SlotKind, secret: bytes, cost: Argon2 | None = None) -> FileKey | None:
        """Return the key from the slot of the private key *secret*, or None if it has no slot."""
        public = hpke.public(secret)
        for slot in slots.of_kind(self.header.slots, kind):
            if (slot.public, slot.argon2) == (public, cost):
                return slots.opened(slot, secret, self.header.file_id)
        return None

    def _by_age(self, identities: Callable[[], list[str]]) -> FileKey | None:
        sealed = list(slots.of_kind(self.header.slots, "age"))
        if not sealed or not (found := identities()):
            return None
        return next(filter(None, (slots.opened_by_age(slot, found) for slot in sealed)), None)

    def _remedy(self) -> str:
        ways: Mapping[str, Callable[[], str]] = {
            "key": lambda: f"put its key file into {key_files.folder(self.environ)}, or set {KEY} or {KEY_FILE}",
            "passphrase": lambda: f"set {PASSPHRASE}",
            "age": lambda: (
                f"set {AGE_IDENTITY} to an identity of one of its recipients, "
                f"or run: {origins.trust_command(self.path)}"
            ),
        }
        only = configured(self.environ) or ", ".join(key_files.own(self.environ, self.header.file_id))
        kinds = {slot.kind for slot in self.header.slots}
        kinds -= {"age"} if only else set()  # an attacker may have added it
        fitting = [say() for kind, say in ways.items() if kind in kinds]
        tried = f"only {only} was tried; " if only and only != PASSPHRASE else ""
        return (tried + "; or ".join(fitting)).removesuffix("; ")


def configured(environ: Mapping[str, str]) -> str:
    """Return the name of the variable that holds the only key or passphrase to try, or "" if none is set."""
    return next((name for name in (KEY, KEY_FILE, PASSPHRASE) if environ.get(name)), "")


def first_slot(environ: Mapping[str, str], file_id: str, key: FileKey, now: datetime) -> Slot:
    """Return the slot of a new file, for the configured key or passphrase, or for a new key file."""
    name = configured(environ)
    if name == PASSPHRASE:
        passphrase = Secret(environ[name])
        slots.check_strong(passphrase)
        return slots.passphrase_slot(passphrase, file_id, key, now)
    if name == KEY:
        return slots.key_slot(key_files.decode(environ[name], KEY), KEY, file_id, key, now)
    path = environ.get(KEY_FILE) or key_files.unused(environ, file_id)
    return slots.key_slot(key_files.load_or_create(path), label(path, environ), file_id, key, now)


def label(path: str, environ: Mapping[str, str]) -> str:
    """Return the label of a key file: without the home folder, because the header may be public."""
    home = environ.get("HOME", "")
    return f"~{path.removeprefix(home)}" if home and path.startswith(f"{home}/") else path


def _work(cost: Argon2) -> int:
    return cost.memory * cost.iterations


def _named_key(path: str) -> bytes:
    try:
        return key_files.load(path)
    except FileNotFoundError as error:
        raise Unauthenticated(f"{KEY_FILE} names {path}, which does not exist") from error
