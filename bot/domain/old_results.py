"""Results of tasks that ended long ago: which may be deleted, and which stay whoever asks."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from bot.domain.cluster import Value

YOUNGER = "that ended later than that"
NAMELESS = "that hold no task name (`result_extended` is off)"
OTHER = "of other tasks"
ENDING = "that expire by themselves"
AGELESS = "of which nobody can tell when they ended (still running, or not in JSON)"
GROUPED = "of groups or chords that are still kept"

FAILURE = "FAILURE"


@dataclass(frozen=True, slots=True)
class StoredResult:
    """One result: when its task ended (None: it has not, or nobody can tell), and of which group it is.

    `stamp` is how the result itself says when its task ended. `endless`: it never expires.
    """

    key: bytes
    size: int
    endless: bool
    ended_at: datetime | None = None
    stamp: str = ""
    state: str | None = None
    task: str | None = None
    group: str | None = None


class ResultsWanted(Value):
    """Results of tasks that ended before a moment; only those of a `task`, only those that never expire, or both."""

    before: datetime
    task: str | None = None
    endless: bool = False

    def why_kept(self, stored: StoredResult, groups: frozenset[str]) -> str | None:
        """Return why a result stays; None when it is meant. `groups` are those whose own keys are still there.

        A group's results are read when all of them are there: what some of them are old for, others are not.
        """
        if stored.ended_at is None:
            return AGELESS
        if stored.ended_at >= self.before:
            return YOUNGER
        if self.task is not None and stored.task != self.task:
            return OTHER if stored.task else NAMELESS
        if self.endless and not stored.endless:
            return ENDING
        return GROUPED if stored.group in groups else None


class ResultsFound(Value):
    """What a look at the result backend found: `n` results seen, `looked_at` of them closely; `at_least`: not all seen.

    Of those looked at: `meant` would be deleted, `endless` of these never expire, `failures` are of tasks that failed,
    `bytes` is what they take; `by_task` counts them by name where results hold one, `kept` the others by reason.
    `oldest` is when the first of the meant ended; `tasks` are names met.
    """

    at: datetime
    backend: str
    n: int = 0
    looked_at: int = 0
    at_least: bool = False
    meant: int = 0
    endless: int = 0
    failures: int = 0
    bytes: int = 0
    by_task: dict[str, int] = Field(default_factory=dict)
    kept: dict[str, int] = Field(default_factory=dict)
    tasks: frozenset[str] = frozenset()
    oldest: datetime | None = None

    @property
    def whole(self) -> bool:
        """Return whether every result was looked at."""
        return not self.at_least and self.looked_at >= self.n

    def scaled(self, part: int) -> int:
        """Return for a count of those looked at what it is of all that were seen."""
        return part if self.looked_at >= self.n or not self.looked_at else round(part * self.n / self.looked_at)


class Cleaned(Value):
    """What a clean-up did: `deleted` of the `looked_at`; `whole`: it went through all of them."""

    deleted: int = 0
    looked_at: int = 0
    whole: bool = False


class Tally:
    """Counts results one by one into what a look found."""

    def __init__(self, wanted: ResultsWanted) -> None:
        """Count nothing yet."""
        self._wanted = wanted
        self._kept, self._by_task = Counter[str](), Counter[str]()
        self._tasks: set[str] = set()
        self._meant: list[StoredResult] = []

    def take(self, stored: StoredResult, groups: frozenset[str]) -> None:
        """Count one."""
        if stored.task:
            self._tasks.add(stored.task)
        why = self._wanted.why_kept(stored, groups)
        if why is not None:
            self._kept[why] += 1
            return
        self._meant.append(stored)
        if stored.task:
            self._by_task[stored.task] += 1

    def found(self, at: datetime, backend: str, n: int, looked_at: int, *, at_least: bool) -> ResultsFound:
        """Return what was counted."""
        meant = self._meant
        return ResultsFound(
            at=at,
            backend=backend,
            n=n,
            looked_at=looked_at,
            at_least=at_least,
            meant=len(meant),
            endless=sum(1 for s in meant if s.endless),
            failures=sum(1 for s in meant if s.state == FAILURE),
            bytes=sum(s.size for s in meant),
            by_task=dict(self._by_task.most_common()),
            kept=dict(self._kept.most_common()),
            tasks=frozenset(self._tasks),
            oldest=min((s.ended_at for s in meant if s.ended_at), default=None),
        )
