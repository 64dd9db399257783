"""Where the store file is, when it is made, and what making it leaves beside it."""

import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tailorsecrets import open_store
from tailorsecrets.driver import Target
from tailorsecrets.errors import ConfigError, StoreNotFound
from tailorsecrets.secret import Secret
from tests.support.file.opening import NAME, opened, store_type, target_in, text


def test_opening_touches_nothing(tmp_path: Path) -> None:
    """Opening a target makes no file and needs none."""
    opened(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_reading_a_store_that_nobody_made(tmp_path: Path) -> None:
    """Reading a missing file is StoreNotFound, which names the file and the command that makes it."""
    for read in (lambda: opened(tmp_path).get("a"), lambda: list(opened(tmp_path).list(""))):
        with pytest.raises(StoreNotFound, match=NAME) as caught:
            read()
        assert caught.value.hint == f"run: tailorsecrets init --store file:{tmp_path / NAME}"
    assert list(tmp_path.iterdir()) == []


def test_writing_to_the_default_store_does_not_make_it(tmp_path: Path) -> None:
    """A put into a store that the user did not name is StoreNotFound and makes nothing."""
    driver = store_type().open(target_in(tmp_path, create=False))

    with pytest.raises(StoreNotFound):
        driver.put("a", Secret("1"))

    assert list(tmp_path.iterdir()) == []


def test_first_put_makes_a_named_store(tmp_path: Path) -> None:
    """A put into a store that the user named makes the file, its folder and its key, for the user alone."""
    driver = store_type().open(target_in(tmp_path, path=f"deep/er/{NAME}"))

    driver.put("a", Secret("1"))

    assert text(driver, "a") == "1"
    assert stat.S_IMODE((tmp_path / "deep" / "er" / NAME).stat().st_mode) == 0o600
    (key,) = (tmp_path / "config" / "tailorsecrets" / "keys").iterdir()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700


def test_a_failing_first_put_makes_nothing(tmp_path: Path) -> None:
    """A transaction that fails in a store that does not exist yet leaves no file and no key."""
    driver = opened(tmp_path)

    with suppress(ZeroDivisionError), driver.transaction():
        driver.put("a", Secret("1"))
        raise ZeroDivisionError

    assert not (tmp_path / NAME).exists()
    assert not (tmp_path / "config").exists()


def test_reads_in_the_first_transaction(tmp_path: Path) -> None:
    """Inside a transaction that will make the store, the store reads as empty."""
    driver = opened(tmp_path)

    with driver.transaction():
        assert list(driver.list("")) == []

    assert not (tmp_path / NAME).exists()


def test_setup_makes_everything_once(tmp_path: Path) -> None:
    """Setup makes the file whatever the target says, says so, and does nothing when it is there."""
    driver = store_type().open(target_in(tmp_path, create=False))

    said = driver.setup()
    made = (tmp_path / NAME).read_bytes()

    assert str(tmp_path / NAME) in said
    assert list(driver.list("")) == []
    assert driver.setup() == ""
    assert made == (tmp_path / NAME).read_bytes()


def test_setup_tells_git(tmp_path: Path) -> None:
    """Setup appends to what .gitattributes and .gitignore say already."""
    (tmp_path / ".gitattributes").write_text("*.png binary")

    opened(tmp_path).setup()

    assert f"*.png binary\n/{NAME} merge=union -text\n" == (tmp_path / ".gitattributes").read_text()
    assert f"/.{NAME}.*\n" == (tmp_path / ".gitignore").read_text()


def test_setup_tells_git_of_a_file_that_is_there(tmp_path: Path) -> None:
    """Setup of a file that the first write made configures git, and keeps what is not UTF-8 in its files."""
    driver = opened(tmp_path)
    driver.put("a", Secret("1"))
    (tmp_path / ".gitattributes").write_bytes(b"# caf\xe9\n")
    assert "configured git" in driver.setup()
    assert (tmp_path / ".gitattributes").read_bytes() == f"# caf\xe9\n/{NAME} merge=union -text\n".encode("latin-1")
    assert driver.setup() == ""


def test_setup_keeps_a_line_that_is_there(tmp_path: Path) -> None:
    """Setup does not repeat its line in .gitattributes."""
    (tmp_path / ".gitattributes").write_text(f"/{NAME} merge=union -text\n")

    opened(tmp_path).setup()

    assert f"/{NAME} merge=union -text\n" == (tmp_path / ".gitattributes").read_text()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Where the path is a symbolic link, its target is rewritten."""
    (tmp_path / "real").mkdir()
    (tmp_path / NAME).symlink_to(tmp_path / "real" / "store")
    driver = opened(tmp_path)

    driver.put("a", Secret("1"))
    driver.put("a", Secret("2"))

    assert (tmp_path / NAME).is_symlink()
    assert text(driver, "a") == "2"
    assert (tmp_path / "real" / "store").is_file()


def test_the_mode_of_the_file_stays(tmp_path: Path) -> None:
    """A rewrite keeps the permissions that the user gave the file."""
    driver = opened(tmp_path)
    driver.setup()
    (tmp_path / NAME).chmod(0o640)

    driver.put("a", Secret("1"))

    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o640


def test_home_is_the_place_of_keys_without_xdg(tmp_path: Path) -> None:
    """Without XDG_CONFIG_HOME the key is in ~/.config, of the HOME that the target gives."""
    target = Target(url="file:s", scheme="file", path="s", base=str(tmp_path), environ={"HOME": str(tmp_path / "home")})

    said = store_type().open(target).setup()

    assert len(list((tmp_path / "home" / ".config" / "tailorsecrets" / "keys").iterdir())) == 1
    assert "~/.config/tailorsecrets/keys" in said


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_a_path_that_is_none(tmp_path: Path, path: str) -> None:
    """A URL without a path, or with a NUL in it, is refused when it is opened."""
    with pytest.raises(ConfigError):
        store_type().open(target_in(tmp_path, path=path))


def test_a_host_is_refused(tmp_path: Path) -> None:
    """A file: URL with two slashes has a host, which is not thrown away."""
    with pytest.raises(ConfigError, match="has a host") as caught:
        open_store(f"file://secrets/{tmp_path.name}.jsonl")
    assert caught.value.hint == f"write file:secrets/{tmp_path.name}.jsonl"


def test_a_tilde_is_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a shell does not expand inside of a word is expanded here."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with open_store("file:~/s.jsonl", environ={"XDG_CONFIG_HOME": str(tmp_path)}) as store:
        store.create_vault("api-keys")
    assert (tmp_path / "s.jsonl").exists()


@pytest.mark.parametrize("number", ["0", "-1", "x", "", "1" * 5000, "٣"])
def test_keep_versions_is_a_number(tmp_path: Path, number: str) -> None:
    """A keep_versions that is not a positive number is refused when the store is opened."""
    with pytest.raises(ConfigError, match="keep_versions"):
        store_type().open(target_in(tmp_path, options={"keep_versions": number}))


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    """A path that is a folder is one error, for reads, writes and setup, and nothing is left in it or beside it."""
    (tmp_path / NAME).mkdir()
    driver = opened(tmp_path)

    for call in (lambda: driver.get("a"), lambda: driver.put("a", Secret("1")), driver.setup):
        with pytest.raises(ConfigError, match=f"{tmp_path / NAME} is a folder, not a store file"):
            call()

    assert list(tmp_path.rglob("*")) == [tmp_path / NAME]


def test_each_option_has_a_line_of_help() -> None:
    """The store type documents its options, and its path is not a prefix."""
    assert list(store_type().options) == ["keep_versions"]
    assert all(store_type().options.values())
    assert not store_type().prefixed
    assert os.sep not in store_type().scheme


WINDOWS = """
import io, pathlib, shutil, subprocess, sys
from tailorsecrets.cli import root
from tailorsecrets.cli.process import run
from tailorsecrets.cli.streams import Io
sys.platform = "win32"
words = sys.argv[2:]
folder = pathlib.Path(sys.argv[1])
sys.exit(run(words, Io(io.BytesIO(), sys.stdout, sys.stderr, {"XDG_CONFIG_HOME": sys.argv[1], "HOME": "/"}, folder)))
"""


@pytest.mark.parametrize("words", [("init",), ("secret", "vault", "list"), ("file", "keys", "list")], ids=" ".join)
def test_windows_is_refused_in_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    """On Windows each command on a store file says so, names WSL and the other stores, and makes nothing."""
    command = [sys.executable, "-c", WINDOWS, str(tmp_path), *words, "--store", f"file:{tmp_path}/s.jsonl"]

    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 1
    assert "error[UNSUPPORTED]: " in done.stderr
    assert "the encrypted file store runs on Linux and macOS, not on Windows" in done.stderr
    assert "run it in WSL, or use another store: vault:, aws:, gcp: or azure:" in done.stderr
    assert list(tmp_path.rglob("*.jsonl")) == []
