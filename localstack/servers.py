"""Real servers for tests and for trying things out, on the loopback, without Docker.

::

    python localstack/servers.py up [NAME ...]       install what is missing and start; all without NAME
    python localstack/servers.py env [NAME]          print the environment that uses one server
    python localstack/servers.py down [NAME ...]     stop, and forget what was stored
    python localstack/servers.py install [NAME ...]  only install, so that the first start is quick

The names are openbao, openbao-raft, localstack and moto. Everything lives in ``.servers`` beside this folder
(``--cache``); what runs, in ``.servers/run`` (``--run``). Starting what runs and stopping what does not are fine.
"""

import argparse
import fcntl
import json
import shlex
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import processes
import venvs
from recipes import RECIPES, Site

CACHE = Path(__file__).resolve().parent.parent / ".servers"


def up(names: Sequence[str], run: Path, cache: Path) -> dict[str, processes.State]:
    """Install and start the servers *names* and return what runs, by name."""
    return {name: _up(name, run / name, cache) for name in names}


def down(names: Sequence[str], run: Path) -> list[str]:
    """Stop the servers *names* and return those that ran."""
    return [name for name in names if processes.stop(run / name)]


def exports(name: str, run: Path) -> str:
    """Return shell commands that set the environment for the server *name*."""
    state = processes.running(run / name)
    if state is None:
        raise SystemExit(f"{name} does not run; start it with: up {name}")
    return "".join(f"export {variable}={shlex.quote(text)}\n" for variable, text in state.variables.items())


def main() -> None:
    """Do what the command line says."""
    options = _parser().parse_args()
    cache = options.cache.absolute()
    run = (options.run or cache / "run").absolute()
    with _alone(cache, run):
        print(_done(options, run, cache), end="")


def _done(options: argparse.Namespace, run: Path, cache: Path) -> str:
    """Do it and return what to print."""
    if options.command == "env":
        return exports(options.name, run)
    names = options.names or list(RECIPES)
    if options.command == "install":
        return "".join(f"{name} is in {venvs.installed(RECIPES[name].pins, cache)}\n" for name in names)
    if options.command == "down":
        return "".join(f"{name} is stopped\n" for name in down(names, run))
    started = up(names, run, cache)
    if options.json:
        return json.dumps({name: asdict(state) for name, state in started.items()}) + "\n"
    return "".join(f"{name} runs at {state.url}\n" for name, state in started.items())


def _up(name: str, home: Path, cache: Path) -> processes.State:
    state = processes.running(home)
    if state:
        return state
    processes.stop(home)  # the remains of one that died
    recipe, folder = RECIPES[name], venvs.installed(RECIPES[name].pins, cache)
    home.mkdir(parents=True)
    site = Site(folder, home, processes.free_port())
    pid = processes.start(home, recipe.command(site), recipe.variables(site), lambda: recipe.is_ready(site))
    return processes.note(home, pid, site.url, recipe.opened(site), folder)


def _name(text: str) -> str:
    if text not in RECIPES:
        raise argparse.ArgumentTypeError(f"{text}: known: {', '.join(RECIPES)}")
    return text


@contextmanager
def _alone(cache: Path, run: Path) -> Generator[None]:
    """Let only one command at a time change what is in *run*."""
    for folder in (cache, run):
        folder.mkdir(parents=True, exist_ok=True)
    (cache / ".gitignore").write_text("*\n")
    with (run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=CACHE, help="where servers are installed (default: %(default)s)")
    parser.add_argument("--run", type=Path, help="where running servers keep their files (default: CACHE/run)")
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser("up", help="install what is missing and start")
    start.add_argument("--json", action="store_true", help="print all about the servers as JSON")
    for command in (start, commands.add_parser("down", help="stop"), commands.add_parser("install", help="install")):
        command.add_argument("names", nargs="*", type=_name, metavar="NAME")
    environment = commands.add_parser("env", help="print the environment that uses one server")
    environment.add_argument("name", nargs="?", choices=list(RECIPES), default="openbao")
    return parser


if __name__ == "__main__":
    main()
