"""``inject``: a template with its secrets."""

import stat
import subprocess
import sys

import pytest

from tailorsecrets.errors import Denied
from tests.support.memory_plugin import DRIVERS
from tests.support.shell import Shell

TEMPLATE = "key = {{ ts://api-keys/stripe-key }}\r\nother = {{ .Values.other }}\n"
WATCH = """
import os, sys
seen = []
def watch(event, args):
    if event in ("os.rename", "os.chmod", "os.remove") or (event == "open" and args[1] != "r" and args[2] & os.O_CREAT):
        seen.append((event, str(args[0]), args[2] if event == "open" else None))
        for entry in os.scandir("."):
            if entry.is_file() and b"sk_live" in open(entry.path, "rb").read() and entry.stat().st_mode & 0o77:
                print("readable by others:", entry.name)
sys.addaudithook(watch)
os.umask(0)
from tailorsecrets.cli import main
code = main(sys.argv[1:])
watch("os.remove", ["."])
sys.exit(code)
"""


@pytest.fixture
def template(shell: Shell) -> Shell:
    """Return a command line with a template."""
    (shell.folder / "app.tmpl").write_bytes(TEMPLATE.encode())
    return shell


def test_to_stdout(template: Shell) -> None:
    """References become values, everything else stays byte for byte; no config is needed."""
    expected = "key = sk_live\r\nother = {{ .Values.other }}\n"
    done = template("inject", "app.tmpl")
    assert (done.code, done.out, done.err) == (0, expected, "")
    assert template("inject", "-", stdin=TEMPLATE.encode()).out == expected


def test_a_template_without_references(empty: Shell) -> None:
    """A template without references needs no store."""
    (empty.folder / "app.tmpl").write_text("{{ .Values.x }}")
    assert empty("inject", "app.tmpl").out == "{{ .Values.x }}"


def test_to_a_file(template: Shell) -> None:
    """The file is for its owner alone, from its first byte on: no other name and no other mode is ever there."""
    (template.folder / "app.conf").write_text("before")
    (template.folder / "app.conf").chmod(0o666)
    done = subprocess.run(
        [sys.executable, "-c", WATCH, "inject", "app.tmpl", "--output", "app.conf"],
        cwd=template.folder,
        env=template.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "wrote app.conf\n")
    assert (template.folder / "app.conf").read_bytes() == b"key = sk_live\r\nother = {{ .Values.other }}\n"
    assert stat.S_IMODE((template.folder / "app.conf").stat().st_mode) == 0o600


def test_a_missing_secret_writes_nothing(template: Shell) -> None:
    """All that is missing or malformed is listed by its place, and the file stays as it was."""
    (template.folder / "app.tmpl").write_text("{{ ts://api-keys/stripe-key }}\n {{ ts://no-vault/gone }}{{ ts://bad }}")
    (template.folder / "app.conf").write_text("before")
    before = sorted(template.folder.iterdir())
    done = template("inject", "app.tmpl", "--output", "app.conf")
    assert (done.code, done.out) == (1, "")
    assert "error[TEMPLATE_INVALID]: 2:2: no-vault/gone is not in the store; 2:26: malformed" in done.err
    assert (template.folder / "app.conf").read_text() == "before"
    assert sorted(template.folder.iterdir()) == before
    (template.folder / "app.tmpl").write_text("{{ ts://api-keys/stripe-key }}\n{{ ts://api-keys/gone }}")
    assert "error[SECRET_NOT_FOUND]: 2:1: api-keys/gone" in template("inject", "app.tmpl").err
    assert template("inject", "app.tmpl").out == ""


def test_denied_is_not_missing(memory: Shell) -> None:
    """A secret that may not be read is that error, not a missing one."""
    (memory.folder / "app.tmpl").write_text(TEMPLATE)
    memory("secret", "vault", "create", "api-keys")
    memory("secret", "create", "-V", "api-keys", "-n", "stripe-key", "--value", "x")
    DRIVERS["here"].fail("get", Denied)
    assert "error[PERMISSION_DENIED]" in memory("inject", "app.tmpl").err


@pytest.mark.parametrize("words", [("gone.tmpl",), ("bytes.tmpl",), (".",), ("app.tmpl", "--output", "./app.tmpl")])
def test_templates_that_cannot_be_read(template: Shell, words: tuple[str, ...]) -> None:
    """A template that is missing or not text is refused, and so is the template as its own output."""
    (template.folder / "bytes.tmpl").write_bytes(b"\xff")
    done = template("inject", *words)
    assert (done.code, done.out, "error[USAGE]" in done.err) == (1, "", True)
    assert (template.folder / "app.tmpl").read_bytes() == TEMPLATE.encode()
