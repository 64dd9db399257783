"""Run every benchmark and print its ratios: ``python -m benchmarks``; exits 1 when one is over its budget."""

import sys
from importlib import import_module
from pathlib import Path

from benchmarks.measure import Row


def main() -> int:
    """Print a table of all benchmarks, or of those named on the command line."""
    names = sys.argv[1:] or sorted(
        path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py")
    )
    over = 0
    for name in names:
        for row in import_module(f"benchmarks.bench_{name}").main():
            over += show(Row(*row))
    return 1 if over else 0


def show(row: Row) -> bool:
    """Print one row; tell whether it is over its budget."""
    over = bool(row.budget) and row.ratio > row.budget
    budget = f"of at most {row.budget:g}" if row.budget else ""
    print(f"{row.name:<60} {row.ratio:>9.3g} {budget}{'  OVER' if over else ''}", flush=True)
    return over


if __name__ == "__main__":
    sys.exit(main())
