"""What a cluster looks like: counted anew and from memory, against what an engineer's script or Flower asks Celery.

Theirs is `app.control.inspect()` in this very process, warm: `active`, `stats`, `active_queues` and `reserved`, one
after the other, each of which waits out a second of silence. Ours counts the same and more (tasks held for later,
depths of all lanes, unacknowledged messages) in `snapshot()`, or answers from memory in `usecases.status`.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from celery import Celery

from benchmarks._row import Row, at_least, at_most
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.clock import SystemClock
from bot.adapters.clusters import ConfiguredClusters
from bot.adapters.discovery import DiscoveredRegistry
from bot.adapters.expressions import JinjaExpressions
from bot.adapters.samples import MemorySamples
from bot.adapters.sql import SqlStore, migrate, open_store
from bot.domain.cluster import ClusterSnapshot, ClusterSpec, QueueSpec, Worker
from bot.ports import Ports
from bot.usecases.status import status
from bot.usecases.watching import look
from playground.celery_worker import CeleryWorker
from playground.services import RedisServer
from tests.services.sample_app import make_app
from tests.services.workers import WorkerPool
from tests.usecases.world import POLICY, ROLES, FewRunbooks, KeptDispatcher

QUEUES = ("booking", "analytics", "ai_generation", "image_processing", "email", "reports", "celery")
FRESH, MEMORY, HUNG, THEIRS = 1500, 500, 5, 5
"""Rounds of each; of the fresh ones so many divided by the number of workers."""

SLOTS = 2
READY_SECONDS = 90.0
DEADLINE = 2.0
"""Of a snapshot, in seconds: its default."""


@dataclass(frozen=True)
class Cluster:
    """Real workers on a real broker, and the two ways to ask them."""

    app: Celery
    workers: list[CeleryWorker]
    ports: Ports

    @property
    def control(self) -> CeleryClusterControl:
        """Ours."""
        control = self.ports.clusters.control("shop")
        assert isinstance(control, CeleryClusterControl)
        return control

    def inspect(self) -> list[object]:
        """Theirs: four questions, as a script asks them."""
        inspect = self.app.control.inspect()
        return [inspect.active(), inspect.stats(), inspect.active_queues(), inspect.reserved()]


def rows() -> list[Row]:
    """Measure 3 workers with two busy processes each, and 30 with two busy threads each."""
    found = []
    with cluster(3, pool="prefork") as three:
        found += _compare(three, fresh_goal=100, p95_goal=50.0)
        found.append(_hung(three))
    with cluster(30, pool="threads") as thirty:
        found += _compare(thirty, fresh_goal=25)
    return found


def _compare(cluster: Cluster, fresh_goal: int, p95_goal: float | None = None) -> list[Row]:
    n = len(cluster.workers)
    theirs = statistics.median(_took(cluster.inspect, THEIRS))
    fresh = sorted(_took(lambda: _whole(cluster.control.snapshot(), n), FRESH // n))
    look(cluster.ports, "shop")  # what the bot does by itself, every few seconds
    memory = sorted(_took(lambda: status(cluster.ports, "shop"), MEMORY))
    found = [
        at_least(f"status: {n} workers, fresh", statistics.median(fresh), theirs, "ms", fresh_goal),
        at_least(f"status: {n} workers, from memory", statistics.median(memory), theirs, "ms", fresh_goal),
    ]
    if p95_goal is not None:
        p95 = fresh[int(len(fresh) * 0.95)]
        found.append(at_most(f"status: {n} workers, fresh, 95 of 100 within", p95, theirs, "ms", p95_goal))
    return found


def _hung(cluster: Cluster) -> Row:
    """Freeze one worker, and ask all; theirs does not wait for it either, and does not say that it is missing."""
    frozen = cluster.workers[0]
    frozen.pause()
    try:
        ours = max(_took(lambda: _misses(cluster.control.snapshot(DEADLINE), frozen.node), HUNG))
        theirs = statistics.median(_took(cluster.inspect, 1))
    finally:
        frozen.resume()
    name = f"status: {len(cluster.workers)} workers, fresh, one hung, longest"
    return at_most(name, ours, theirs, "ms", DEADLINE * 1000)


def _took(work: Callable[[], object], rounds: int) -> list[float]:
    """Return milliseconds, round by round; the first one, which connects, does not count."""
    work()
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return took


def _whole(snapshot: ClusterSnapshot, workers: int) -> None:
    """Refuse a snapshot that lacks anything: fast and wrong is no result."""
    assert not snapshot.unknown, snapshot.unknown
    assert len(snapshot.workers) == workers
    assert all(w.busy == SLOTS and w.slots and w.queues and w.reserved is not None for w in snapshot.workers)


def _misses(snapshot: ClusterSnapshot, node: str) -> None:
    """Refuse a snapshot that does not name the frozen worker, or lacks another one."""
    silent = [w for w in snapshot.workers if not w.answered]
    assert [w.name for w in silent] == [node], silent
    assert all(w.active for w in snapshot.workers if w.answered)


@contextmanager
def cluster(n: int, pool: str) -> Iterator[Cluster]:
    """Start `n` workers in one go, each with all queues, two tasks that run for long, and up to two more prefetched."""
    with tempfile.TemporaryDirectory() as name, RedisServer() as server:
        folder = Path(name)
        started = WorkerPool(folder)
        env = {"SAMPLE_BROKER_URL": server.url()}
        app = make_app(env)
        database = f"sqlite:///{folder / 'oncall.sqlite3'}"
        migrate(database)
        store = open_store(database)
        found = Cluster(app, [], _ports(server, store))
        try:
            for i in range(1, n + 1):
                found.workers.append(_start(started, server, f"worker{i}", pool))
            _wait(lambda: len(_answering(found.control)) == n)
            for _ in range(n * 2 * SLOTS):
                app.send_task("sample.sleep", (3600,), queue="booking", ignore_result=True)
            _wait(lambda: all(w.busy == SLOTS for w in _answering(found.control)))
            yield found
        finally:
            started.kill_all()
            found.control.close()
            store.close()


def _start(started: WorkerPool, server: RedisServer, name: str, pool: str) -> CeleryWorker:
    extra = ["--prefetch-multiplier=1"]
    return started.start(server.url(), name=name, queues=QUEUES, pool=pool, concurrency=SLOTS, extra=extra, wait=False)


def _answering(control: CeleryClusterControl) -> list[Worker]:
    return [w for w in control.snapshot().workers if w.answered]


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the workers were not ready in time")
        time.sleep(0.2)


def _ports(server: RedisServer, store: SqlStore) -> Ports:
    spec = ClusterSpec(name="shop", queues=tuple(QueueSpec(name=q) for q in QUEUES))
    clock = SystemClock()
    control = CeleryClusterControl(ClusterConnection("shop", server.url()), spec, clock)
    return Ports(
        clock=clock,
        store=store,
        clusters=ConfiguredClusters({"shop": spec}, {"shop": control}, {}),
        samples=MemorySamples(),
        dispatcher=KeptDispatcher(),
        runbooks=FewRunbooks(),
        expressions=JinjaExpressions(),
        registry=DiscoveredRegistry(),
        policy=POLICY,
        roles=lambda: ROLES,
        owner="benchmark",
    )
