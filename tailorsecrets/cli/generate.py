"""``generate``: the types module, for type-checked reads."""

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
@click.option("--check", is_flag=True, help="Write nothing. Exit 1 if the module is stale or missing.")
def generate(invocation: Invocation, check: bool) -> None:
    """Write the types module, for type-checked reads.

    The module is tailor_config_types.py, beside the config. It holds the names that the config declares.
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
    """Tell whether the module at *path* holds other names. A missing module is not stale."""
    return path.is_file() and path.read_bytes() != types_module(names).encode()


def write_module(path: Path, names: Mapping[str, Sequence[str]]) -> None:
    """Write the module for *names*, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with writing(path):
        draft.write_bytes(types_module(names).encode())
        draft.replace(path)


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Turn an error in the block into one line that names *path*."""
    try:
        yield
    except OSError as exc:
        problem = exc.strerror or type(exc).__name__
    else:
        return
    raise Failed(
        f"{path} cannot be written: {problem}", code="OUTPUT_FAILED", hint="make room, or make the folder writable"
    )


def _stale(path: Path) -> Failed:
    return Failed(f"{path} does not match the config", code="TYPES_STALE", hint="run: tailorsecrets generate")
