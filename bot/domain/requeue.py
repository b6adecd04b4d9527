"""Failed tasks that are sent again, under new ids, each once."""

from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from bot.domain.cluster import Value

REMEMBERED = timedelta(days=7)
"""How long a failure may be ago. Which tasks were sent again already is remembered a day longer than that."""

FIRST_BATCH = 10
"""Tasks that are sent before all others, to see whether they fail again."""

PATIENCE_SECONDS = 30
"""How long it is waited for what becomes of those."""


class Source(StrEnum):
    """Where failed tasks were found."""

    PLUGIN = "the worker plugin's record"
    RESULTS = "the result backend"


class FailedTask(Value):
    """One task that failed for good. `unfit` says in a clause why it cannot be sent again, where it cannot.

    `linked`: one of a group, chord or chain: what waits for it was told of the failure. `arguments` are a sample for
    people, not redacted yet. `failed_at` by the worker's clock.
    """

    id: str
    task: str
    queue: str | None
    failed_at: datetime
    exception: str
    error: str = ""
    retries: int | None = None
    linked: bool = False
    called_by: str | None = None
    unfit: str | None = None
    arguments: str = ""
    source: Source


class FailedWanted(Value):
    """Which failed tasks are meant: those `ids`; or of a `task` name, an `exception` class, or both, since a moment."""

    ids: frozenset[str] = frozenset()
    task: str | None = None
    exception: str | None = None
    since: datetime

    def takes(self, failed: FailedTask) -> bool:
        """Return whether this one is meant."""
        if failed.failed_at < self.since:
            return False
        if self.ids:
            return failed.id in self.ids
        named = self.exception is None or failed.exception.rpartition(".")[2] == self.exception.rpartition(".")[2]
        return named and self.task in (None, failed.task)


class FailedFound(Value):
    """What was found, the oldest failure first. `again` of them were sent again before, and are left out.

    `at_least`: not all of the result backend was read. `without` are failed results that hold no arguments, since
    `result_extended` is off. `tasks` and `exceptions` are the names met, for suggestions. `trouble` is why a source
    could not be read.
    """

    failed: tuple[FailedTask, ...] = ()
    again: int = 0
    at_least: bool = False
    without: int = 0
    tasks: frozenset[str] = frozenset()
    exceptions: frozenset[str] = frozenset()
    trouble: str | None = None


class RequeueState(StrEnum):
    """How far a requeue is. Stopped: the first ones failed again, and the others stay where they are."""

    SENDING = "sending"
    DONE = "done"
    STOPPED = "stopped"


class Requeue(Value):
    """A requeue as the broker holds it: of `total` tasks `sent` lie in queues or have run, each sent once.

    `doubled` were left out since another requeue sent them meanwhile. `tried`: what became of the first was looked at.
    `first` are the new ids of those.
    """

    id: str
    state: RequeueState
    total: int
    sent: int = 0
    doubled: int = 0
    tried: bool = False
    first: tuple[str, ...] = ()

    @property
    def left(self) -> int:
        """Return how many have yet to be sent."""
        return self.total - self.sent - self.doubled


class Became(Value):
    """What became of tasks, as far as anybody says."""

    succeeded: int = 0
    failed: int = 0
    unknown: int = 0

    @property
    def fail_again(self) -> bool:
        """Return whether so many failed again that it makes no sense to go on: half of those that ended, or more."""
        return self.failed > 0 and self.failed >= self.succeeded


def new_id(requeue: str, cluster: str, old: str) -> str:
    """Return the id under which a task is sent again: always the same in one requeue."""
    h = sha256(f"{cluster}:{requeue}:{old}".encode()).hexdigest()
    return f"{h[:8]}-{h[8:12]}-8{h[12:15]}-a{h[15:18]}-{h[18:30]}"  # version 8 of RFC 9562: of our own making


def by_kind(failed: tuple[FailedTask, ...]) -> list[tuple[tuple[str, str], int]]:
    """Return task name and exception with their counts, most first."""
    return Counter((f.task, f.exception.rpartition(".")[2]) for f in failed).most_common()


class Selected(Value):
    """Which of the failed tasks that were found are sent again, and why others are not (a clause with its count)."""

    sent: tuple[FailedTask, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()


def select(found: FailedFound, *, queue: str | None, force: bool, most: int) -> Selected:
    """Choose the oldest failures that can be sent again. Members of groups, chords and chains only when forced."""
    reasons: Counter[str] = Counter()
    fit = []
    for failed in found.failed:
        if why := _unfit(failed, queue, force=force):
            reasons[why] += 1
        else:
            fit.append(failed)
    if found.again:
        reasons["sent again before"] = found.again
    if len(fit) > most:
        reasons[f"beyond the {most:,} of one requeue"] = len(fit) - most
    return Selected(sent=tuple(fit[:most]), left_out=tuple(reasons.most_common()))


def _unfit(failed: FailedTask, queue: str | None, *, force: bool) -> str | None:
    if failed.unfit:
        return failed.unfit
    if failed.linked and not force:
        return "part of a group, chord or chain"
    if failed.queue is None and queue is None:
        return "of which nobody knows the queue"
    return None
