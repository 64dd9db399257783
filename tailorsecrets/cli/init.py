"""``init``: a starter config, its types module, and the store."""

from pathlib import Path
from typing import Final
from uuid import uuid4

from tailorsecrets.cli.commands import command
from tailorsecrets.cli.generate import write_module, writing
from tailorsecrets.cli.invocation import Invocation
from tailorsecrets.cli.starter import starter
from tailorsecrets.config.loading import CONFIG, find_config
from tailorsecrets.config.typegen import MODULE

_NEXT: Final = """\
next: declare your secrets in it, set their variables, and run: tailorsecrets apply
commit the config, its types module and an encrypted store file; keep .env files out of git"""


@command("init", "tailorsecrets init", "tailorsecrets init --store file:secrets/dev.jsonl")
def init(invocation: Invocation) -> None:
    """Write a starter config and make the store.

    Overwrites nothing: an existing config is not changed, and an existing store keeps its secrets.
    """
    path, hidden = _paths(invocation)
    invocation.config_path = str(path)
    invocation.announce("init")
    if hidden:
        invocation.io.say(f"note: in this folder and below, {path} hides {hidden}")
    wrote = _write(path, invocation)
    with invocation.open(create=True) as store:
        made = store.setup()
    invocation.io.say(made or "the store is not changed")
    invocation.report_change(path.name, _NEXT if wrote else "the config existed already", changed=wrote or bool(made))


def _paths(invocation: Invocation) -> tuple[Path, str | None]:
    """Return the path of the config to write, and the config of a parent folder that it hides.

    The config is the named one, else the one of the working directory.
    """
    cwd = Path(invocation.io.cwd)
    named = invocation.common.config or invocation.environ.get("TAILORSECRETS_CONFIG")
    if named:
        return Path(find_config(named, {}, cwd, must_exist=False) or named), None
    return cwd / CONFIG, find_config(None, {}, cwd.parent)


def _write(path: Path, invocation: Invocation) -> bool:
    """Write the config and its types module, unless the config is there; return whether it was written."""
    if path.exists():
        invocation.io.say(f"{path} exists and is not changed")
        return False
    types = path.with_name(MODULE)
    if not types.exists():
        write_module(types, {})  # the config imports it
    with writing(path), path.open("x", encoding="utf-8") as file:
        file.write(starter(path.parent.name or "my-app", str(uuid4())))
    write_module(types, invocation.config().declarations.names())
    invocation.io.say(f"wrote {path} and {types.name}")
    return True
