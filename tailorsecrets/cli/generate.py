"""``generate``: the module that makes reads type-checked."""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.failures import Failed
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.config.typegen import MODULE, types_module


@command("generate", "tailorsecrets generate", "tailorsecrets generate --check")
@click.option("--check", is_flag=True, help="Write nothing, and exit 1 when the module is stale or missing.")
def generate(invocation: Invocation, check: bool) -> None:
    """Write the module that type-checks reads.

    It is tailor_config_types.py, beside the config; with it, type checkers know the names that the config declares.
    """
    path = Path(invocation.folder) / MODULE
    if check and not path.is_file():
        raise _stale(path)
    if not path.is_file():
        write_module(path, {})  # the config imports it
    names = invocation.config().declarations.names()
    changed = is_stale(path, names)
    if check and changed:
        raise _stale(path)
    if changed:
        write_module(path, names)
    sentence = f"wrote {path}" if changed else f"{path} is up to date"
    invocation.report_change(MODULE, sentence, changed=changed)


def is_stale(path: Path, names: Mapping[str, Sequence[str]]) -> bool:
    """Tell whether the module at *path* speaks of other names; one that is not there does not."""
    return path.is_file() and path.read_bytes() != types_module(names).encode()


def write_module(path: Path, names: Mapping[str, Sequence[str]]) -> None:
    """Write the module for *names*, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path):
        draft.write_bytes(types_module(names).encode())
        draft.replace(path)


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Say in one line why *path* cannot be written."""
    try:
        yield
    except OSError as exc:
        problem = exc.strerror or type(exc).__name__
    else:
        return
    raise Failed(
        f"{path} cannot be written: {problem}", code="OUTPUT_FAILED", hint="make room, or change who may write there"
    )


def _stale(path: Path) -> Failed:
    return Failed(f"{path} is not what the config declares", code="TYPES_STALE", hint="run: tailorsecrets generate")
