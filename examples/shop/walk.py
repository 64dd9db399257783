"""The whole job on an example app, in an empty folder: run it with ``make demo``.

It shows each command as you would type it, with its output, and answers the questions. The folder, with the store and
its key, is deleted at the end. ``python walk.py URL`` does the same on another store, which may lack lists and
versions.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pexpect

HERE = Path(__file__).parent
STORE = sys.argv[1] if len(sys.argv) > 1 else "file:.tailorsecrets/secrets.jsonl"
VALUES = {
    "STRIPE_SECRET_KEY": "sk_live_from_the_environment",
    "SENDGRID_API_KEY": "SG.from_the_environment",
    "ANALYTICS_DB_URL": "postgres://shop@db/analytics",
}


def main() -> None:
    """Walk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for module in ("tailor_config.py", "shop.py"):
            shutil.copy(HERE / module, folder)
        walk(folder)


def lists() -> bool:
    """Tell whether the store can list; the encrypted file can."""
    from tailorsecrets import open_store

    with open_store(STORE) as store:
        return store.caps.lists


def walk(folder: Path) -> None:
    """Do the whole job in *folder*."""
    print(f"The whole job on an example app, in {folder}, which is deleted afterwards.", flush=True)
    say("Make a store: one encrypted file, and its key in your config folder")
    run(folder, "tailorsecrets init")

    say("Make the store equal to the config; the values come from the environment")
    run(folder, "tailorsecrets apply", values=VALUES)
    run(folder, "tailorsecrets secret vault list", may_lack=True)
    run(folder, "tailorsecrets secret list -V api-keys", may_lack=True)

    say("A program reads at run time, without those variables")
    run(folder, "python shop.py")

    say("Apply again: nothing changed, so there is nothing to do")
    run(folder, "tailorsecrets apply", values=VALUES)

    say("Change a value by hand: the config manages this vault, so the command asks, and releases the vault")
    run(
        folder,
        "tailorsecrets secret update -V api-keys -n stripe-secret-key --value-file new-key.txt",
        files={"new-key.txt": "sk_live_by_hand"},
        answers=["y"],
    )

    say("Apply again: no config manages the vault now, so the command asks before it claims it, and repairs the value")
    run(folder, "tailorsecrets apply", values=VALUES, answers=["y"])
    run(folder, "tailorsecrets secret history -V api-keys -n stripe-secret-key", may_lack=True)

    say("Remove a secret from the config: apply asks, and deletes it from the store")
    config = folder / "tailor_config.py"
    lines = [line for line in config.read_text().splitlines(keepends=True) if "sendgrid" not in line]
    asked = ["y"] if lists() else []  # else apply says that it deletes nothing
    run(folder, "tailorsecrets apply", values=VALUES, answers=asked, files={"tailor_config.py": "".join(lines)})
    run(folder, "tailorsecrets secret list -V api-keys", may_lack=True)

    say("Remove everything that the app owns")
    run(folder, "tailorsecrets remove", answers=["y"])
    run(folder, "tailorsecrets secret vault list", may_lack=True)


def say(words: str) -> None:
    """Print a heading."""
    print(f"\n# {words}", flush=True)


def run(
    folder: Path,
    command: str,
    *,
    values: dict[str, str] | None = None,
    answers: list[str] | None = None,
    files: dict[str, str] | None = None,
    may_lack: bool = False,
) -> None:
    """Show a command and run it on a terminal, answering its questions; stop where it fails.

    *may_lack*: the store may not support it; the command then fails with an error that says so.
    """
    for name, text in (files or {}).items():
        (folder / name).write_text(text)
    print(f"$ {command}", flush=True)
    terminal = pexpect.spawn(
        command, cwd=str(folder), env=environment(folder) | (values or {}), encoding="utf-8", timeout=60, echo=True
    )
    terminal.logfile_read = sys.stdout
    for answer in answers or []:
        terminal.expect(r"\[y/N\]: ")
        terminal.sendline(answer)
    terminal.expect(pexpect.EOF)
    terminal.close()
    if terminal.exitstatus and not (may_lack and "error[UNSUPPORTED]" in str(terminal.before)):
        raise SystemExit(f"{command}: exit status {terminal.exitstatus}")


def environment(folder: Path) -> dict[str, str]:
    """Return an environment with this Python's commands and its own config folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TAILORSECRETS_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    store = {"TAILORSECRETS_STORE": STORE} if len(sys.argv) > 1 else {}
    return {**kept, **store, "PATH": path, "XDG_CONFIG_HOME": str(folder / ".config"), "COLUMNS": "120"}


if __name__ == "__main__":
    main()
