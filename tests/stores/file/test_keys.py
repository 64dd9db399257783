"""Who can open a store file: key files, passphrases, age identities, and what changes when a slot goes."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tailorsecrets import open_store
from tailorsecrets.driver import Driver
from tailorsecrets.errors import (
    AlreadyExists,
    ConfigError,
    Corrupt,
    NotFound,
    Refused,
    StoreNotFound,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from tailorsecrets.secret import Secret
from tailorsecrets_file import header, key_files, keys, slots
from tailorsecrets_file.crypto import FileKey
from tailorsecrets_file.header import Argon2
from tests.support.file.opening import NAME, opened, store_type, target_in, text

pyrage: Any = importlib.import_module("pyrage")  # it has no types
ELSEWHERE = "elsewhere"  # a config folder without a key


def stranger(folder: Path, **environ: str) -> Driver:
    """Return a driver for the same file, for somebody who has nothing but *environ*."""
    return store_type().open(target_in(folder, environ={"XDG_CONFIG_HOME": str(folder / ELSEWHERE), **environ}))


def trusting(folder: Path, **environ: str) -> Driver:
    """Return the same for somebody who trusts the file, so that identities where SOPS and age keep them open it."""
    keys.trust(target_in(folder, environ={"XDG_CONFIG_HOME": str(folder / ELSEWHERE), **environ}))
    return stranger(folder, **environ)


def made(folder: Path, **environ: str) -> Driver:
    """Return a driver for a new file that holds one secret."""
    driver = stranger(folder, **environ)
    driver.put("a", Secret("1"))
    return driver


def kinds(folder: Path) -> list[str]:
    """Return the kinds of the slots of a file."""
    return [slot.kind for slot in keys.list_slots(target_in(folder))]


def key_file(folder: Path) -> Path:
    """Return the one key file in the user's config folder."""
    (only,) = (folder / "config" / "tailorsecrets" / "keys").iterdir()
    return only


def test_a_key_in_the_environment(tmp_path: Path) -> None:
    """A file made under TAILORSECRETS_FILE_KEY opens with that key and no other, and no key file is made."""
    key = key_files.generate()
    made(tmp_path, TAILORSECRETS_FILE_KEY=key)

    assert text(stranger(tmp_path, TAILORSECRETS_FILE_KEY=f" {key}\n"), "a") == "1"
    assert not (tmp_path / ELSEWHERE).exists()
    for environ in ({}, {"TAILORSECRETS_FILE_KEY": key_files.generate()}):
        with pytest.raises(Unauthenticated, match="no available key") as caught:
            stranger(tmp_path, **environ).get("a")
        assert "TAILORSECRETS_FILE_KEY" in caught.value.hint


def test_a_named_key_file(tmp_path: Path) -> None:
    """A file made under TAILORSECRETS_FILE_KEY_FILE makes the key file there, for the user alone."""
    path = tmp_path / "deep" / "key"
    made(tmp_path, TAILORSECRETS_FILE_KEY_FILE=str(path))

    assert path.stat().st_mode & 0o777 == 0o600
    assert text(stranger(tmp_path, TAILORSECRETS_FILE_KEY_FILE=str(path)), "a") == "1"
    assert text(stranger(tmp_path, TAILORSECRETS_FILE_KEY=path.read_text()), "a") == "1"


def test_one_key_file_for_two_stores(tmp_path: Path) -> None:
    """A key file that is there is used and not replaced."""
    path = str(tmp_path / "key")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made(tmp_path / name, TAILORSECRETS_FILE_KEY_FILE=path)

    assert text(stranger(tmp_path / "one", TAILORSECRETS_FILE_KEY_FILE=path), "a") == "1"


def test_a_named_key_file_that_is_missing(tmp_path: Path) -> None:
    """Reading with a TAILORSECRETS_FILE_KEY_FILE that does not exist is Unauthenticated, naming it."""
    opened(tmp_path).setup()

    with pytest.raises(Unauthenticated, match="/no/such/key"):
        stranger(tmp_path, TAILORSECRETS_FILE_KEY_FILE="/no/such/key").get("a")


