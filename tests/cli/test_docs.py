"""The page on the command line names all there is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tailorsecrets.errors import SecretsError
from tests.support.tree import commands

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/cli.md").read_text()
ABSTRACT = {"ERROR"}  # of the base class, which nothing raises
GIVEN = re.compile(
    r'(?:code=|_write_error\(invocation, |code = |, code = [^"\n]*?, |code, meaning(?:, \w+)? = )"([A-Z_0-9]+)"'
)


def codes() -> set[str]:
    """Return the codes of all errors, of the classes and of those that are given one where they are raised."""
    folders = [ROOT / "tailorsecrets", *(ROOT / "plugins").glob("tailorsecrets_*")]
    texts = [path.read_text() for folder in folders for path in folder.rglob("*.py")]
    given = {code for text in texts for code in GIVEN.findall(text)}
    return (given | {kind.code for kind in kinds(SecretsError)}) - ABSTRACT


def kinds(base: type[SecretsError]) -> Iterator[type[SecretsError]]:
    """Yield all error classes of the core."""
    for kind in base.__subclasses__():
        if kind.__module__ == base.__module__:
            yield kind
            yield from kinds(kind)


@pytest.mark.parametrize("path", [path for path, _ in commands() if path], ids=" ".join)
def test_commands(path: tuple[str, ...]) -> None:
    """Every command is named."""
    assert f"`{' '.join(path)}" in PAGE


def test_options() -> None:
    """Every option is named, in its long and its short form."""
    options = {name for _, command in commands() for option in command.params for name in option.opts if name[0] == "-"}
    assert [name for name in sorted(options) if not re.search(rf"(?<![\w-]){name}\b", PAGE)] == []


def test_codes() -> None:
    """The table of errors has every code, and no other, each with a meaning."""
    rows = re.findall(r"^\| `([A-Z_0-9]+)` \| (.+?) \|", PAGE, re.MULTILINE)
    assert {code for code, _ in rows} == codes()
    assert len(rows) == len(codes())


def test_json_shapes() -> None:
    """The keys of every JSON document are named."""
    keys = ["createdAt", "updatedAt", "workspaceId", "changed", "summary", "changes", "warnings", "conflicts"]
    assert [
        key for key in [*keys, "currentOwner", "resourceType", "suggestion", "status"] if f'"{key}"' not in PAGE
    ] == []
