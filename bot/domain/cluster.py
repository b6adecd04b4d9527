"""A Celery cluster as the bot sees it: what was configured, and what was counted at one moment."""

import fnmatch
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from bot.domain.health import HealthSpec
from bot.domain.targets import TargetSpec
from bot.domain.value import Value as Value

Importance = Annotated[int, Field(ge=1, le=10)]
"""People's scale of a queue: 1 to 10, higher is more important."""


class Mode(StrEnum):
    """Whether the bot may change a cluster."""

    OBSERVE = "observe"
    ACT = "act"


class QueueSpec(Value):
    """A queue the team declared. `alert_above` is the depth in messages above which it counts as backed up."""

    name: str
    importance: Importance = 5
    alert_above: int = Field(default=500, ge=1)


class WorkerGroup(Value):
    """Workers that are started alike.

    `name` is the part of the worker's name before the `@`, with `*` as wildcard; `queues` are what its start command
    consumes; `max_workers` bounds scaling.
    """

    name: str
    queues: tuple[str, ...]
    concurrency: int = Field(default=4, ge=1)
    max_workers: int = Field(default=4, ge=1)


class ClusterSpec(Value):
    """One watched cluster, as configured.

    `app` is what follows `celery -A`, for commands shown to people. Queues up to `low_importance` may be
    paused by one on-call person. `targets` is what is measured of it. `health` are pages of the application, and
    `flower` is whether a Flower watches it, too; where they are, the adapter alone knows.
    """

    name: str
    app: str = "your.celery_app"
    mode: Mode = Mode.ACT
    queues: tuple[QueueSpec, ...] = ()
    worker_groups: tuple[WorkerGroup, ...] = ()
    low_importance: Importance = 4
    targets: tuple[TargetSpec, ...] = ()
    health: tuple[HealthSpec, ...] = ()
    flower: bool = False

    def queue(self, name: str) -> QueueSpec | None:
        """Return the declared queue of that name, or None for one that was only discovered."""
        return next((q for q in self.queues if q.name == name), None)

    def importance(self, name: str) -> int:
        """Return a queue's importance; one that nobody declared counts as 10, so that it is never paused lightly."""
        spec = self.queue(name)
        return spec.importance if spec else 10


class TaskInHand(Value):
    """A task that a worker runs, holds prefetched (`reserved`) or keeps for later (`scheduled`)."""

    id: str
    name: str
    queue: str | None
    started_at: datetime | None = None
    eta: datetime | None = None


class Plugin(Value):
    """The worker plugin as a worker that has loaded it told; `left_out` are paused queues it would consume else."""

    version: str
    left_out: tuple[str, ...] = ()


class Worker(Value):
    """One worker as it answered.

    `slots` is its pool size now (None: it did not say); `pool` the implementation ("prefork", "threads", "gevent",
    "solo"); `totals` how many tasks of each name it accepted since it started; None for `active` and the like means it
    did not answer that question in time; `autoscaled` that it sizes its pool itself, and refuses to be told a size;
    `plugin` None that it has not loaded the worker plugin, or did not say.
    """

    name: str
    pool: str | None = None
    slots: int | None = None
    queues: tuple[str, ...] | None = None
    active: tuple[TaskInHand, ...] | None = None
    reserved: tuple[TaskInHand, ...] | None = None
    scheduled: tuple[TaskInHand, ...] | None = None
    totals: dict[str, int] = Field(default_factory=dict)
    uptime_seconds: int | None = None
    autoscaled: bool = False
    answered: bool = True
    plugin: Plugin | None = None

    def leaves_out(self, queue: str) -> bool:
        """Return whether its plugin keeps it from a queue that it was started for; it is to get that queue back."""
        return self.plugin is not None and queue in self.plugin.left_out

    @property
    def busy(self) -> int | None:
        """Return how many slots are running a task; None when the worker did not say."""
        return None if self.active is None else len(self.active)

    def running_on(self, queue: str) -> int:
        """Return how many of this worker's running tasks came from `queue`."""
        return sum(1 for t in self.active or () if t.queue == queue)

    def fetched_from(self, queue: str) -> int:
        """Return how many tasks of `queue` this worker runs or holds prefetched."""
        return self.running_on(queue) + sum(1 for t in self.reserved or () if t.queue == queue)


