"""Secrets as text for other tools, read back by those tools, and by import."""

import json
import subprocess
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tailorsecrets import ConfigError, Secret, Unsupported
from tailorsecrets.variables import formats
from tailorsecrets.variables.importing import parsed

HOSTILE = {
    "SINGLE": "it's",
    "DOUBLE": 'a "quoted" word',
    "BOTH": """a 'b' "c" `d`""",
    "DOLLAR": "pa$$word $HOME $(id) `id` $1",
    "BACKSLASH": r"C:\new\table\\server\"x",
    "BACKSLASH_END": "ends in \\",
    "NEWLINES": "a\nb\n\nc\n",
    "CRLF": "a\r\nb\rc\r\n",
    "TABS": "\ta\tb\t",
    "SPACES": "  two at each end  ",
    "HASH": "#a #b # c",
    "EQUALS": "=a=b==",
    "EMOJI": "\U0001f511 ключ 鍵 \u2028 \x85 \x0b\x0c",
    "BOM": "\ufeffx",
    "EMPTY": "",
    "BLANK": " ",
    "WORD": "sk_live_51H8",
    "YAML": "yes",
    "NUMBER": "0123",
    "PERCENT": "%s%d%%",
    "LARGE": "0123456789abcdef" * 3840,
    "LARGE_TEXT": 'it\'s "60" KB \\ of $text\n' * 2500,
    "PEM": "-----BEGIN KEY-----\nMIIE\n-----END KEY-----\n",
    "_": "an underscore",
    "lower_1": "a",
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("'\"\\\n\r$#= {}"), max_size=30)


def secrets(values: Mapping[str, str]) -> dict[str, Secret]:
    """Return *values* as secrets."""
    return {name: Secret(value) for name, value in values.items()}


def sourced(path: Path, names: list[str]) -> dict[str, str]:
    """Return the variables of *names* that ``sh`` has after it sourced the file *path*, by ``env -0``."""
    done = subprocess.run(
        ["sh", "-c", f". {path}; env -0"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=True
    )
    pairs = dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if entry)
    return {name: pairs[name] for name in names}


def test_dotenv(tmp_path: Path) -> None:
    """python-dotenv reads all that the dotenv format holds, in one file, with its expansion of variables on."""
    (tmp_path / ".env").write_text(formats.dotenv(secrets(HOSTILE)), newline="")
    assert dotenv_values(tmp_path / ".env") == HOSTILE


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXT, max_size=3))
@example(["\\", "'\\", '"\\'])
def test_dotenv_holds_or_refuses(tmp_path_factory: pytest.TempPathFactory, values: list[str]) -> None:
    """Any value is read back as it was, or is refused by its name; a refusal hurts no other value."""
    given_values = {f"NAME_{number}": value for number, value in enumerate(values)}
    held = {name: value for name, value in given_values.items() if holds(name, value)}
    refused = [value for name, value in given_values.items() if name not in held]
    assert all("\0" in value or "${" in value or value.endswith("\\") for value in refused)
    path = tmp_path_factory.getbasetemp() / "any.env"
    path.write_text(formats.dotenv(secrets(held)), newline="")
    assert dotenv_values(path) == held


def holds(name: str, value: str) -> bool:
    """Tell whether a dotenv file can hold *value*."""
    try:
        formats.dotenv(secrets({name: value}))
    except Unsupported as error:
        return name not in str(error)
    return True


def test_shell(tmp_path: Path) -> None:
    """A shell that sources the text exports each value as it was."""
    (tmp_path / "env.sh").write_text(formats.shell(secrets(HOSTILE)), newline="")
    names = [name for name in HOSTILE if name != "_"]  # a shell's own variable
    assert sourced(tmp_path / "env.sh", names) == {name: HOSTILE[name] for name in names}


def test_json() -> None:
    """JSON is one flat object, and holds every value, NUL too."""
    values = {**HOSTILE, "NUL": "a\0b", "EXPANDED": "${HOME}"}
    assert json.loads(formats.json(secrets(values))) == values


def test_k8s() -> None:
    """Kubernetes gets a Secret whose data is every value in base64, read by PyYAML."""
    values = {**HOSTILE, "NUL": "a\0b", "NO": "y", "EXPANDED": "${HOME}"}
    document = yaml.safe_load(formats.k8s(secrets(values), "my-app.keys"))
    data = {name: b64decode(text).decode() for name, text in document.pop("data").items()}
    assert data == values
    assert document == {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "my-app.keys"}, "type": "Opaque"}
    assert yaml.safe_load(formats.k8s({}, "123"))["data"] == {}
    assert yaml.safe_load(formats.k8s({}, "123"))["metadata"] == {"name": "123"}


@pytest.mark.parametrize("name", ["", "My-App", "a_b", "-a", "a-", "a b", "x" * 254, "a\n"])
def test_names_that_kubernetes_refuses(name: str) -> None:
    """The name of a Secret is a DNS name; another one is refused, with the option for it."""
    with pytest.raises(ConfigError) as raised:
        formats.k8s({}, name)
    assert "--name" in raised.value.hint


@pytest.mark.parametrize(
    ("write", "values"),
    [
        (formats.dotenv, {"ONE": "a\0b", "TWO": "pre${HOME}", "THREE": "line\nback\\", "FINE": "fine"}),
        (formats.shell, {"ONE": "a\0b", "TWO": "\0", "FINE": "fine ${HOME}"}),
    ],
)
def test_refused(write: object, values: dict[str, str]) -> None:
    """What a format cannot carry is one error that lists the names, and no value."""
    assert callable(write)
    with pytest.raises(Unsupported) as raised:
        write(secrets(values))
    assert all(name in str(raised.value) for name in values if name != "FINE")
    assert "FINE" not in str(raised.value)
    assert "HOME" not in str(raised.value)


@pytest.mark.parametrize("kind", ["dotenv", "json"])
def test_import_reads_what_export_writes(kind: str) -> None:
    """What export writes, import reads as it was."""
    text = formats.FORMATS[kind](secrets(HOSTILE))
    assert kind in ("dotenv", "json")
    found = parsed(Secret(text), "json" if kind == "json" else "dotenv")
    assert {name: value.reveal() for name, value in found.values.items()} == HOSTILE
    assert found.notes == ()
