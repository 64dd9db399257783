"""Timing whole processes in turn, so that a noisy machine hits all of them alike."""

import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One measured ratio, and the most that it may be; 0 for no limit."""

    name: str
    ratio: float
    budget: float = 0.0


def process_ratios(
    commands: Mapping[str, Sequence[str]], base: Sequence[str], environ: Mapping[str, str], rounds: int = 21
) -> dict[str, float]:
    """Return the median over *rounds* of each command's wall time as a multiple of *base*'s in the same round."""
    ratios: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        unit = seconds(base, environ)
        for name, command in commands.items():
            ratio = seconds(command, environ) / unit
            if turn:  # the first round warms the disk cache
                ratios[name].append(ratio)
    return {name: statistics.median(found) for name, found in ratios.items()}


def seconds(command: Sequence[str], environ: Mapping[str, str]) -> float:
    """Return the wall time of one run of *command*, which may keep the bytecode that it compiles."""
    variables = {name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run(command, env=variables, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


PASS = (sys.executable, "-c", "pass")
