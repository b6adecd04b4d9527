"""Fakes of what a check asks beyond its snapshot: a broker's account, a cluster's diagnostics, and events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.domain.broker import (
    BrokerInfo,
    OldestMessage,
    StoredResults,
    Unacknowledged,
    UnacknowledgedMessages,
    WorkerMemory,
    WorkerReport,
)
from bot.domain.cluster import ClusterSnapshot, Queue, TaskInHand, Worker
from bot.domain.errors import ClusterUnreachable, OncallError
from bot.domain.live import FailureGroup, Feed, LiveWorker, Presence, TaskEvents
from bot.domain.run import Finding
from bot.domain.window import Figures, Gap, Histogram, Span, TaskFigures, Window, bucket_of
from bot.ports import Check, Deaf, NoDiagnostics, Samples, Target
from tests.usecases.world import SPEC, KeptSamples, SetClock, SimulatedCluster

CLOCK = SetClock()
NOW = CLOCK.now()
DEAD = ClusterUnreachable("prod", "connection refused", 1.0)


def ago(**span: float) -> datetime:
    """Return a moment before now."""
    return NOW - timedelta(**span)


@dataclass
class FakeDiagnostics(NoDiagnostics):
    """Returns what a test sets; what is not set is not asked from here. `error` is raised by everything."""

    info: BrokerInfo | None = None
    oldest_: Mapping[str, OldestMessage] | None = None
    taken: UnacknowledgedMessages | None = None
    stored: StoredResults | None = None
    software: Mapping[str, WorkerReport | None] | None = None
    resident: Mapping[str, WorkerMemory] | None = None
    error: OncallError | None = None

    def _given(self, value: Any, otherwise: Any) -> Any:
        if self.error is not None:
            raise self.error
        return otherwise() if value is None else value

    def broker_info(self, deadline: float = 1.0) -> BrokerInfo:
        """Return what was set."""
        info: BrokerInfo = self._given(self.info, super().broker_info)
        return info

    def oldest(self, deadline: float = 1.0) -> Mapping[str, OldestMessage]:
        """Return what was set."""
        found: Mapping[str, OldestMessage] = self._given(self.oldest_, super().oldest)
        return found

    def unacknowledged(self, deadline: float = 2.0) -> UnacknowledgedMessages:
        """Return what was set."""
        found: UnacknowledgedMessages = self._given(self.taken, super().unacknowledged)
        return found

    def results(self, deadline: float = 2.0) -> StoredResults:
        """Return what was set."""
        found: StoredResults = self._given(self.stored, super().results)
        return found

    def reports(self, deadline: float = 2.0) -> Mapping[str, WorkerReport | None]:
        """Return what was set."""
        found: Mapping[str, WorkerReport | None] = self._given(self.software, super().reports)
        return found

    def memory(self, deadline: float = 2.0) -> Mapping[str, WorkerMemory]:
        """Return what was set."""
        found: Mapping[str, WorkerMemory] = self._given(self.resident, super().memory)
        return found


@dataclass
class FakeLive(Deaf):
    """Hears what a test sets: rows of figures, the same for every span, since `hours` ago."""

    rows: tuple[TaskFigures, ...] = ()
    groups: tuple[FailureGroup, ...] = ()
    heard: tuple[LiveWorker, ...] = ()
    gaps: tuple[Gap, ...] = ()
    watched: timedelta = timedelta(days=2)
    trouble: str | None = None

    def window(self, span: Span, now: datetime) -> Window:
        """Return the rows."""
        return Window(span, max(now - span.length, NOW - self.watched), now, self.rows, self.gaps)

    def failures(self, span: Span, now: datetime) -> tuple[FailureGroup, ...]:
        """Return the groups."""
        return self.groups

    def workers(self, now: datetime) -> tuple[LiveWorker, ...]:
        """Return who is heard."""
        return self.heard

    def feed(self) -> Feed:
        """Return how it is heard."""
        return Feed(
            connected=self.trouble is None,
            since=NOW - self.watched,
            trouble=self.trouble,
            heard=1234,
            last_at=NOW if self.trouble is None else ago(minutes=4),
            gaps=self.gaps,
        )


def figures(task: str, queue: str = "booking", **counts: Any) -> TaskFigures:
    """Return a row; `runtimes` and `waits` are seconds, one for each task."""
    histograms: dict[str, Any] = {
        name: Histogram(_counts(counts.pop(plural, ())))
        for name, plural in (("runtime", "runtimes"), ("wait", "waits"))
    }
    return TaskFigures(task, queue, Figures(**counts, **histograms))


def _counts(seconds: Any) -> dict[int, int]:
    counts: dict[int, int] = {}
    for value in seconds:
        counts[bucket_of(value)] = counts.get(bucket_of(value), 0) + 1
    return counts


def heard(name: str, **given: Any) -> LiveWorker:
    """Return a worker that is heard, and sends task events."""
    known: dict[str, Any] = {
        "presence": Presence.ONLINE,
        "seen_at": NOW,
        "since": ago(hours=1),
        "task_events": TaskEvents.ON,
    }
    return LiveWorker(name=name, **(known | given))


def worker(name: str, **given: Any) -> Worker:
    """Return a worker that answered everything, with nothing in hand."""
    idle: dict[str, Any] = {"pool": "prefork", "slots": 4, "queues": ("booking",)}
    idle |= {"active": (), "reserved": (), "scheduled": ()}
    return Worker(name=name, **(idle | given))


def task(id: str = "id-1", name: str = "shop.book", **given: Any) -> TaskInHand:
    """Return a task in a worker's hand."""
    return TaskInHand(id=id, name=name, **({"queue": "booking"} | given))


def message(id: str = "id-1", task: str = "shop.book", **given: Any) -> Unacknowledged:
    """Return a message that was taken a minute ago."""
    known: dict[str, Any] = {"tag": f"tag-{id}", "queue": "booking", "taken_at": ago(minutes=1)}
    return Unacknowledged(task_id=id, task=task, **(known | given))


def snapshot(*workers: Worker, **given: Any) -> ClusterSnapshot:
    """Return a snapshot of one queue and these workers."""
    known: dict[str, Any] = {"queues": (Queue(name="booking", depth=0),), "taken_at": NOW}
    return ClusterSnapshot(cluster="prod", workers=workers, **(known | given))


def target(
    diagnostics: FakeDiagnostics | None = None, live: Deaf | None = None, samples: Samples | None = None, **given: Any
) -> Target:
    """Return a target of these fakes."""
    return Target(
        SPEC,
        SimulatedCluster(CLOCK),
        CLOCK,
        diagnostics=diagnostics or FakeDiagnostics(),
        live=live or FakeLive(),
        samples=samples or KeptSamples(),
        **given,
    )


@dataclass
class Asking:
    """Runs one check as a person would ask for it."""

    check: Check[Any]
    looked: ClusterSnapshot = field(default_factory=snapshot)

    def __call__(self, of: Target, **params: Any) -> Finding:
        """Return what it finds."""
        return self.check.run(self.check.params.model_validate(params), self.looked, of)


def cells(finding: Finding) -> list[tuple[str, ...]]:
    """Return the rows of a finding's table."""
    return list(finding.table.rows) if finding.table else []
