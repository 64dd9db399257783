"""An attack: a writer without any key puts their own store file in the place of the genuine one.

The recipients of age slots are public, and so are ssh keys. The attacker makes a file with an age slot for the victim,
with the values that the victim shall read, and waits for the secrets that the victim shall write.
"""

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tailorsecrets import Store, open_store
from tailorsecrets.errors import Conflict, Corrupt, SecretsError, Unauthenticated
from tailorsecrets.secret import Secret
from tailorsecrets_file import disk, header, key_files, keys, line, origins, slots
from tailorsecrets_file.crypto import FileKey
from tests.support.file.opening import NAME, opened, store_type, target_in, text

pyrage: Any = importlib.import_module("pyrage")  # it has no types

PROGRAM = str(Path(sys.executable).parent / "tailorsecrets")
GENUINE, FORGED = "genuine", "forged"
STRIPE = ("-V", "api-keys", "-n", "stripe-key")


class Done(NamedTuple):
    """What came of a command in its own process."""

    code: int
    out: str
    error: dict[str, str]


class Victim:
    """A user with an ssh key in their home, who opens the store file in *folder* with *environ*."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder = folder
        self.path = folder / NAME
        self.environ = {"HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "home" / ".config"), **environ}
        self.recipient = ssh_key(folder / "home")
        with self.store() as store:
            store.setup()
            store.create_vault("api-keys")
            store.create_secret("api-keys", "stripe-key", Secret(GENUINE))

    def store(self) -> Store:
        """Open the store in this process."""
        return open_store(f"file:{self.path}", environ=self.environ)

    def __call__(self, *words: str, **environ: str) -> Done:
        """Run a command in its own process."""
        command = [PROGRAM, *words, "--store", f"file:{self.path}", "--json"]
        variables = {**self.environ, **environ}
        done = subprocess.run(
            command, env=variables, cwd=self.folder, input="new value", capture_output=True, text=True, check=False
        )
        error = json.loads(done.stderr.splitlines()[-1])["error"] if done.returncode else {}
        return Done(done.returncode, done.stdout, error)

    def get(self, **environ: str) -> Done:
        """Read the secret."""
        return self("secret", "get", *STRIPE, **environ)

    def create(self, **environ: str) -> Done:
        """Write another secret."""
        return self("secret", "create", "-V", "api-keys", "-n", "new-key", "--value-stdin", "--yes", **environ)

    def forget(self) -> None:
        """Delete what the user remembers of origins, as where the store was opened by an older version."""
        for record in (self.folder / "home" / ".config" / "tailorsecrets" / "origins").glob("*"):
            record.unlink()
        origins._opened.clear()


def ssh_key(home: Path) -> str:
    """Make an ssh key in the home of a user and return its public half."""
    folder = home / ".ssh"
    folder.mkdir(parents=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "id_ed25519"], check=True)
    return (folder / "id_ed25519.pub").read_text().strip()


def replace(path: Path, *recipients: str, same_id: bool) -> FileKey:
    """Put a file in the place of the one at *path* that age identities open; return the key that the attacker keeps."""
    genuine = path.read_bytes().splitlines()
    file_id = header.parse(genuine[0]).file_id if same_id else os.urandom(16).hex()
    key = FileKey.generate()
    age_slots = [slots.age_slot(recipient, key, datetime.now(UTC).replace(microsecond=0)) for recipient in recipients]
    lines = [header.encode(file_id, key, age_slots)]
    for raw in genuine[1:-1]:
        metadata = line.parse(raw).metadata
        value = FORGED if metadata.name.endswith("stripe-key") else json.dumps({"v": 1})
        lines.append(line.seal(metadata, Secret(value), key, file_id, os.urandom(line.NONCE)))
    path.write_bytes(b"\n".join([*lines, b'{"end":true}', b""]))
    return key


def key_file(folder: Path) -> dict[str, str]:
    """Let the victim's own key file open the store."""
    return {}


def named_key_file(folder: Path) -> dict[str, str]:
    """Let a named key file open the store."""
    return {"TAILORSECRETS_FILE_KEY_FILE": str(folder / "ci.key")}


def key_text(folder: Path) -> dict[str, str]:
    """Let a key in the environment open the store."""
    return {"TAILORSECRETS_FILE_KEY": key_files.generate()}


def passphrase(folder: Path) -> dict[str, str]:
    """Let a passphrase open the store."""
    return {"TAILORSECRETS_FILE_PASSPHRASE": "correct horse battery"}


WAYS = [key_file, named_key_file, key_text, passphrase]


@pytest.fixture(params=WAYS)
def victim(request: pytest.FixtureRequest, tmp_path: Path) -> Victim:
    """Return a user for each way to open a store file without age."""
    return Victim(tmp_path, request.param(tmp_path))


