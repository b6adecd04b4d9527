"""How long tasks wait in their queue before a worker begins them."""

from dataclasses import dataclass

from pydantic import Field

from bot.checks.queue_depths import SIGNS
from bot.domain.amounts import SpanText, took
from bot.domain.cluster import ClusterSnapshot
from bot.domain.errors import UnknownName
from bot.domain.hearing import doubts
from bot.domain.latency import Bound, Estimated, waits
from bot.domain.run import Finding, Level
from bot.domain.troubles import Trouble, brief, level_above, table, told
from bot.domain.window import Histogram, Span
from bot.domain.wording import counted, listed
from bot.ports import Check, Params, Target

QUANTILE = 0.95


class QueueLatencyParams(Params):
    """Of which queue, and how long is too long."""

    queue: str | None = Field(default=None, description="a queue; all without it")
    span: SpanText = Field(default=Span.QUARTER, description="1m, 15m, 1h or 24h")
    warn: float = Field(default=0.1, gt=0, description="seconds of the p95 above which it is a warning")
    alert: float = Field(default=0.5, gt=0, description="seconds of the p95 above which it is bad")


@dataclass(frozen=True)
class _Wait:
    """The p95 of one queue: measured in `n` tasks (at least so many, when events were missed), or estimated."""

    queue: str
    seconds: float
    n: int
    estimate: Estimated | None = None
    missed: bool = False

    def level(self, params: QueueLatencyParams) -> Level:
        """Return how bad it is; a wait of which only an upper bound is known cannot be called too long."""
        found = level_above(self.seconds, params.warn, params.alert)
        upper = self.estimate is not None and self.estimate.bound is Bound.AT_MOST
        return Level.UNKNOWN if upper and found is not Level.OK else found

    @property
    def words(self) -> str:
        """Return it as people read it."""
        bound = {Bound.ABOUT: "about ", Bound.AT_LEAST: "at least ", Bound.AT_MOST: "at most "}
        return f"{bound[self.estimate.bound] if self.estimate else ''}{took(self.seconds)}"


class QueueLatency(Check[QueueLatencyParams]):
    """How long tasks wait for a worker: what 95 % stay below."""

    name = "queue_latency"
    params = QueueLatencyParams

    def run(self, params: QueueLatencyParams, snapshot: ClusterSnapshot, target: Target) -> Finding:
        """Measured where task-sent events tell when a task was sent; else estimated from the history of depths."""
        names = [q.name for q in snapshot.queues]
        if params.queue is not None and params.queue not in names:
            raise UnknownName("queue", params.queue, names)
        now = target.clock.now()
        window = target.live.window(params.span, now)
        wanted = [params.queue] if params.queue else names
        measured = {q: window.total(window.of_queue(q)).wait for q in wanted}
        unsure = doubts(window, target.live.feed(), target.live.workers(now))
        found = [w for q in wanted if (w := _wait(q, measured[q], target, missed=bool(unsure))) is not None]
        found.sort(key=lambda w: -w.seconds)
        unknown = unsure if any(w.n for w in found) else ()
        untold = [q for q in wanted if q not in {w.queue for w in found}]
        untold_words = f"Waits in {listed(untold)} are not known: {NEEDS}."
        if not found:
            return Finding(level=Level.UNKNOWN, sentence=untold_words, at=now)
        level, sentence = told(_troubles(params, found, measured), f"Longest wait: {_told(found[0])}.")
        return Finding(
            level=level,
            sentence=sentence,
            at=now,
            values={"p95": found[0].seconds, "queue": found[0].queue, "queues": {w.queue: w.seconds for w in found}},
            table=table(("queue", "p95", "n"), [_row(w) for w in found]),
            unknown=(*unknown, *([untold_words] if untold else [])),
            estimated=_estimated(found),
        )


NEEDS = "that takes `task_send_sent_event`, or some minutes of history of the queue"


def _wait(queue: str, measured: Histogram, target: Target, *, missed: bool) -> _Wait | None:
    p95 = measured.quantile(QUANTILE)
    if p95 is not None:
        return _Wait(queue, p95, measured.n, missed=missed)
    history = waits(target.samples.of(target.spec.name, queue)) if target.samples is not None else None
    estimate = history.quantile(QUANTILE) if history else None
    return None if estimate is None else _Wait(queue, estimate.seconds, 0, estimate)


def _told(wait: _Wait) -> str:
    n = f" (n {'≥' if wait.missed else '='} {wait.n:,})" if wait.n else ""
    return f"95 % of tasks begin within {wait.words} in {wait.queue}{n}"


def _troubles(params: QueueLatencyParams, found: list[_Wait], measured: dict[str, Histogram]) -> list[Trouble]:
    troubles = []
    for wait in found:
        level = wait.level(params)
        if level in (Level.WARN, Level.BAD):
            limit = max(params.warn, params.alert) if level is Level.BAD else params.warn
            longer = f"; {counted(measured[wait.queue].above(limit), 'task')} waited longer" if wait.n else ""
            see = f"see `/celery queues {wait.queue}`"
            troubles.append(Trouble(level, f"{_told(wait)}, wanted are {took(limit)}{longer}: {see}."))
        elif level is Level.UNKNOWN:
            words = f"{_told(wait)}; whether that is more than {took(params.warn)} cannot be told from depths alone."
            troubles.append(Trouble(level, words))
    return troubles


def _row(wait: _Wait) -> tuple[str, str, str]:
    sign = SIGNS[wait.estimate.bound] if wait.estimate else ""
    return (brief(wait.queue), f"{sign}{took(wait.seconds)}", f"{wait.n:,}" if wait.n else "estimated")


def _estimated(found: list[_Wait]) -> str | None:
    if not any(w.estimate for w in found):
        return None
    return "~, ≥ and ≤ come from depths and starts: no message tells when it was sent. ≤: the queue was empty lately."
