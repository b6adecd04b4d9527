"""Revoked tasks: which of them can be stopped where, and how long a revoke is kept up.

Tried on Celery 5.7: a prefork worker checks a revoke until a process of its pool takes the task. Threads and gevent
take a prefetched task into their pool at once, and then a revoke says ok and stops nothing. Terminate works on prefork
and gevent; threads answer an error, solo answers when the task has ended.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

from bot.domain.cluster import ClusterSnapshot, Value

CELERY_KEEPS_SECONDS = 3 * 3600
"""How long a worker remembers a revoke: REVOKE_EXPIRES of Celery's `worker/state.py`."""

CELERY_KEEPS = 50_000
"""How many it remembers: REVOKES_MAX, likewise. It loses them all when it restarts and no neighbour runs meanwhile."""

TOLD_AGAIN = timedelta(seconds=CELERY_KEEPS_SECONDS - 1800)
"""How long after it was told a worker is told again: before it forgets."""

START_MARGIN = timedelta(seconds=5)
"""Uptimes are in whole seconds; who was told just after its start is told once more."""

KILLABLE = ("prefork", "gevent", "eventlet")
"""Pools that can end a task that runs."""

ENDED = ("SUCCESS", "FAILURE", "REVOKED")
"""States of Celery's `states.py` after which a task does not run again."""


class Hold(StrEnum):
    """How a worker holds a task."""

    RUNNING = "running"
    PREFETCHED = "prefetched"
    SCHEDULED = "scheduled"


class Way(StrEnum):
    """What a revoke does to a task in a worker's hands."""

    STOPS = "stops"  # a revoke is enough
    ENDS = "ends"  # it has to be terminated
    RUNS_ON = "runs on"  # it runs already, and was not to be terminated
    CANNOT = "cannot"  # its pool can neither


class Held(Value):
    """A task in a worker's hands."""

    id: str
    task: str
    queue: str | None
    worker: str
    pool: str | None
    hold: Hold
    eta: datetime | None = None

    def way(self, *, terminate: bool) -> Way:
        """Return what a revoke does to it."""
        if self.hold is Hold.SCHEDULED or (self.hold is Hold.PREFETCHED and self.pool == "prefork"):
            return Way.STOPS
        if terminate and self.pool in KILLABLE:
            return Way.ENDS
        return Way.RUNS_ON if self.hold is Hold.RUNNING and not terminate else Way.CANNOT


class Chosen(Value):
    """Which tasks are meant: these ids; or those of a task name, of a queue, or of both."""

    ids: frozenset[str] = frozenset()
    task: str | None = None
    queue: str | None = None
    terminate: bool = False

    def means(self, held: Held) -> bool:
        """Return whether a task in a worker's hands is meant."""
        if self.ids and held.id not in self.ids:
            return False
        return self.task in (None, held.task) and self.queue in (None, held.queue)

    def of(self, snapshot: ClusterSnapshot) -> list[Held]:
        """Return what workers hold of them, as far as they listed it."""
        return [held for held in in_hand(snapshot) if self.means(held)]


class Sought(Value):
    """Where tasks were found outside workers' lists.

    `waiting` is the queue of each that waits, `unlisted` are those taken from the broker and not acknowledged,
    `results` the states that the backend stores of the others. `unsearched` says in clauses where could not be looked,
    `behind` names queues that were read in part. `linked` are those that wait and are of chords and chains.
    """

    waiting: dict[str, str] = Field(default_factory=dict)
    unlisted: frozenset[str] = frozenset()
    results: dict[str, str] = Field(default_factory=dict)
    unsearched: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    linked: frozenset[str] = frozenset()