@pytest.mark.parametrize("junk", ["x", "tailorsecrets-key-", "tailorsecrets-key-AAAA", "é" * 43, "\0", "A" * 10_000])
def test_what_is_no_key(tmp_path: Path, junk: str) -> None:
    """A key that is none is Unauthenticated, says where it came from, and is not quoted."""
    opened(tmp_path).setup()
    path = tmp_path / "key"
    path.write_text(junk)
    path.chmod(0o600)

    for environ in ({"TAILORSECRETS_FILE_KEY": junk}, {"TAILORSECRETS_FILE_KEY_FILE": str(path)}):
        with pytest.raises(Unauthenticated, match="does not hold a key") as caught:
            stranger(tmp_path, **environ).get("a")
        assert junk not in str(caught.value).replace(str(path), "").replace("TAILORSECRETS_FILE_KEY", "") or junk == "x"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_file_that_others_can_read(tmp_path: Path, mode: int) -> None:
    """A key file with any right for the group or others is refused, and the hint is the chmod."""
    opened(tmp_path).put("a", Secret("1"))
    key_file(tmp_path).chmod(mode)

    with pytest.raises(Unauthenticated, match="others can read") as caught:
        opened(tmp_path).get("a")

    assert caught.value.hint == f"run: chmod 600 {key_file(tmp_path)}"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_key_file_of_another_user(tmp_path: Path) -> None:
    """A key file that belongs to another user is refused."""
    opened(tmp_path).put("a", Secret("1"))
    os.chown(key_file(tmp_path), 1234, 1234)

    with pytest.raises(Unauthenticated, match="another user"):
        opened(tmp_path).get("a")


def test_a_passphrase(tmp_path: Path) -> None:
    """A file made under TAILORSECRETS_FILE_PASSPHRASE opens with it, and not with another or none."""
    made(tmp_path, TAILORSECRETS_FILE_PASSPHRASE="correct horse é")

    assert kinds(tmp_path) == ["passphrase"]
    assert text(stranger(tmp_path, TAILORSECRETS_FILE_PASSPHRASE="correct horse é"), "a") == "1"
    for wrong in ("correct horse e", ""):
        with pytest.raises(Unauthenticated) as caught:
            stranger(tmp_path, TAILORSECRETS_FILE_PASSPHRASE=wrong).get("a")
        assert caught.value.hint == "set TAILORSECRETS_FILE_PASSPHRASE"


def hostile_headers(folder: Path, headers: int, each: int, memory: int) -> None:
    """Add headers to a file, each with passphrase slots of their own cost and salts, as a writer without a key can."""
    content = (folder / NAME).read_bytes()
    genuine = header.parse(content.splitlines()[0])
    (slot,) = genuine.slots
    for _ in range(headers):
        argon2 = [Argon2(salt=os.urandom(16), memory=memory) for _ in range(each)]
        added = [replace(slot, id=os.urandom(4).hex(), public=os.urandom(32), argon2=cost) for cost in argon2]
        forged = FileKey.generate()
        forged.id = genuine.key_id
        content += header.encode(genuine.file_id, forged, added) + b"\n"
    (folder / NAME).write_bytes(content)


def test_hostile_passphrase_slots_take_no_longer_than_a_read(tmp_path: Path) -> None:
    """A passphrase is tried on the slots of all headers until the read's time-out, and then it is Unavailable."""
    made(tmp_path, TAILORSECRETS_FILE_PASSPHRASE="correct horse battery")
    hostile_headers(tmp_path, headers=3, each=8, memory=65_536)
    environ = {"XDG_CONFIG_HOME": str(tmp_path / ELSEWHERE), "TAILORSECRETS_FILE_PASSPHRASE": "wrong horse battery"}

    with pytest.raises(Unavailable, match=r"takes more than 0\.3 seconds"):
        store_type().open(target_in(tmp_path, environ=environ, timeout=0.3)).get("a")


