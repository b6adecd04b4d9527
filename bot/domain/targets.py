"""The team's targets: what is measured, where it stands, and what may be claimed from so many tasks."""

from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase

from pydantic import Field

from bot.domain.value import Value
from bot.domain.window import Span


class Measure(StrEnum):
    """What a target is about. Completion is a share of 1 and better when higher; all others are better when lower."""

    COMPLETION = "completion rate"
    QUEUE_LATENCY = "queue latency"  # seconds
    TASK_DURATION = "task duration"  # seconds
    WORKER_MEMORY = "worker memory"  # bytes
    QUEUE_DEPTH = "queue depth"  # messages

    @property
    def higher_is_better(self) -> bool:
        """Return whether more is better."""
        return self is Measure.COMPLETION


class TargetSpec(Value):
    """One target as configured: `target` is what is wanted, `alert` where an alert is due.

    `tasks` and `queues` are patterns (`*`) of what it is about; empty means all. Latency and duration are read as their
    `quantile` over `span`; depth and memory as the worst queue's and worker's newest value.
    """

    name: str
    measure: Measure
    target: float
    alert: float
    tasks: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    span: Span = Span.QUARTER
    quantile: float = Field(default=0.95, gt=0, lt=1)

    def concerns(self, queue: str | None, task: str | None = None) -> bool:
        """Return whether it is about a queue and a task; a name that is not known (None) is none of a pattern's."""
        return _one_of(queue, self.queues) and (task is None or _one_of(task, self.tasks))


def _one_of(name: str | None, patterns: tuple[str, ...]) -> bool:
    return not patterns or (name is not None and any(fnmatchcase(name, p) for p in patterns))


class Quality(Value):
    """Defects per million opportunities among `n`, with the upper bound at 95 % and what sigma that supports.

    `sigma` is the level (with the usual shift of 1.5) of the upper bound: what may be claimed, not what is hoped; None
    when n is too small to claim any.
    """

    n: int
    defects: int
    dpmo: float
    dpmo_upper: float
    sigma: float | None


class Reading(Value):
    """The current value of a target, read `at` that moment. `value` None: not known, and `why` says why.

    `of` names the worst queue or worker; of a completion rate, the task with the most failures. `target` and `alert`
    are the limits that hold for `of` where they are not the target's own. `few` says why a value past the alert is no
    proof: too few tasks. `incomplete` says what was missed; `estimated` how the value was estimated,
    `bound` how such a value is to be read ("about", "at least").
    """

    at: datetime
    value: float | None
    n: int | None = None
    of: str | None = None
    quality: Quality | None = None
    target: float | None = None
    alert: float | None = None
    few: str | None = None
    why: str | None = None
    incomplete: str | None = None
    estimated: str | None = None
    bound: str = "about"


class Standing(StrEnum):
    """Where a target stands. MISSED lies between target and alert."""

    MET = "met"
    MISSED = "missed"
    ALERT = "alert"
    UNKNOWN = "unknown"


class TargetState(Value):
    """A target's state with its memory: `standing` since `since`; `leaning` is where the last readings point.

    `leaning_since` is when they began to point there. `reading` is the last one that had a value, `read_at` when the
    target was last read at all. See bot.domain.standing for how a state changes.
    """

    standing: Standing = Standing.UNKNOWN
    since: datetime
    leaning: Standing | None = None
    leaning_since: datetime | None = None
    reading: Reading | None = None
    read_at: datetime | None = None


class Change(Value):
    """A target that stands elsewhere than before: what an alert is raised and resolved by."""

    cluster: str
    spec: TargetSpec
    before: Standing
    after: Standing
    reading: Reading


class ForecastScore(Value):
    """How well earlier forecasts of one queue did: the median and the 90th percentile of their error in minutes."""

    queue: str
    n: int
    median_minutes: float | None = None
    p90_minutes: float | None = None
    wrong_way: int = 0
