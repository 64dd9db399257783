"""Runs the code blocks of README and docs as tests.

A ``python`` block runs in one namespace a page; one whose first line is ``# NAME.py`` is written to that file instead,
and so is a ``toml`` block whose first line is ``# NAME.toml``. A ``console`` block runs its ``$`` lines in a shell and
compares what they print; ``...`` stands for anything. Each page has its own empty folder; a page without console blocks
also has a store, named in the environment. A page with the comment ``<!-- servers: moto openbao -->`` has these
servers; the environment has their addresses.
"""

import gc
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis  # noqa: F401  # before the freeze below: its plugins check who refers to what
import pytest
from sybil import Example, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import CodeBlockParser

from tests.support.servers import begin_run, end_run, of_worker, start, this_run

ROOT = Path(__file__).parent
STACK = "_stack"
DONE = "_done"  # the lines of the examples that this process has run
SERVERS = "_servers"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run first the tests that fork: later this process is large, and full of threads that a child does not have.

    Then come the long ones: at the end, the other workers would wait for them.
    """
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("forks", "long")])


def pytest_collection_finish() -> None:
    """Keep the collector of garbage from walking through all tests each time."""
    gc.collect()
    gc.freeze()


def pytest_configure() -> None:
    """Name this run, so that all its workers use the same servers; keep what Python compiles for other processes."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    begin_run()


def pytest_unconfigure() -> None:
    """Stop the servers of this run."""
    end_run()


@pytest.fixture(autouse=True)
def _own_config() -> Iterator[None]:
    """Remove each test's config from the process, so that another test's ``import tailor_config`` does not find it."""
    yield
    forget_config()


def forget_config() -> None:
    """Let the next config be imported again; each of them has the same name."""
    for name in ("tailor_config", "tailor_config_types"):
        sys.modules.pop(name, None)


def forget_modules(folder: str) -> None:
    """Let what was imported from *folder* be imported again."""
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(folder):
            del sys.modules[name]


def setup(namespace: dict[str, Any]) -> None:
    """Enter an empty folder with its own environment."""
    stack = namespace[STACK] = ExitStack()
    namespace[DONE] = set[int]()
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    stack.callback(forget_modules, folder)
    stack.callback(os.chdir, Path.cwd())
    stack.callback(os.environ.update, dict(os.environ))
    stack.callback(os.environ.clear)
    stack.callback(sys.path.remove, folder)
    os.chdir(folder)
    sys.path.insert(0, folder)
    os.environ["XDG_CONFIG_HOME"] = f"{folder}/.config"
    os.environ["TAILORSECRETS_STORE"] = f"file:{folder}/.secrets.jsonl"
    os.environ["PATH"] = f"{folder}/.bin:{Path(sys.executable).parent}:{os.environ['PATH']}"
    os.environ["PYTHONPATH"] = f"{folder}/.site"
    install_for_the_page(Path(folder, ".bin", "pip"), f"{folder}/.site")


def install_for_the_page(pip: Path, site: str) -> None:
    """Write a ``pip`` that installs into the folder of the page; what is needed besides is in this environment."""
    command = f'exec "{sys.executable}" -m uv pip "$@" --quiet --no-deps --python "{sys.executable}" --target "{site}"'
    copies = 'install=$1; shift; [ "$1" = -e ] && shift; set -- "$install" "$@"'  # not into a --target
    pip.parent.mkdir()
    pip.write_text(f"#!/bin/sh\n{copies}\n{command}\n")
    pip.chmod(0o755)


def teardown(namespace: dict[str, Any]) -> None:
    """Leave the folder and restore the environment."""
    namespace[STACK].close()
    forget_config()


def python(example: Example) -> None:
    """Run a python block, or write it to the file that its first line names."""
    first = example.parsed.partition("\n")[0]
    if first.startswith("# ") and first.endswith(".py"):
        Path(first.removeprefix("# ")).write_text(example.parsed)
    else:
        PythonEvaluator()(example)


def toml(example: Example) -> None:
    """Write a toml block to the file that its first line names, if it does."""
    first = example.parsed.partition("\n")[0]
    if first.startswith("# ") and first.endswith(".toml"):
        Path(first.removeprefix("# ")).write_text(example.parsed)


def console(example: Example) -> str | None:
    """Run the commands of a console block; return what differs."""
    os.environ.pop("TAILORSECRETS_STORE", None)
    use_servers(example)
    for command, expected in commands(example.parsed):
        done = subprocess.run(
            ["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if not matches(expected, done.stdout):
            return f"$ {command}\nexpected:\n{expected}\ngot:\n{done.stdout}"
    return None


def use_servers(example: Example) -> None:
    """Start the servers that the page names, and put their addresses into the environment."""
    found = re.search(r"<!-- servers: ([\w ]+) -->", example.document.text)
    if found and SERVERS not in example.namespace:
        example.namespace[SERVERS] = found[1].split()
        for name in example.namespace[SERVERS]:
            os.environ.update(start(name, of_worker(this_run())).variables)
        os.environ.pop("TAILORSECRETS_STORE", None)


def in_order(run: Callable[[Example], str | None] | Callable[[Example], None]) -> Callable[[Example], str | None]:
    """Run an example after all earlier ones on its page, each once; another worker may have taken some of them."""

    def evaluate(example: Example) -> str | None:
        done: set[int] = example.namespace[DONE]
        if example.line in done:
            return None
        for earlier in example.document.examples():
            if earlier.line < example.line and earlier.line not in done:
                earlier.evaluate()
        done.add(example.line)
        return run(example)

    return evaluate


def commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command with the output that follows it; a line that ends in a backslash goes on in the next."""
    for part in ("\n" + text).split("\n$ ")[1:]:
        command, _, expected = part.replace("\\\n", "\0").partition("\n")
        yield command.replace("\0", "\\\n"), expected


def matches(expected: str, got: str) -> bool:
    """Tell whether *got* is *expected*, where ``...`` stands for anything."""
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("..."))
    return re.fullmatch(pattern, got.strip(), re.DOTALL) is not None


pytest_collect_file = Sybil(
    parsers=[
        CodeBlockParser("python", in_order(python)),
        CodeBlockParser("toml", in_order(toml)),
        CodeBlockParser("console", in_order(console)),
    ],
    patterns=["README.md", "docs/*.md", "docs/stores/*.md"],
    setup=setup,
    teardown=teardown,
    path=str(ROOT),
).pytest()