def test_hostile_passphrase_slots_do_not_come_first(tmp_path: Path) -> None:
    """The cheapest slots are tried first, so the genuine slot is found, and the forged headers are Corrupt."""
    made(tmp_path, TAILORSECRETS_FILE_PASSPHRASE="correct horse battery")
    hostile_headers(tmp_path, headers=3, each=8, memory=262_144)
    started = os.times().user

    with pytest.raises(Corrupt, match="was altered"):
        stranger(tmp_path, TAILORSECRETS_FILE_PASSPHRASE="correct horse battery").get("a")

    assert os.times().user - started < 3  # one of the 24 others takes about half a second


def test_the_limits_are_of_all_headers_together(tmp_path: Path) -> None:
    """Three headers of 11 passphrase slots are refused as one of 33 is, before any of them is tried."""
    made(tmp_path, TAILORSECRETS_FILE_PASSPHRASE="correct horse battery")
    hostile_headers(tmp_path, headers=3, each=11, memory=262_144)

    with pytest.raises(Corrupt, match="too many slots"):
        stranger(tmp_path, TAILORSECRETS_FILE_PASSPHRASE="correct horse battery").get("a")


def test_one_stretching_for_all_passphrases(tmp_path: Path) -> None:
    """All passphrases of a file share salt and cost, so a reader stretches once, and the next file has another salt."""
    made(tmp_path, TAILORSECRETS_FILE_PASSPHRASE="correct horse battery")
    target = target_in(tmp_path, environ={"TAILORSECRETS_FILE_PASSPHRASE": "correct horse battery"})
    for number in range(3):
        keys.add_slot(target, "passphrase", passphrase=Secret(f"correct horse {number}"))
    (tmp_path / "other").mkdir()
    made(tmp_path / "other", TAILORSECRETS_FILE_PASSPHRASE="correct horse battery")

    costs = {slot.argon2 for folder in (tmp_path, tmp_path / "other") for slot in keys.list_slots(target_in(folder))}

    assert len(costs) == 2


def test_a_passphrase_costs_what_rfc_9106_recommends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new passphrase slot has the cost of the second choice of RFC 9106."""
    monkeypatch.setattr(slots, "Argon2", Argon2)
    made(tmp_path, TAILORSECRETS_FILE_PASSPHRASE="correct horse battery")

    (slot,) = keys.list_slots(target_in(tmp_path))

    assert slot.argon2
    assert (slot.argon2.iterations, slot.argon2.lanes, slot.argon2.memory) == (3, 4, 65_536)


def test_a_passphrase_in_two_forms(tmp_path: Path) -> None:
    """A passphrase opens the file however the keyboard composes its letters."""
    composed, decomposed = "correct horse \u00e9", "correct horse e\u0301"
    made(tmp_path, TAILORSECRETS_FILE_PASSPHRASE=decomposed)

    assert text(stranger(tmp_path, TAILORSECRETS_FILE_PASSPHRASE=composed), "a") == "1"
    with pytest.raises(AlreadyExists):
        keys.add_slot(
            target_in(tmp_path, environ={"TAILORSECRETS_FILE_PASSPHRASE": composed}),
            "passphrase",
            passphrase=Secret(composed),
        )


def test_a_key_goes_before_a_passphrase(tmp_path: Path) -> None:
    """With a key and a passphrase in the environment, a new file gets a slot for the key."""
    made(tmp_path, TAILORSECRETS_FILE_KEY=key_files.generate(), TAILORSECRETS_FILE_PASSPHRASE="correct horse battery")

    assert kinds(tmp_path) == ["key"]


def sops_key(folder: Path, identity: str) -> dict[str, str]:
    """Return an environment with the identity in SOPS_AGE_KEY."""
    return {"SOPS_AGE_KEY": f"# comment\n{identity}\n"}


def sops_key_file(folder: Path, identity: str) -> dict[str, str]:
    """Return an environment with the identity in SOPS_AGE_KEY_FILE, behind another one."""
    (folder / "id").write_text(f"{pyrage.x25519.Identity.generate()}\r\n{identity}\r\n")
    return {"SOPS_AGE_KEY_FILE": str(folder / "id")}


def sops_config(folder: Path, identity: str) -> dict[str, str]:
    """Return an environment with the identity where SOPS looks for it in the user's config."""
    place = folder / "own" / "sops" / "age" / "keys.txt"
    place.parent.mkdir(parents=True)
    place.write_text(identity)
    return {"XDG_CONFIG_HOME": str(folder / "own")}


