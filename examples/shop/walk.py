"""The main job from end to end, in a copy of the shop in an empty folder: run it with ``make demo``.

Each command is shown as it would be typed, with what it prints; questions are asked on a terminal and answered here.
It leaves nothing behind: the store and its key are in that folder too.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pexpect

HERE = Path(__file__).parent
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


def walk(folder: Path) -> None:
    """Do the main job in *folder*."""
    say("A store: one encrypted file, and its key in your config folder")
    run(folder, "tailorsecrets init")

    say("The config becomes true; its values come from the environment")
    run(folder, "tailorsecrets apply", values=VALUES)
    run(folder, "tailorsecrets secret vault list")
    run(folder, "tailorsecrets secret list -V api-keys")

    say("A program reads at run time, with none of those variables")
    run(folder, "python shop.py")

    say("Nothing changed: nothing to do")
    run(folder, "tailorsecrets apply", values=VALUES)

    say("A value changed by hand: the config manages this vault, so there is a question, and the vault is released")
    run(
        folder,
        "tailorsecrets secret update -V api-keys -n stripe-secret-key --value-file new-key.txt",
        files={"new-key.txt": "sk_live_by_hand"},
        answers=["y"],
    )

    say("The next apply finds a vault that nobody manages, asks before it takes it, and repairs the value")
    run(folder, "tailorsecrets apply", values=VALUES, answers=["y"])
    run(folder, "tailorsecrets secret history -V api-keys -n stripe-secret-key")

    say("A secret that leaves the config leaves the store, after a question")
    config = folder / "tailor_config.py"
    lines = [line for line in config.read_text().splitlines(keepends=True) if "sendgrid" not in line]
    run(folder, "tailorsecrets apply", values=VALUES, answers=["y"], files={"tailor_config.py": "".join(lines)})
    run(folder, "tailorsecrets secret list -V api-keys")

    say("All that the app owns goes")
    run(folder, "tailorsecrets remove", answers=["y"])
    run(folder, "tailorsecrets secret vault list")


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
) -> None:
    """Show a command and run it on a terminal, answering its questions; stop where it fails."""
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
    if terminal.exitstatus:
        raise SystemExit(f"{command}: exit status {terminal.exitstatus}")


def environment(folder: Path) -> dict[str, str]:
    """Return an environment with this Python's commands and a config folder of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TAILORSECRETS_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**kept, "PATH": path, "XDG_CONFIG_HOME": str(folder / ".config"), "COLUMNS": "120"}


if __name__ == "__main__":
    main()
