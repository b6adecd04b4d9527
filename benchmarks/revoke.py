"""How long a small task waits on a worker that is told 10,000 revokes: a few at a time, and all in one list.

The probe is sent every 50 ms, and what counts is when it has ended. Celery's own `control.revoke` sends one list.
"""

import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from celery import Celery

from benchmarks._row import Row, at_most
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.revokes import CeleryRevokes
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.cluster import ClusterSpec
from playground.services import RedisServer
from tests.services.probing import probing
from tests.services.sample_app import make_app
from tests.services.workers import WorkerPool

REVOKES, QUEUE, WORKER = 10_000, "probes", "w1@test"
BEFORE, AFTER = 1.0, 1.0
"""Seconds of probes around it, so that one list, too, has some that wait through it and some that do not."""


def main() -> None:
    """Print what was measured."""
    for row in rows():
        print(row)


def rows() -> list[Row]:
    """Measure; takes about a minute."""
    with tempfile.TemporaryDirectory() as folder, RedisServer() as server:
        app, workers = make_app({"SAMPLE_BROKER_URL": server.url()}), WorkerPool(Path(folder))
        watched = WatchedCluster(
            ClusterConnection("shop", server.url(), result_backend=server.url()), ClusterSpec(name="shop")
        )
        revokes = CeleryRevokes(watched)
        try:
            workers.start(server.url(), queues=[QUEUE])
            theirs, their_time = _measured(app, lambda ids: _one_list(app, ids))
            ours, our_time = _measured(app, lambda ids: revokes.tell(ids, [WORKER], _quiet))
        finally:
            workers.kill_all()
            revokes.close()
            watched.close()
            app.close()
    return [
        at_most("revoke: a probe task during 10 k revokes, 99 of 100 within", ours, theirs, "s", 0.5),
        at_most("revoke: 10 k told", our_time, their_time, "s", 120),
    ]


def _measured(app: Celery, revoke: Callable[[list[str]], object]) -> tuple[float, float]:
    """Return the 99th percentile of the probes, and the seconds until all ids were told."""
    ids = [f"{number:08d}-{secrets.token_hex(14)}" for number in range(REVOKES)]
    with probing(app, QUEUE) as probes:
        time.sleep(BEFORE)
        began = time.perf_counter()
        revoke(ids)
        took = time.perf_counter() - began
        time.sleep(AFTER)
    waits = sorted(probes.seconds())
    return waits[int(len(waits) * 0.99)], took


def _quiet(line: str) -> None:
    """Tell nobody how far it is."""


def _one_list(app: Celery, ids: list[str]) -> None:
    app.control.revoke(ids, destination=[WORKER], reply=True, timeout=60, limit=1)


if __name__ == "__main__":
    main()