def sops_home(folder: Path, identity: str) -> dict[str, str]:
    """Return an environment with the identity where SOPS looks for it at home."""
    config = "Library/Application Support" if sys.platform == "darwin" else ".config"
    place = folder / "home" / config / "sops" / "age" / "keys.txt"
    place.parent.mkdir(parents=True)
    place.write_text(identity)
    return {"XDG_CONFIG_HOME": "", "HOME": str(folder / "home")}


@pytest.mark.parametrize("place", [sops_key, sops_key_file, sops_config, sops_home])
def test_an_age_recipient(tmp_path: Path, place: Callable[[Path, str], dict[str, str]]) -> None:
    """An age slot of a trusted file opens with its identity, wherever SOPS keeps that, and with no other."""
    identity = pyrage.x25519.Identity.generate()
    opened(tmp_path).put("a", Secret("1"))

    slot = keys.add_slot(target_in(tmp_path), "age", recipient=str(identity.to_public()))

    assert slot.label == str(identity.to_public())
    assert text(trusting(tmp_path, **place(tmp_path, str(identity))), "a") == "1"
    trusting(tmp_path, SOPS_AGE_KEY=str(identity))
    with pytest.raises(Unauthenticated) as caught:
        stranger(tmp_path, SOPS_AGE_KEY=str(pyrage.x25519.Identity.generate())).get("a")
    assert "TAILORSECRETS_FILE_AGE_IDENTITY" in caught.value.hint


def test_an_ssh_recipient(tmp_path: Path) -> None:
    """An ssh public key is a recipient, and its private key in ~/.ssh opens the file where it is trusted."""
    ssh = tmp_path / "home" / ".ssh"
    ssh.mkdir(parents=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ssh / "id_ed25519"], check=True)
    opened(tmp_path).put("a", Secret("1"))

    keys.add_slot(target_in(tmp_path), "age", recipient=(ssh / "id_ed25519.pub").read_text().strip())

    assert text(trusting(tmp_path, HOME=str(tmp_path / "home")), "a") == "1"


