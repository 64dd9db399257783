"""The commands that a policy prints, run by a shell in which a stand-in for the cloud's own tool takes them down."""

import subprocess
from pathlib import Path

_STAND_IN = """\
#!/bin/sh
printf '%s\\0' "$@" >> "$TAKEN_DOWN"
printf '\\1' >> "$TAKEN_DOWN"
echo "$ANSWER"
"""


def commands(script: str, tool: str, answer: str, folder: Path) -> list[list[str]]:
    """Return the arguments of each call of *tool* in *script*, in order; each call prints *answer*."""
    stand_in, taken_down = folder / tool, folder / f"{tool}.calls"
    stand_in.write_text(_STAND_IN)
    stand_in.chmod(0o755)
    taken_down.write_text("")
    environ = {"PATH": f"{folder}:/usr/bin:/bin", "TAKEN_DOWN": str(taken_down), "ANSWER": answer}
    subprocess.run(["bash", "-euc", script], env=environ, check=True, stdout=subprocess.DEVNULL)
    return [call.split("\0")[:-1] for call in taken_down.read_text().split("\1")[:-1]]


def option(call: list[str], name: str) -> str:
    """Return what *call* says of the option *name*, in either of its forms; "" for nothing."""
    for word, following in zip(call, [*call[1:], ""], strict=True):
        if word == name:
            return following
        if word.startswith(f"{name}="):
            return word.removeprefix(f"{name}=")
    return ""