@pytest.mark.parametrize("same_id", [True, False])
@pytest.mark.parametrize("identity", ["in ~/.ssh", "named"])
def test_a_replaced_file_opens_for_nobody(victim: Victim, identity: str, same_id: bool) -> None:
    """Get and create fail, also where the victim names an age identity, and leave the file alone."""
    assert victim.get().code == 0
    replace(victim.path, victim.recipient, same_id=same_id)
    before = victim.path.read_bytes()
    named = str(victim.folder / "home" / ".ssh" / "id_ed25519") if identity == "named" else ""

    for use in (victim.get, victim.create):
        done = use(TAILORSECRETS_FILE_AGE_IDENTITY=named)
        assert (done.code, FORGED in done.out) == (1, False)
        assert done.error["code"] in {"UNAUTHENTICATED", "CORRUPT"}

    assert victim.path.read_bytes() == before


@pytest.mark.parametrize("same_id", [True, False])
def test_a_replaced_file_at_first_sight(victim: Victim, same_id: bool) -> None:
    """The same for a user who remembers no origin: no key but the configured one or the key file is tried."""
    replace(victim.path, victim.recipient, same_id=same_id)
    victim.forget()

    for done in (victim.get(), victim.create()):
        assert (done.code, FORGED in done.out) == (1, False)
        assert done.error["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize("same_id", [True, False])
def test_a_process_that_opened_the_genuine_file(victim: Victim, same_id: bool) -> None:
    """A process that read the genuine file refuses to read and write the other one, and works again afterwards."""
    with victim.store() as store:
        assert store.get("api-keys", "stripe-key") == GENUINE
        genuine = victim.path.read_bytes()
        replace(victim.path, victim.recipient, same_id=same_id)

        with pytest.raises((Unauthenticated, Corrupt)):
            store.get("api-keys", "stripe-key")
        with pytest.raises((Unauthenticated, Corrupt)):
            store.create_secret("api-keys", "new-key", Secret("new value"))

        victim.path.write_bytes(genuine)
        assert store.get("api-keys", "stripe-key") == GENUINE


@pytest.mark.parametrize("way", WAYS)
def test_another_file_of_the_same_key(tmp_path: Path, way: Callable[[Path], dict[str, str]]) -> None:
    """A process that read one file refuses another one in its place, also if the victim's own key opens that."""
    victim = Victim(tmp_path, way(tmp_path))
    with open_store(f"file:{tmp_path}/other", environ=victim.environ) as other:
        other.setup()
    with victim.store() as store:
        assert store.get("api-keys", "stripe-key") == GENUINE
        (tmp_path / "other").rename(victim.path)

        with pytest.raises(Corrupt, match="not the store file that was opened here before"):
            store.get("api-keys", "stripe-key")


class Holder(Victim):
    """A user who opens the genuine file with an age identity and nothing else."""

    def __init__(self, folder: Path) -> None:
        owner = target_in(folder)
        opened(folder).setup()
        with open_store(f"file:{folder / NAME}", environ=owner.environ) as store:
            store.create_vault("api-keys")
            store.create_secret("api-keys", "stripe-key", Secret(GENUINE))
        self.folder, self.path = folder, folder / NAME
        self.environ = {"HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "home" / ".config")}
        self.recipient = ssh_key(folder / "home")
        self.identity = str(folder / "home" / ".ssh" / "id_ed25519")
        keys.add_slot(owner, "age", recipient=self.recipient)
        origins._opened.clear()


@pytest.fixture
def holder(tmp_path: Path) -> Holder:
    """Return a user who opens the file with an age identity."""
    return Holder(tmp_path)


def test_an_identity_is_used_where_it_is_named(holder: Holder) -> None:
    """An identity that is only found opens nothing; a named one does, and from then on the found one as well."""
    done = holder.get()
    assert done.error["code"] == "UNAUTHENTICATED"
    assert "TAILORSECRETS_FILE_AGE_IDENTITY" in done.error["suggestion"]
    assert "tailorsecrets file trust" in done.error["suggestion"]

    assert GENUINE in holder.get(TAILORSECRETS_FILE_AGE_IDENTITY=holder.identity).out
    assert GENUINE in holder.get().out
    assert holder.create().code == 0


@pytest.mark.parametrize("same_id", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_the_origin_is_remembered(holder: Holder, named: bool, same_id: bool) -> None:
    """A holder of an identity who opened the genuine file refuses the other one, until they trust it."""
    environ = {"TAILORSECRETS_FILE_AGE_IDENTITY": holder.identity} if named else {}
    assert holder.get(TAILORSECRETS_FILE_AGE_IDENTITY=holder.identity).code == 0
    replace(holder.path, holder.recipient, same_id=same_id)

    for done in (holder.get(**environ), holder.create(**environ)):
        assert (done.code, done.error["code"]) == (1, "CORRUPT")
        assert "tailorsecrets file trust" in done.error["suggestion"]

    assert holder("file", "trust").error["code"] == "CONFIRMATION_REQUIRED"
    assert holder("file", "trust", "--yes").code == 0
    assert FORGED in holder.get(**environ).out


def test_trust_before_the_first_use(holder: Holder) -> None:
    """After `file trust` an identity where SOPS and age keep theirs opens the file without being named."""
    assert holder("file", "trust", "--yes").code == 0

    assert GENUINE in holder.get().out


def test_a_process_with_an_identity(holder: Holder) -> None:
    """A process keeps to its origin also where the user's home cannot remember it."""
    environ = {**holder.environ, "TAILORSECRETS_FILE_AGE_IDENTITY": holder.identity, "XDG_CONFIG_HOME": "/dev/null"}
    with open_store(f"file:{holder.path}", environ=environ) as store, pytest.raises(SecretsError):
        store.get("api-keys", "stripe-key")
    environ["XDG_CONFIG_HOME"] = "/proc"  # no folder can be made there
    with open_store(f"file:{holder.path}", environ=environ) as store:
        assert store.get("api-keys", "stripe-key") == GENUINE
        replace(holder.path, holder.recipient, same_id=True)
        with pytest.raises(Corrupt):
            store.get("api-keys", "stripe-key")
    with open_store(f"file:{holder.path}", environ=environ) as store, pytest.raises(Corrupt):
        store.get("api-keys", "stripe-key")


def test_a_holder_of_another_file(tmp_path: Path) -> None:
    """Whoever shares one file with the victim cannot put it, or one of its origin, in the place of another."""
    victim = Victim(tmp_path, {})
    with open_store(f"file:{tmp_path}/shared", environ=victim.environ) as shared:
        shared.setup()
    (tmp_path / "shared").rename(victim.path)

    assert victim.get().error["code"] == "CORRUPT"
    assert victim.create().error["code"] == "CORRUPT"


def test_a_file_made_anew(tmp_path: Path) -> None:
    """Who deletes a store file and makes a new one at its path goes on, in the same process and in others."""
    victim = Victim(tmp_path, {})
    victim.path.unlink()
    with victim.store() as store:
        store.setup()
        store.create_vault("api-keys")
        store.create_secret("api-keys", "stripe-key", Secret("anew"))
        assert store.get("api-keys", "stripe-key") == "anew"

    assert "anew" in victim.get().out


def test_the_command_in_the_hint_works(tmp_path: Path) -> None:
    """The command that the error names accepts the file, whatever its path is."""
    path = tmp_path / "we%20 ird?#'.jsonl"
    store_type().open(target_in(tmp_path, path=path.name)).put("a", Secret("1"))
    content = path.read_bytes()
    path.unlink()
    driver = store_type().open(target_in(tmp_path, path=path.name))
    driver.put("a", Secret("2"))
    path.write_bytes(content)
    with pytest.raises(Corrupt) as caught:
        driver.get("a")

    command = caught.value.hint.partition("run: ")[2]
    environ = {**target_in(tmp_path).environ, "PATH": f"{Path(PROGRAM).parent}:/usr/bin:/bin"}
    subprocess.run(f"{command} --yes", shell=True, check=True, env=environ, cwd="/", capture_output=True)

    with pytest.raises(Corrupt):
        driver.get("a")  # this process keeps to the origin that it knows
    assert json.loads(next((tmp_path / "config" / "tailorsecrets" / "origins").iterdir()).read_text())["path"] == str(
        path
    )


def test_a_damaged_record(holder: Holder) -> None:
    """A record of an origin that cannot be read is not a first use."""
    assert holder.get(TAILORSECRETS_FILE_AGE_IDENTITY=holder.identity).code == 0
    (record,) = (holder.folder / "home" / ".config" / "tailorsecrets" / "origins").iterdir()
    assert record.stat().st_mode & 0o777 == 0o600
    record.write_text("{}")

    done = holder.get(TAILORSECRETS_FILE_AGE_IDENTITY=holder.identity)

    assert done.error["code"] == "CORRUPT"
    assert str(record) in done.error["message"] + done.error["suggestion"]


@pytest.mark.parametrize("value", ["/no/such/file", "no identity", "AGE-SECRET-KEY-1JUNK", "a\0b"])
def test_an_identity_that_is_none(tmp_path: Path, value: str) -> None:
    """A named identity that is none is Unauthenticated, says which variable named it, and is not quoted."""
    opened(tmp_path).put("a", Secret("1"))
    keys.add_slot(target_in(tmp_path), "age", recipient=str(pyrage.x25519.Identity.generate().to_public()))
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "elsewhere"), "TAILORSECRETS_FILE_AGE_IDENTITY": value}
    driver = store_type().open(target_in(tmp_path, environ=environ))

    with pytest.raises(Unauthenticated) as caught:
        driver.get("a")

    assert "TAILORSECRETS_FILE_AGE_IDENTITY" in f"{caught.value} {caught.value.hint}"
    assert value not in f"{caught.value} {caught.value.hint} {caught.value.__context__}"


def test_an_identity_as_text(tmp_path: Path) -> None:
    """The variable takes an identity itself, or the path of a file that holds some."""
    identity = pyrage.x25519.Identity.generate()
    opened(tmp_path).put("a", Secret("1"))
    keys.add_slot(target_in(tmp_path), "age", recipient=str(identity.to_public()))
    (tmp_path / "identities").write_text(f"# mine\n{identity}\n")

    for value in (str(identity), str(tmp_path / "identities")):
        environ = {"XDG_CONFIG_HOME": str(tmp_path / "elsewhere"), "TAILORSECRETS_FILE_AGE_IDENTITY": value}
        assert text(store_type().open(target_in(tmp_path, environ=environ)), "a") == "1"


SOURCES = ["key", "key file", "passphrase", "own key file", "named identity", "found identity"]


def source(folder: Path, name: str, *, right: bool) -> dict[str, str]:
    """Give the user a credential of one source, the right one or another, and return its variables."""
    if name == "own key file":
        (file_id,) = {header.parse(raw).file_id for raw in (folder / NAME).read_bytes().splitlines()[:1]}
        path = folder / "elsewhere" / "tailorsecrets" / "keys" / f"{file_id}.key"
        path.parent.mkdir(parents=True)
        path.write_text((folder / "ci.key").read_text() if right else key_files.generate())
        path.chmod(0o600)
        return {}
    if name == "key file" and not right:
        disk.create(str(folder / "wrong.key"), key_files.generate().encode())
        return {"TAILORSECRETS_FILE_KEY_FILE": str(folder / "wrong.key")}
    other, own = str(pyrage.x25519.Identity.generate()), (folder / "identity").read_text()
    return {
        "key": {"TAILORSECRETS_FILE_KEY": (folder / "ci.key").read_text() if right else key_files.generate()},
        "key file": {"TAILORSECRETS_FILE_KEY_FILE": str(folder / "ci.key")},
        "passphrase": {"TAILORSECRETS_FILE_PASSPHRASE": f"{'right' if right else 'wrong'} horse battery"},
        "named identity": {"TAILORSECRETS_FILE_AGE_IDENTITY": own if right else other},
        "found identity": {"SOPS_AGE_KEY": own if right else other},
    }[name]


@pytest.fixture
def many_keys(tmp_path: Path) -> Path:
    """Return a folder with a file that one credential of each source opens, for a user who trusts it."""
    identity = pyrage.x25519.Identity.generate()
    opened(tmp_path).put("a", Secret("1"))
    (tmp_path / "identity").write_text(str(identity))
    keys.add_slot(target_in(tmp_path), "key", path=str(tmp_path / "ci.key"))
    keys.add_slot(target_in(tmp_path), "passphrase", passphrase=Secret("right horse battery"))
    keys.add_slot(target_in(tmp_path), "age", recipient=str(identity.to_public()))
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "elsewhere"), "SOPS_AGE_KEY": str(identity)}
    keys.trust(target_in(tmp_path, environ=environ))
    return tmp_path