def test_an_ssh_key_that_cannot_be_used(tmp_path: Path) -> None:
    """An ssh key that is damaged or under a passphrase is passed over, and other identities are tried."""
    ssh = tmp_path / "home" / ".ssh"
    ssh.mkdir(parents=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", ssh / "id_ed25519"], check=True)
    (ssh / "id_rsa").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\njunk\n")
    identity = pyrage.x25519.Identity.generate()
    opened(tmp_path).put("a", Secret("1"))
    keys.add_slot(target_in(tmp_path), "age", recipient=str(identity.to_public()))

    with pytest.raises(Unauthenticated):
        trusting(tmp_path, HOME=str(tmp_path / "home"))
    assert text(trusting(tmp_path, HOME=str(tmp_path / "home"), SOPS_AGE_KEY=str(identity)), "a") == "1"


@pytest.mark.parametrize("junk", ["age1x", "ssh-ed25519 x", "me@example.com", "AGE-SECRET-KEY-1"])
def test_what_is_no_recipient(tmp_path: Path, junk: str) -> None:
    """A recipient that is none is a ConfigError, and the file is left alone."""
    opened(tmp_path).setup()
    before = (tmp_path / NAME).read_bytes()

    with pytest.raises(ConfigError):
        keys.add_slot(target_in(tmp_path), "age", recipient=junk)

    assert (tmp_path / NAME).read_bytes() == before


def test_age_without_its_extra(tmp_path: Path) -> None:
    """Where pyrage is not installed, adding an age slot names what to install, and other slots do without it."""
    opened(tmp_path).setup()
    script = (
        "import sys; sys.modules['pyrage'] = None\n"
        "from pathlib import Path\n"
        "from tests.support.file.opening import opened, target_in\n"
        "from tailorsecrets.errors import Unsupported\n"
        "from tailorsecrets_file import keys\n"
        "folder = Path(sys.argv[1])\n"
        "print(list(opened(folder).list('')))\n"
        "try:\n"
        "    keys.add_slot(target_in(folder), 'age', recipient='age1')\n"
        "except Unsupported as error:\n"
        "    print(error.hint)\n"
    )

    done = subprocess.run([sys.executable, "-c", script, tmp_path], check=True, capture_output=True, text=True)

    assert done.stdout == "[]\nrun: pip install 'tailorsecrets[age]'\n"


def test_every_slot_opens_after_a_rekey(tmp_path: Path) -> None:
    """A rekey by one of the holders changes every line and reaches every slot, without their secrets."""
    identity = pyrage.x25519.Identity.generate()
    driver = opened(tmp_path)
    put = driver.put("a", Secret("1"), stamp="st", tags={"k": "v"})
    target = target_in(tmp_path)
    keys.add_slot(target, "age", recipient=str(identity.to_public()))
    keys.add_slot(target, "passphrase", passphrase=Secret("correct horse battery"))
    keys.add_slot(target, "key", path=str(tmp_path / "key"))
    before = set((tmp_path / NAME).read_bytes().splitlines())

    assert "4 keys" in keys.rekey(target)

    assert before & set((tmp_path / NAME).read_bytes().splitlines()) == {b'{"end":true}'}
    assert driver.get("a").entry == put
    for environ in (
        {"TAILORSECRETS_FILE_AGE_IDENTITY": str(identity)},
        {"TAILORSECRETS_FILE_PASSPHRASE": "correct horse battery"},
        {"TAILORSECRETS_FILE_KEY_FILE": str(tmp_path / "key")},
    ):
        assert text(stranger(tmp_path, **environ), "a") == "1"


def test_a_removed_slot_opens_nothing_new(tmp_path: Path) -> None:
    """After its slot is removed a key opens old copies of the file but not the file, and the message says so."""
    opened(tmp_path).put("a", Secret("1"))
    target = target_in(tmp_path)
    slot = keys.add_slot(target, "passphrase", passphrase=Secret("correct horse battery"))
    (tmp_path / "old").write_bytes((tmp_path / NAME).read_bytes())

    said = keys.remove_slot(target, slot.id)

    assert "old copies" in said
    assert kinds(tmp_path) == ["key"]
    assert text(opened(tmp_path), "a") == "1"
    with pytest.raises(Unauthenticated):
        stranger(tmp_path, TAILORSECRETS_FILE_PASSPHRASE="correct horse battery").get("a")
    (tmp_path / "old").rename(tmp_path / NAME)
    assert text(stranger(tmp_path, TAILORSECRETS_FILE_PASSPHRASE="correct horse battery"), "a") == "1"


def test_stamps_are_not_for_a_removed_holder(tmp_path: Path) -> None:
    """A removed holder who kept the stamp key sees no stamp of a PIN written later, so they cannot test guesses."""
    url, environ = f"file:{tmp_path / NAME}", target_in(tmp_path).environ
    with open_store(url, environ=environ) as store:
        store.setup()
        store.create_vault("api-keys")
    slot = keys.add_slot(target_in(tmp_path), "key", path=str(tmp_path / "theirs.key"))
    keys.remove_slot(target_in(tmp_path), slot.id)
    with open_store(url, environ=environ) as store:
        store.create_secret("api-keys", "pin", Secret("1234"))
        driver = opened(tmp_path)
        (name,) = [entry.name for entry in driver.list("") if entry.name.endswith("pin")]

    stamp = driver.stat(name).stamp

    assert stamp
    assert stamp.encode() not in (tmp_path / NAME).read_bytes()


def test_nobody_without_a_key_sees_that_a_value_came_back(tmp_path: Path) -> None:
    """The lines of 1234, 9999 and 1234 again have nothing in common but name, sizes and what is public of them."""
    driver = opened(tmp_path)
    for value in ("1234", "9999", "1234"):
        driver.put("a", Secret(value), stamp=f"stamp of {value}")

    lines = [json.loads(raw) for raw in (tmp_path / NAME).read_bytes().splitlines()[1:-1]]

    alike = {field for field in lines[0] if lines[0][field] == lines[2][field]}
    assert (
        alike
        == {"name", "state", "created", "tags", "key"}
        == {field for field in lines[0] if lines[0][field] == lines[1][field]}
    )


def test_a_key_is_replaced(tmp_path: Path) -> None:
    """With a second key file of one's own and the first one's slot removed, the second is found and opens."""
    opened(tmp_path).put("a", Secret("1"))
    target = target_in(tmp_path)
    (first,) = keys.list_slots(target)

    second = keys.add_slot(target, "key")
    keys.remove_slot(target, first.id)

    assert [slot.id for slot in keys.list_slots(target)] == [second.id]
    assert first.label != second.label
    Path(first.label).unlink()
    assert text(opened(tmp_path), "a") == "1"


def test_nobody_locks_themselves_out(tmp_path: Path) -> None:
    """The slot of the only available key stays, unless the caller allows it; the file is not changed."""
    opened(tmp_path).put("a", Secret("1"))
    target = target_in(tmp_path)
    (mine,) = keys.list_slots(target)
    keys.add_slot(target, "passphrase", passphrase=Secret("correct horse battery"))
    before = (tmp_path / NAME).read_bytes()

    with pytest.raises(Refused, match="no available key") as caught:
        keys.remove_slot(target, mine.id)

    assert "TAILORSECRETS_FILE_PASSPHRASE" in caught.value.hint
    assert "--allow-lockout" in caught.value.hint
    assert (tmp_path / NAME).read_bytes() == before
    keys.remove_slot(target, mine.id, even_if_locked_out=True)
    assert kinds(tmp_path) == ["passphrase"]


def test_another_key_at_hand_is_enough(tmp_path: Path) -> None:
    """Who names an age identity may remove the slot of a key file of theirs that is gone."""
    identity = pyrage.x25519.Identity.generate()
    opened(tmp_path).put("a", Secret("1"))
    (mine,) = keys.list_slots(target_in(tmp_path))
    keys.add_slot(target_in(tmp_path), "age", recipient=str(identity.to_public()))

    target = target_in(tmp_path, environ={"TAILORSECRETS_FILE_AGE_IDENTITY": str(identity)})
    with pytest.raises(Refused) as caught:  # a key file of this file is the only key that is tried
        keys.remove_slot(target, mine.id)
    assert str(key_file(tmp_path)) in caught.value.hint
    key_file(tmp_path).unlink()

    keys.remove_slot(target, mine.id)

    assert kinds(tmp_path) == ["age"]


def test_the_last_slot_stays(tmp_path: Path) -> None:
    """The only slot and a missing slot cannot be removed."""
    opened(tmp_path).setup()
    target = target_in(tmp_path)
    (only,) = keys.list_slots(target)

    with pytest.raises(Unsupported, match="last key"):
        keys.remove_slot(target, only.id)
    with pytest.raises(NotFound):
        keys.remove_slot(target, "00000000")


def test_a_slot_is_added_once(tmp_path: Path) -> None:
    """A key file or a recipient that has a slot gets no second one."""
    opened(tmp_path).setup()
    target = target_in(tmp_path)
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    keys.add_slot(target, "age", recipient=recipient)

    with pytest.raises(AlreadyExists):
        keys.add_slot(target, "age", recipient=recipient)
    with pytest.raises(AlreadyExists):
        keys.add_slot(target, "key", path=str(key_file(tmp_path)))


def test_a_passphrase_and_an_ssh_key_are_added_once(tmp_path: Path) -> None:
    """The same passphrase, or an ssh public key with another comment, makes no second slot."""
    ssh = tmp_path / "home" / ".ssh"
    ssh.mkdir(parents=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ssh / "id_ed25519"], check=True)
    kind, public, _ = (ssh / "id_ed25519.pub").read_text().split()
    opened(tmp_path).setup()
    target = target_in(tmp_path)
    keys.add_slot(target, "passphrase", passphrase=Secret("correct horse battery"))
    keys.add_slot(target, "age", recipient=f"{kind} {public} me@one")

    with pytest.raises(AlreadyExists):
        keys.add_slot(target, "passphrase", passphrase=Secret("correct horse battery"))
    with pytest.raises(AlreadyExists):
        keys.add_slot(target, "age", recipient=f"{kind} {public} me@two")


