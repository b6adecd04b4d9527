"""A world for use cases: a real SQLite store, a clock that tests set, and a cluster simulated in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.adapters.clusters import ConfiguredClusters
from bot.adapters.discovery import DiscoveredRegistry
from bot.adapters.sql import SqlStore, migrate, open_store
from bot.domain.action import Risk
from bot.domain.alert import Alert, AlertStatus
from bot.domain.approval import Alternative, Policy
from bot.domain.cluster import (
    ClusterSnapshot,
    ClusterSpec,
    Mode,
    Plugin,
    Queue,
    QueueSpec,
    TaskInHand,
    Worker,
    WorkerGroup,
)
from bot.domain.errors import ClusterUnreachable
from bot.domain.forecast import DepthSample
from bot.domain.incident import Incident
from bot.domain.runbook import AlertMatch, InputSpec, Runbook, Step
from bot.domain.window import Slice
from bot.ports import Ports
from bot.usecases import alerts, runs

SPEC = ClusterSpec(
    name="prod",
    queues=(
        QueueSpec(name="booking", importance=10),
        QueueSpec(name="notifications", importance=6),
        QueueSpec(name="ai_generation", importance=5),
        QueueSpec(name="analytics", importance=3),
    ),
    worker_groups=(WorkerGroup(name="worker*", queues=("booking", "notifications", "ai_generation", "analytics")),),
)
ROLES = {"oncall": frozenset({"U0ANA", "U0BEN"}), "platform": frozenset({"U0CHI"})}
POLICY = Policy(consent={Risk.HIGH: (Alternative(approve=1, by="oncall"),)})
RUNBOOK = Runbook(
    runbook="queue-depth",
    title="Queue depth above 1000",
    alerts=(AlertMatch(name="QueueDepth"),),
    inputs={"queue": InputSpec.model_validate({"type": "queue", "from": "alert.labels.queue"})},
    steps=(
        Step(id="workers", title="Check worker status", check="workers"),
        Step.model_validate(
            {
                "id": "scale",
                "title": "Scale",
                "action": "scale_workers",
                "with": {"queue": "{{ queue }}", "by": 2},
                "verify": {"that": "depth(queue) < 500", "within": "10m"},
            }
        ),
        Step.model_validate(
            {"id": "relief", "title": "Look for relief", "check": "relief", "with": {"queue": "{{ queue }}"}}
        ),
        Step.model_validate(
            {
                "id": "pause",
                "title": "Pause the less important queue",
                "when": "checks.relief.frees > 0",
                "action": "pause_queue",
                "with": {"queue": "{{ checks.relief.queue }}", "for": "30m", "reason": "{{ queue }} is backed up"},
            }
        ),
        Step(id="rate", title="Consider rate limiting", note="Limit {{ queue }} with care."),
    ),
)


@dataclass
class SetClock:
    """A clock that stands until a test moves it."""

    at: datetime = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the moment that was set."""
        return self.at

    def pass_time(self, **span: float) -> None:
        """Let time pass."""
        self.at += timedelta(**span)


