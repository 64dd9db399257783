"""``export``: secrets as text for other tools."""

import json
import os
import stat
from base64 import b64decode
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values

from tests.support.shell import Shell


def add(shell: Shell, name: str, value: str) -> None:
    """Create a secret in the vault ``api-keys`` by hand."""
    assert shell("secret", "create", "-V", "api-keys", "-n", name, "--value", value).code == 0


@pytest.mark.parametrize("words", [(), ("-V", "api-keys")])
def test_formats(managed: Shell, words: tuple[str, ...]) -> None:
    """Each format has the same names and values; nothing else is on stdout or stderr."""
    expected = {"API_KEYS_STRIPE_KEY": "sk_live"}
    done = {kind: managed("export", *words, "--format", kind) for kind in ("dotenv", "json", "shell", "k8s")}
    assert {(each.code, each.err) for each in done.values()} == {(0, "")}
    assert json.loads(done["json"].out) == expected
    assert done["dotenv"].out == "API_KEYS_STRIPE_KEY=sk_live\n"
    assert done["shell"].out == "export API_KEYS_STRIPE_KEY='sk_live'\n"
    document = yaml.safe_load(done["k8s"].out)
    assert document["metadata"]["name"] == ("api-keys" if words else "my-app")
    assert {name: b64decode(value).decode() for name, value in document["data"].items()} == expected
    assert managed("export", "--json").data == expected


def test_the_environment_plays_no_part(managed: Shell) -> None:
    """A variable of the environment with another value is not a conflict."""
    assert "sk_live" in managed("export", "--format", "json", API_KEYS_STRIPE_KEY="mine").out


def test_names(managed: Shell) -> None:
    """--map, --prefix and --allow-missing are those of run; so are the errors."""
    assert managed("export", "--format", "dotenv", "--prefix", "X_").out == "X_API_KEYS_STRIPE_KEY=sk_live\n"
    words = ("export", "--format", "k8s", "--map", "A=api-keys/stripe-key")
    assert yaml.safe_load(managed(*words).out)["metadata"]["name"] == "api-keys"
    assert yaml.safe_load(managed(*words, "--name", "other").out)["metadata"]["name"] == "other"
    managed.declare('{"api-keys": {"stripe-key": "x", "gone": "x"}}')
    assert "error[SECRET_NOT_FOUND]: not in the store: api-keys/gone" in managed("export", "--format", "json").err
    assert list(managed("export", "--format", "json", "--allow-missing").data) == ["API_KEYS_STRIPE_KEY"]


def test_what_a_format_cannot_carry(shell: Shell) -> None:
    """A value that the format cannot hold is refused by its name, and nothing is written."""
    add(shell, "null-key", "CANARY\0")
    add(shell, "brace-key", "CANARY${x}")
    (shell.folder / ".env").write_text("as it was")
    for kind, names in (("dotenv", ["NULL_KEY", "BRACE_KEY"]), ("shell", ["NULL_KEY"])):
        done = shell("export", "-V", "api-keys", "--format", kind, "--output", ".env")
        assert (done.code, done.out, "CANARY" in done.err) == (1, "", False)
        assert "error[UNSUPPORTED]" in done.err
        assert [name for name in names if f"API_KEYS_{name}" not in done.err] == []
    assert (shell.folder / ".env").read_text() == "as it was"
    assert len(shell("export", "-V", "api-keys", "--format", "json").data) == 3


@pytest.mark.parametrize(
    "words", [(), ("--format", "xml"), ("--format", "json", "--name", "x"), ("--format", "json", "-V", "a/b")]
)
def test_usage(shell: Shell, words: tuple[str, ...]) -> None:
    """A missing or unknown format, and a name without a Secret, are refused."""
    assert shell("export", *words).code == 1


def test_a_name_that_kubernetes_refuses(managed: Shell) -> None:
    """An app whose name is not one for Kubernetes needs --name."""
    managed.declare('{"api-keys": {"stripe-key": "x"}}', name="My App")
    done = managed("export", "--format", "k8s")
    assert (done.code, "--name" in done.err, "sk_live" in done.out) == (1, True, False)


@pytest.mark.parametrize("before", [None, 0o644, 0o400])
def test_the_file(managed: Shell, before: int | None) -> None:
    """The file is for its owner alone, also where one was there that others could read; a draft is not left."""
    path = managed.folder / ".env"
    if before is not None:
        path.write_text("before")
        path.chmod(before)
    umask = os.umask(0)
    try:
        done = managed("export", "--format", "dotenv", "--output", ".env")
    finally:
        os.umask(umask)
    assert (done.code, done.out, done.err) == (0, "", "wrote .env\n")
    assert dotenv_values(path) == {"API_KEYS_STRIPE_KEY": "sk_live"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in managed.folder.iterdir() if "env" in each.name] == [".env"]


def test_the_file_behind_a_link(managed: Shell) -> None:
    """A link stays a link; the file that it leads to is replaced."""
    (managed.folder / "real").write_text("before")
    (managed.folder / "link").symlink_to("real")
    assert managed("export", "--format", "dotenv", "--output", "link").code == 0
    assert (managed.folder / "link").is_symlink()
    assert "sk_live" in (managed.folder / "real").read_text()


@pytest.mark.parametrize("output", ["no/such/folder", "folder", "pipe"])
def test_files_that_cannot_be_written(managed: Shell, output: str) -> None:
    """A file that cannot be written is one error, and nothing else is touched."""
    (managed.folder / "folder").mkdir()
    os.mkfifo(managed.folder / "pipe")
    before = sorted(managed.folder.iterdir())
    done = managed("export", "--format", "dotenv", "--output", output)
    assert (done.code, "error[OUTPUT_FAILED]" in done.err, f"{output} cannot be written" in done.err) == (1, True, True)
    assert "hint: " in done.err
    assert sorted(managed.folder.iterdir()) == before
    assert Path(managed.folder / "pipe").is_fifo()


def test_an_empty_output(managed: Shell) -> None:
    """An empty name of a file, as of a variable that is not set, is an error that says so."""
    done = managed("export", "--format", "dotenv", "--output", "")
    assert (done.code, done.out, "error[USAGE]: --output is empty" in done.err) == (1, "", True)