def test_arguments_that_make_no_slot(tmp_path: Path) -> None:
    """A passphrase slot without a passphrase, or an empty one, is a ConfigError."""
    opened(tmp_path).setup()
    target = target_in(tmp_path)

    with pytest.raises(ConfigError):
        keys.add_slot(target, "passphrase")
    with pytest.raises(ConfigError):
        keys.add_slot(target, "passphrase", passphrase=Secret(""))
    with pytest.raises(ConfigError):
        keys.add_slot(target, "age")


def test_keys_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    """No function of keys makes a store file."""
    target = target_in(tmp_path)

    for use in (keys.list_slots, keys.rekey, lambda target: keys.add_slot(target, "key")):
        with pytest.raises(StoreNotFound):
            use(target)
    assert not (tmp_path / NAME).exists()


def test_listing_needs_no_key(tmp_path: Path) -> None:
    """The slots can be listed by somebody who cannot open the file, so that they see whom to ask."""
    made(tmp_path, TAILORSECRETS_FILE_PASSPHRASE="correct horse battery")

    (slot,) = keys.list_slots(target_in(tmp_path, environ={"XDG_CONFIG_HOME": str(tmp_path / ELSEWHERE)}))

    assert (slot.kind, slot.label) == ("passphrase", "")
    assert "data" not in repr(slot)


