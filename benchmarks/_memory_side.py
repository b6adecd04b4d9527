"""One side of the benchmark of memory: `_memory_side.py ours|flower tasks …` prints MB that were added by so many."""

import gc
import importlib
import itertools
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks._events_material import NAMES, WORKERS, task_events

PAGE = resource.getpagesize()
CHUNK = 1_000


def megabytes() -> float:
    """Return the resident memory of this process, on Linux; its highest so far elsewhere."""
    gc.collect()
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def flower() -> Callable[[int, int], None]:
    """Return what tells Flower's own state of tasks."""
    importlib.import_module("flower.options")
    options = importlib.import_module("tornado.options").options
    kept = importlib.import_module("flower.events").EventsState(max_tasks_in_memory=options.max_tasks)

    def tell(first: int, n: int) -> None:
        for event in task_events(first, n):
            kept.event(event | {"local_received": event["timestamp"]})

    return tell


def ours() -> Callable[[int, int], None]:
    """Return what tells our recorder of tasks, a thousand a second of its time."""
    from datetime import UTC, datetime, timedelta

    from bot.adapters.events.event import Event
    from bot.adapters.events.recorder import Recorder

    class Moving:
        at = datetime(2026, 1, 1, tzinfo=UTC)

        def now(self) -> datetime:
            return self.at

    clock = Moving()
    recorder = Recorder(clock)
    recorder.connected(clock.at.timestamp())

    def tell(first: int, n: int) -> None:
        now = clock.at.timestamp()
        for task in range(first, first + n):
            host, id_ = f"w{task % WORKERS}@host", f"00000000-0000-4000-8000-{task:012}"
            recorder.take(
                [
                    Event("task-received", host, now, id_, name=f"shop.task{task % NAMES}", retries=0),
                    Event("task-started", host, now, id_),
                    Event("task-succeeded", host, now, id_, runtime=(task % 97) / 50),
                ],
                now,
            )
        clock.at += timedelta(seconds=n / 1000)

    return tell


def main() -> None:
    """Tell events, and print what they added."""
    tell: Any = {"ours": ours, "flower": flower}[sys.argv[1]]()
    before, seen = megabytes(), 0
    for wanted in map(int, sys.argv[2:]):
        for first, after in itertools.pairwise([*range(seen, wanted, CHUNK), wanted]):
            tell(first, after - first)
        seen = wanted
        print(max(0.1, megabytes() - before), flush=True)


if __name__ == "__main__":
    main()
