"""The true depth of every queue, over four priority lanes each: in one round trip, against one LLEN after the other.

Both count the same keys of one real server over loopback, warm, with the same client library. The probe itself is
compared first; then `CeleryClusterControl.depths()`, which does it in a thread under a deadline, with one by one under
the same deadline: the thread's share weighs on small clusters, and on busy machines. Over a network theirs waits for
each of the 28 or 400 round trips, and the ratio grows.
"""

import statistics
import time
from collections.abc import Callable

import redis

from benchmarks._row import Row, at_least
from bot.adapters.celery import counting
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.celery.keys import Keys
from bot.adapters.clock import SystemClock
from bot.domain.cluster import ClusterSpec, QueueSpec
from playground.services import RedisServer

GOAL = 8
ROUNDS = {7: 400, 100: 60}
"""How often each is measured, ours and theirs in turn, by number of queues."""

DEPTHS = (5, 0, 2, 300)
"""Messages in the lanes of every queue, the most urgent first."""


def rows() -> list[Row]:
    """Measure 7 and 100 queues."""
    with RedisServer() as server:
        return [row for n in ROUNDS for row in _measured(server, n)]


def _measured(server: RedisServer, n: int) -> list[Row]:
    names = [f"queue-{i}" for i in range(n)]
    spec = ClusterSpec(name="shop", queues=tuple(QueueSpec(name=name) for name in names))
    connection = ClusterConnection("shop", server.url())
    control = CeleryClusterControl(connection, spec, SystemClock())
    with server.client() as client:
        _fill(client, control, names)
        keys = connection.keys

        def ours() -> object:
            return counting.lanes(client, keys, names)

        def theirs() -> object:
            return _one_by_one(client, keys, names)

        def bounded() -> object:
            return control.depths()

        def theirs_bounded() -> object:
            return control.watched.broker.read(lambda bound, _: _one_by_one(bound, keys, names), 5.0)

        assert bounded() == theirs() == theirs_bounded() == dict.fromkeys(names, sum(DEPTHS))
        took = _in_turn((ours, theirs, bounded, theirs_bounded), ROUNDS[n])
    control.close()
    what = f"depths: {n} queues x {len(DEPTHS)} lanes"
    return [
        at_least(what, took[0], took[1], "ms", GOAL),
        at_least(f"{what}, both under a deadline", took[2], took[3], "ms", GOAL),
    ]


def _one_by_one(client: "redis.Redis", keys: Keys, names: list[str]) -> dict[str, int]:
    return {name: sum(int(client.llen(lane)) for lane in keys.lanes(name)) for name in names}


def _fill(client: "redis.Redis", control: CeleryClusterControl, names: list[str]) -> None:
    pipeline = client.pipeline(transaction=False)
    for name in names:
        for lane, depth in zip(control.watched.keys.lanes(name), DEPTHS, strict=True):
            pipeline.delete(lane)
            if depth:
                pipeline.rpush(lane, *["x"] * depth)
    pipeline.execute()


def _in_turn(works: tuple[Callable[[], object], ...], rounds: int) -> list[float]:
    """Return the median of each in milliseconds; in turn, so that a busy machine is busy for all."""
    took: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, times in zip(works, took, strict=True):
            began = time.perf_counter()
            work()
            times.append((time.perf_counter() - began) * 1000)
    return [statistics.median(times) for times in took]


def main() -> None:
    """Measure, and print."""
    for row in rows():
        print(f"{row.name:<50} {row.ours:8.3f} {row.theirs:8.3f} {row.unit}  {row.ratio:6.1f}x  ({row.goal})")


if __name__ == "__main__":
    main()