ODD_NAMES = {"NBSP": "a\xa0b", "tab": "a\tb", "newline": "a\nb", "zero width": "a\u200bb", "raw": os.fsdecode(b"a\xff")}


@pytest.mark.parametrize("name", ODD_NAMES.values(), ids=ODD_NAMES)
def test_a_key_file_whose_name_does_not_print(tmp_path: Path, name: str) -> None:
    """A key file of any name makes a slot that reads; its label escapes what does not print."""
    path = str(tmp_path / name)
    made(tmp_path, TAILORSECRETS_FILE_KEY_FILE=path)
    slot = keys.add_slot(target_in(tmp_path, environ={"TAILORSECRETS_FILE_KEY_FILE": path}), "key", path=f"{path}2")

    assert text(stranger(tmp_path, TAILORSECRETS_FILE_KEY_FILE=f"{path}2"), "a") == "1"
    assert slot.label == str(tmp_path / name.encode("unicode_escape").decode()) + "2"
    assert len(kinds(tmp_path)) == 2


def test_an_ssh_key_whose_comment_does_not_print(tmp_path: Path) -> None:
    """An ssh public key with any comment makes a slot that reads, and that a rekey reaches."""
    ssh = tmp_path / "home" / ".ssh"
    ssh.mkdir(parents=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ssh / "id_ed25519"], check=True)
    kind, public, _ = (ssh / "id_ed25519.pub").read_text().split()
    opened(tmp_path).put("a", Secret("1"))

    keys.add_slot(target_in(tmp_path), "age", recipient=f"{kind} {public} me\xa0\x1b[2J\u200b")
    keys.rekey(target_in(tmp_path))

    assert text(trusting(tmp_path, HOME=str(tmp_path / "home")), "a") == "1"


def test_only_what_reads_is_written(tmp_path: Path) -> None:
    """A change that no reader would accept is refused before the rename, and the file is left alone."""
    from tailorsecrets_file.store_file import StoreFile

    def relabel(label: str) -> None:
        with StoreFile(target_in(tmp_path)).writing(create=False) as draft:
            draft.slots = tuple(replace(slot, label=label) for slot in draft.slots)
            draft.changed = True

    opened(tmp_path).put("a", Secret("1"))
    before = (tmp_path / NAME).read_bytes()

    for label in ("\x1b", "x" * 1_100_000):
        with pytest.raises(Unsupported, match="was not written"):
            relabel(label)

    assert (tmp_path / NAME).read_bytes() == before