@dataclass
class SimulatedCluster:
    """Workers and queues in memory; control commands work as Celery's do, unless a test breaks them."""

    clock: SetClock
    depths_: dict[str, int] = field(default_factory=dict)
    consuming: dict[str, set[str]] = field(default_factory=dict)
    running: dict[str, list[str]] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    down: bool = False
    uptime: dict[str, int] = field(default_factory=dict)
    slots: dict[str, int] = field(default_factory=dict)
    pools: dict[str, str] = field(default_factory=dict)
    autoscaled: set[str] = field(default_factory=set)
    plugins: dict[str, Plugin] = field(default_factory=dict)
    counted: int = 0
    calls: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)

    def snapshot(self, deadline: float = 2.0) -> ClusterSnapshot:
        """Count what is simulated."""
        self.counted += 1
        self._reach(deadline)
        return ClusterSnapshot(
            cluster="prod",
            taken_at=self.clock.now(),
            queues=tuple(Queue(name=n, depth=d) for n, d in self.depths_.items()),
            workers=tuple(self._worker(w) for w in self.consuming),
        )

    def _worker(self, name: str) -> Worker:
        if name in self.silent:
            return Worker(name=name, answered=False)
        tasks = tuple(TaskInHand(id=str(i), name=f"t.{q}", queue=q) for i, q in enumerate(self.running.get(name, [])))
        return Worker(
            name=name,
            slots=self.slots.get(name, 4),
            pool=self.pools.get(name, "prefork"),
            autoscaled=name in self.autoscaled,
            queues=tuple(sorted(self.consuming[name])),
            active=tasks,
            reserved=(),
            scheduled=(),
            uptime_seconds=self.uptime.get(name),
            plugin=self.plugins.get(name),
        )

    def _reach(self, deadline: float) -> None:
        if self.down:
            raise ClusterUnreachable("prod", "connection refused", deadline)

    def depths(self, deadline: float = 1.0) -> Mapping[str, int]:
        """Return the simulated depths."""
        self._reach(deadline)
        return dict(self.depths_)

    def consumers(self, deadline: float = 2.0) -> Mapping[str, frozenset[str] | None]:
        """Return who consumes what."""
        self._reach(deadline)
        return {w: None if w in self.silent else frozenset(q) for w, q in self.consuming.items()}

    def cancel_consumer(self, queue: str, workers: Sequence[str]) -> Mapping[str, str]:
        """Stop consuming, except on workers that a test made deaf: they say ok and do nothing."""
        self.calls.append(("cancel", queue, tuple(workers)))
        for w in set(workers) - self.deaf - self.silent:
            self.consuming[w].discard(queue)
        return dict.fromkeys(workers, "ok")

    def add_consumer(self, queue: str, workers: Sequence[str]) -> Mapping[str, str]:
        """Consume."""
        self.calls.append(("add", queue, tuple(workers)))
        for w in set(workers) - self.deaf - self.silent:
            self.consuming[w].add(queue)
        return dict.fromkeys(workers, "ok")

    def resize_pool(self, worker: str, by: int) -> str:
        """Grow or shrink at once; one that a test made deaf says ok and does nothing, a silent one says nothing."""
        self.calls.append(("grow" if by > 0 else "shrink", str(abs(by)), (worker,)))
        if worker not in self.deaf | self.silent:
            self.slots[worker] = self.slots.get(worker, 4) + by
        return "no reply" if worker in self.silent else "ok"


@dataclass
class KeptDispatcher:
    """Keeps what was dispatched, for the test to run."""

    sent: list[str] = field(default_factory=list)

    def dispatch(self, execution_id: str) -> bool:
        """Keep it."""
        self.sent.append(execution_id)
        return True


