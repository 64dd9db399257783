"""A command line in its own folder: in this process with its own streams, or on a real terminal."""

import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect

from tailorsecrets import Store, open_store
from tailorsecrets.cli.process import run
from tailorsecrets.cli.streams import Io
from tailorsecrets.store.store import workspace_of

PROGRAM = str(Path(sys.executable).parent / "tailorsecrets")
STORE = "file:.tailorsecrets/secrets.jsonl"
CONFIG = """
from tailorsecrets import define_config, define_secret_manager, env, file, generate

secrets = define_secret_manager({vaults}{options})
config = define_config({name!r}, id={identity!r}, secrets=secrets)
"""
IDENTITY = "0192f0c1-2345-7abc-8def-000000000001"


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The JSON on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The error in the last line of stderr, which is JSON."""
        return json.loads(self.err.splitlines()[-1])["error"]


class Shell:
    """Runs commands in *folder*, with an environment that holds nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"XDG_CONFIG_HOME": str(folder / ".config"), "HOME": str(folder), "PATH": "/usr/bin:/bin"}

    def __call__(self, *argv: str, stdin: bytes = b"", stdout: io.StringIO | None = None, **environ: str) -> Done:
        """Run *argv* in this process, with *stdin* in a pipe and *environ* besides."""
        out, err = stdout or io.StringIO(), io.StringIO()

        def execute(words: tuple[str, ...], variables: Mapping[str, str]) -> int:
            """Run the command of ``run`` beside this process, not in its place."""
            done = subprocess.run(
                words, env={**variables}, cwd=self.folder, capture_output=True, text=True, check=False
            )
            out.write(done.stdout)
            err.write(done.stderr)
            return done.returncode

        streams = Io(io.BytesIO(stdin), out, err, {**self.environ, **environ}, self.folder, execute=execute)
        code = run(argv, streams)
        return Done(code, out.getvalue(), err.getvalue())

    def having(self, environ: Mapping[str, str]) -> "Shell":
        """Return the same with *environ* besides."""
        other = Shell(self.folder)
        other.environ |= {**self.environ, **environ}
        return other

    def declare(self, vaults: str, options: str = "", name: str = "my-app", identity: str = IDENTITY) -> None:
        """Write a config with *vaults*, the text of a dict."""
        text = CONFIG.format(vaults=vaults, options=options, name=name, identity=identity)
        (self.folder / "tailor_config.py").write_text(text)

    @contextmanager
    def store(self, workspace: str = "default") -> Iterator[Store]:
        """Open the store that the commands write to."""
        url = f"file:{self.folder}/{STORE.removeprefix('file:')}"
        with open_store(url, workspace, environ=self.environ) as store:
            yield store

    def value(self, vault: str, secret: str) -> str | None:
        """Return what the store holds."""
        with self.store() as store:
            return store.get(vault, secret)

    def owner(self, vault: str) -> str:
        """Return the name of the vault's owner, "" for none."""
        with self.store() as store:
            owner = workspace_of(store).record(vault).owner
            return owner.name if owner else ""

    def terminal(self, *argv: str, **environ: str) -> "pexpect.spawn[str]":
        """Start *argv* on a terminal, where Ctrl-C works also if these tests run in the background."""
        variables = {"TERM": "dumb", **self.environ, **environ, "LC_ALL": "C.UTF-8"}
        return pexpect.spawn(
            PROGRAM,
            list(argv),
            cwd=self.folder,
            env=variables,
            encoding="utf-8",
            timeout=30,
            dimensions=(50, 200),
            preexec_fn=_listen_to_ctrl_c,
        )


def _listen_to_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def ended(child: "pexpect.spawn[str]") -> tuple[int | None, str]:
    """Wait for the end of *child*; return its exit code and what it wrote since the last prompt."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, str(child.before).replace("\r\n", "\n")