class Queue(Value):
    """One queue as counted.

    `depth` is the true depth over all priority lanes, `lanes` the lanes from most urgent to least; `unacked` counts
    delivered and unacknowledged messages and is a lower bound when `unacked_at_least`. None is unknown, never 0.
    """

    name: str
    depth: int | None
    lanes: tuple[int, ...] = ()
    unacked: int | None = None
    unacked_at_least: bool = False
    declared: bool = True


class Unknown(Value):
    """Something a snapshot could not learn, and why, in words for people."""

    what: str
    why: str


class ClusterSnapshot(Value):
    """What was counted of one cluster at one moment. `took_seconds` is how long the probe took.

    `beats` are the nodes that answered and are no workers, each as often as it answered; Celery before 5.7, and beat
    without remote control, never answer. `twins` are the names under which more than one worker answered.
    """

    cluster: str
    taken_at: datetime
    queues: tuple[Queue, ...] = ()
    workers: tuple[Worker, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    beats: tuple[str, ...] = ()
    twins: tuple[str, ...] = ()
    took_seconds: float = 0.0

    def queue(self, name: str) -> Queue | None:
        """Return the queue of that name, if it was seen."""
        return next((q for q in self.queues if q.name == name), None)

    def worker(self, name: str) -> Worker | None:
        """Return the worker of that name, if it was seen."""
        return next((w for w in self.workers if w.name == name), None)

    def consumers(self, queue: str) -> tuple[Worker, ...]:
        """Return the workers that say they consume `queue`."""
        return tuple(w for w in self.workers if queue in (w.queues or ()))

    @property
    def silent(self) -> tuple[Worker, ...]:
        """Return workers that were known and did not answer who consumes what."""
        return tuple(w for w in self.workers if w.queues is None)

    def without_tasks(self) -> "ClusterSnapshot":
        """Return the snapshot without the tasks in workers' hands and without their totals."""
        bare: dict[str, object] = {"active": None, "reserved": None, "scheduled": None, "totals": {}}
        return self.model_copy(update={"workers": tuple(w.model_copy(update=bare) for w in self.workers)})

    def without_consumer(self) -> tuple[Queue, ...]:
        """Return queues with messages that no worker consumes, deepest first.

        With a silent worker around this may be wrong: it could be that worker's queue. Callers show `silent` beside it.
        """
        orphaned = [q for q in self.queues if q.depth and not self.consumers(q.name)]
        return tuple(sorted(orphaned, key=lambda q: -(q.depth or 0)))


def redis_priority(importance: int) -> int:
    """Translate people's importance (1-10, higher is more important) to Celery's priority on Redis (0-9, 0 first).

    The one place where the scales meet. On Redis the order is inverted; see kombu's Redis transport, `priority_steps`.
    """
    return 10 - importance


def in_group(worker: str, group: WorkerGroup) -> bool:
    """Return whether a worker ("worker1@host") is one of a group, by the part of its name before the `@`."""
    return fnmatch.fnmatchcase(worker.partition("@")[0], group.name)


def group_lists(spec: ClusterSpec, worker: str, queue: str) -> bool:
    """Return whether a worker's configured group consumes a queue."""
    return any(in_group(worker, g) and queue in g.queues for g in spec.worker_groups)


def missing_groups(spec: ClusterSpec, snapshot: ClusterSnapshot) -> tuple[str, ...]:
    """Return the names of configured worker groups of which no worker was seen."""
    return tuple(g.name for g in spec.worker_groups if not any(in_group(w.name, g) for w in snapshot.workers))