@dataclass
class KeptSamples:
    """Samples that a test sets."""

    kept: dict[str, list[DepthSample]] = field(default_factory=dict)
    taken: list[ClusterSnapshot] = field(default_factory=list)
    failures: dict[str, tuple[datetime, ClusterUnreachable]] = field(default_factory=dict)

    def failed(self, cluster: str, at: datetime, error: ClusterUnreachable) -> None:
        """Remember a failure."""
        self.failures[cluster] = (at, error)

    def failure(self, cluster: str) -> tuple[datetime, ClusterUnreachable] | None:
        """Return the last failure."""
        return self.failures.get(cluster)

    def snapshots(self, cluster: str) -> Sequence[ClusterSnapshot]:
        """Return what was taken."""
        return self.taken

    def of(self, cluster: str, queue: str) -> Sequence[DepthSample]:
        """Return what was set for a queue."""
        return self.kept.get(queue, [])

    def take(self, snapshot: ClusterSnapshot) -> None:
        """Remember a snapshot and its depths."""
        self.taken.append(snapshot)
        self.failures.pop(snapshot.cluster, None)
        for q in snapshot.queues:
            self.kept.setdefault(q.name, []).append(DepthSample(at=snapshot.taken_at, depth=q.depth or 0))

    def take_depths(self, cluster: str, at: datetime, depths: Mapping[str, int]) -> None:
        """Remember depths alone."""
        for name, depth in depths.items():
            self.kept.setdefault(name, []).append(DepthSample(at=at, depth=depth))

    def queues(self, cluster: str) -> tuple[str, ...]:
        """Return the queues that have samples."""
        return tuple(self.kept)

    def heard(self, cluster: str, slices: Sequence[Slice], *, complete: bool) -> None:
        """Samples here hold what a test sets."""

    def heard_until(self, cluster: str) -> datetime | None:
        """Nothing was heard."""
        return None

    def restore(self, cluster: str, samples: Mapping[str, Sequence[DepthSample]]) -> None:
        """Take back samples."""
        for queue, kept in samples.items():
            self.kept[queue] = [*kept, *self.kept.get(queue, [])]


class FewRunbooks:
    """The one runbook of these tests."""

    def all(self) -> tuple[Runbook, ...]:
        """Return it."""
        return (RUNBOOK,)


@dataclass
class World:
    """Ports and what stands behind them."""

    ports: Ports
    clock: SetClock
    cluster: SimulatedCluster
    dispatcher: KeptDispatcher
    store: SqlStore
    roles: dict[str, frozenset[str]]

    def fire(self, ts: str = "1795354585.000100", status: AlertStatus = AlertStatus.FIRING, **more: Any) -> Incident:
        """Receive an alert about ai_generation, and work its runbook."""
        alert = Alert(
            status=status,
            name=more.pop("name", "QueueDepth"),
            title="[FIRING:1] QueueDepth (ai_generation)",
            channel="C0ONCALL",
            ts=ts,
            sender="B0ALERT",
            key="k1",
            values=("ai_generation",),
            limit=1000,
        )
        received = alerts.receive(self.ports, alert)
        assert received.incident is not None
        runs.refresh(self.ports, received.incident.id)
        return received.incident

    def events(self) -> list[str]:
        """Return every audited event, oldest first."""
        return [e.event for e in self.store.export_audit()]


def make_world(folder: Path, mode: Mode = Mode.ACT, expressions: Any = None) -> World:
    """Return a world with a backed-up queue, whose worker spends two of four slots on analytics."""
    from bot.adapters.expressions import JinjaExpressions

    url = f"sqlite:///{folder}/oncall.sqlite3"
    migrate(url)
    store = open_store(url)
    clock, dispatcher = SetClock(), KeptDispatcher()
    everything = {"booking", "notifications", "ai_generation", "analytics"}
    cluster = SimulatedCluster(
        clock,
        depths_={"booking": 0, "notifications": 12, "ai_generation": 1284, "analytics": 40},
        consuming={"worker1@a": set(everything), "worker2@a": set(everything), "priority@a": {"booking"}},
        running={
            "worker1@a": ["analytics", "analytics", "ai_generation", "booking"],
            "worker2@a": ["analytics", "ai_generation"],
        },
    )
    roles: dict[str, frozenset[str]] = dict(ROLES)
    ports = Ports(
        clock=clock,
        store=store,
        clusters=ConfiguredClusters(
            {"prod": SPEC.model_copy(update={"mode": mode})}, {"prod": cluster}, {"C0ONCALL": "prod"}
        ),
        samples=KeptSamples(),
        dispatcher=dispatcher,
        runbooks=FewRunbooks(),
        expressions=expressions or JinjaExpressions(),
        registry=DiscoveredRegistry(),
        policy=POLICY,
        roles=lambda: roles,
        owner="test",
        wait=lambda _: None,
    )
    return World(ports, clock, cluster, dispatcher, store, roles)
