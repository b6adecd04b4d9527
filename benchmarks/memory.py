"""Memory that tasks take which were seen, with 100 workers: ours and Flower 2.2, beyond what the program itself takes.

Ours goes on to 1 M tasks and to 5 M events, and must be flat; Flower keeps 100,000 tasks at most and would need ten
minutes to see a million, so it is asked at 10,000 alone. A thousand tasks a second by a clock of our own.
"""

import subprocess
import sys
from pathlib import Path

from benchmarks._row import Row
from benchmarks.events import BENCH_PYTHON
from playground.celery_worker import child_environment

FEW, MANY, EVENTS = 10_000, 1_000_000, 5_000_000
FLAT = 2.0
"""Megabytes that it may grow by: frames of the long windows fill, which do not depend on the traffic."""

_SIDE = Path(__file__).with_name("_memory_side.py")


def rows() -> list[Row]:
    """Measure both."""
    few, many, five = _megabytes("ours", FEW, MANY, EVENTS // 3)
    [theirs] = _megabytes("flower", FEW)
    flat = f"≤ 10 k + {FLAT:g} MB"
    return [
        Row("memory: 10 k tasks, Flower 2.2", few, theirs, "MB", theirs / few, "≥ 2x less", few * 2 <= theirs),
        Row("memory: 1 M tasks, own 10 k", many, few, "MB", few / many, flat, many <= few + FLAT),
        Row("memory: 5 M events, own 1 M tasks", five, many, "MB", many / five, flat, five <= few + FLAT),
    ]


def main() -> None:
    """Print them."""
    for row in rows():
        print(f"{row.name}: {row.ours:.1f} to {row.theirs:.1f} MB, {row.ratio:.2f} ({row.goal}: {row.met})", flush=True)


def _megabytes(side: str, *tasks: int) -> list[float]:
    """Return what the side's process grew by after so many tasks."""
    python = sys.executable if side == "ours" else str(BENCH_PYTHON)
    command = [python, str(_SIDE), side, *map(str, tasks)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=child_environment({}))
    return [float(line) for line in done.stdout.split()]


if __name__ == "__main__":
    main()