class Revoke(Value):
    """A revoke in force: `ids` were in workers' hands, and no worker may run them until `ends_at`.

    Of them `ending` ran when workers were told to end them; it is written down before. `spared` could not be stopped,
    or were not to be, and ran on; `running` of those ran already. `told` is when each worker last took all ids.
    """

    id: str
    began_at: datetime
    ends_at: datetime
    ids: frozenset[str] = frozenset()
    ending: frozenset[str] = frozenset()
    spared: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()
    told: dict[str, datetime] = Field(default_factory=dict)

    @property
    def everything(self) -> frozenset[str]:
        """Return all ids that workers are told: of those that run on, retries are not to run.

        Not those that a pool runs all the same and has not begun: Celery would store for them that they were revoked.
        """
        return self.ids | self.running


def in_hand(snapshot: ClusterSnapshot) -> tuple[Held, ...]:
    """Return every task in a worker's hands, as far as workers listed them."""
    return tuple(
        Held(id=t.id, task=t.name, queue=t.queue, worker=w.name, pool=w.pool, hold=hold, eta=t.eta)
        for w in snapshot.workers
        for hold, tasks in ((Hold.RUNNING, w.active), (Hold.PREFETCHED, w.reserved), (Hold.SCHEDULED, w.scheduled))
        for t in tasks or ()
    )


class Found(Value):
    """What a revoke would reach, counted, by queue or by worker.

    `waiting` is an estimate where `about`; `seen` of the ids were seen to wait. `unlisted` were taken by workers that
    do not list them. `late` of those kept for later are due after the revoke ends, the last at `latest`. `finished`,
    `astray` and `unknown` are ids that are left out: they have ended, are nowhere although a result says that they have
    not, or nobody knows them. `silent` are workers that did not answer, `behind` queues of which only the next messages
    were looked at. `sorted_through` messages are looked at one by one; `linked` of those that wait are of chords and
    chains, or more where `about` or `sampled`.
    """

    waiting: dict[str, int] = Field(default_factory=dict)
    about: bool = False
    seen: int = 0
    ways: dict[Way, dict[str, int]] = Field(default_factory=dict)
    unlisted: int = 0
    late: int = 0
    latest: datetime | None = None
    finished: dict[str, str] = Field(default_factory=dict)
    astray: dict[str, str] = Field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    unsearched: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    sorted_through: int = 0
    linked: int = 0
    sampled: bool = False

    def by(self, way: Way) -> dict[str, int]:
        """Return how many tasks go this way, by worker."""
        return self.ways.get(way, {})

    @property
    def in_reach(self) -> int:
        """Return how many tasks in workers' hands can be stopped or ended."""
        return sum(sum(self.by(way).values()) for way in (Way.STOPS, Way.ENDS)) + self.unlisted

    @property
    def total(self) -> int:
        """Return how many can be stopped in all."""
        return sum(self.waiting.values()) + self.in_reach


class Left(Value):
    """What became of a revoke's tasks, asked of the cluster afterwards.

    `ended` ran and were ended by force; `running` of all `ids` run. `unknowing` is how many tasks workers hold
    that do not know of their revoke; `outran` ended by themselves before they were reached. Of `unsure` nobody knows:
    no worker that answers holds them, some worker does not answer, and no result says that they were stopped.
    `spared_running` of `spared` still run.
    """

    ids: int
    ended: int = 0
    running: int = 0
    outran: int = 0
    unsure: int = 0
    unknowing: dict[str, int] = Field(default_factory=dict)
    spared: int = 0
    spared_in_hand: int = 0
    spared_running: int = 0
    silent: tuple[str, ...] = ()


def to_tell(revoke: Revoke, snapshot: ClusterSnapshot, now: datetime) -> list[str]:
    """Return the workers that answer and may not know it: told before they started, or long ago, or never."""
    found = []
    for worker in snapshot.workers:
        told = revoke.told.get(worker.name)
        started = None if worker.uptime_seconds is None else now - timedelta(seconds=worker.uptime_seconds)
        forgot = told is None or now - told >= TOLD_AGAIN or (started is not None and told < started + START_MARGIN)
        if worker.answered and worker.queues is not None and forgot:
            found.append(worker.name)
    return found