@pytest.mark.parametrize("first", range(len(SOURCES)), ids=SOURCES)
def test_one_source_of_keys_is_tried(many_keys: Path, first: int) -> None:
    """The first source that the user has is the only one: the right key in it opens the file, a wrong one does not."""
    environ = {"XDG_CONFIG_HOME": str(many_keys / "elsewhere")}
    for later in SOURCES[first + 1 :]:
        environ |= source(many_keys, later, right=True)

    wrong = environ | source(many_keys, SOURCES[first], right=False)
    with pytest.raises(Unauthenticated):
        store_type().open(target_in(many_keys, environ=wrong)).get("a")
    shutil.rmtree(many_keys / "elsewhere" / "tailorsecrets" / "keys", ignore_errors=True)
    right = environ | source(many_keys, SOURCES[first], right=True)
    assert text(store_type().open(target_in(many_keys, environ=right)), "a") == "1"


def test_a_file_that_is_replaced_during_the_question(holder: Holder) -> None:
    """The user accepts the origin that they saw; a file with another one, put there meanwhile, is not accepted."""
    target = target_in(holder.folder, environ=holder.environ)
    seen = keys.origin_of(target)
    replace(holder.path, holder.recipient, same_id=True)

    with pytest.raises(Conflict):
        keys.trust(target, seen)

    with pytest.raises(Unauthenticated):
        store_type().open(target).get("a")
