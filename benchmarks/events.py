"""Task events that are taken in a second of CPU time, from the socket to the counts: ours, celery's State, Flower 2.2.

The same messages are published to each over a Redis of its own making, in batches of 24 as a busy worker sends them and
of 3 as a calm one does. Ours keeps all windows meanwhile. Flower and celery run in `.venv-bench`.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks._events_material import messages
from benchmarks._row import Row
from playground.celery_worker import child_environment
from playground.services import RedisServer

BATCHES = (24, 3)
EVENTS = {"ours": 60_000, "state": 24_000, "flower": 12_000}
"""How many of the same events each side gets: the slower, the fewer, so that all is done in a minute or two."""

CHANNEL = "/0.celeryev/task.multi"
GOALS = {"flower": 10.0, "state": 3.0}
LABELS = {"flower": "Flower 2.2", "state": "celery.events.State"}

BENCH_PYTHON = Path(__file__).resolve().parents[1] / ".venv-bench" / "bin" / "python"
_SIDE = Path(__file__).with_name("_events_side.py")


def rows() -> list[Row]:
    """Measure every side with every batch."""
    found = []
    for batch in BATCHES:
        told = list(messages(max(EVENTS.values()) // 3, batch))
        rates = {side: _rate(side, told[: n // batch], n // batch * batch) for side, n in EVENTS.items()}
        for side, goal in GOALS.items():
            ratio = rates["ours"] / rates[side]
            name = f"events: batches of {batch}, {LABELS[side]}"
            found.append(Row(name, rates["ours"], rates[side], "events/CPU s", ratio, f"≥ {goal:g}x", ratio >= goal))
    return found


def main() -> None:
    """Print them."""
    for row in rows():
        print(f"{row.name}: {row.ours:,.0f} to {row.theirs:,.0f}, {row.ratio:.1f}x ({row.goal}: {row.met})", flush=True)


def _rate(side: str, told: Sequence[bytes], events: int) -> float:
    """Return events for each second of CPU time of one side."""
    python = sys.executable if side == "ours" else str(BENCH_PYTHON)
    with RedisServer() as server, server.client() as client:
        client.config_set("client-output-buffer-limit", "pubsub 0 0 0")  # the slow side must not be cut off
        command = [python, str(_SIDE), side, str(server.port), str(events)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=child_environment({})) as process:
            assert process.stdout
            try:
                assert process.stdout.readline().strip() == "ready", f"{side} did not start"
                for first in range(0, len(told), 100):
                    pipeline = client.pipeline(transaction=False)
                    for message in told[first : first + 100]:
                        pipeline.publish(CHANNEL, message)
                    pipeline.execute()
                return events / float(process.stdout.readline())
            finally:
                process.kill()


if __name__ == "__main__":
    main()
