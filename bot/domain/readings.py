"""What a target reads now, from what was counted: a value, how many tasks it rests on, and how sure it is."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.amounts import since, took
from bot.domain.broker import WorkerMemory
from bot.domain.forecast import DepthSample
from bot.domain.hearing import doubts, unwatched
from bot.domain.latency import Bound, Estimated
from bot.domain.live import Feed, TaskEvents
from bot.domain.sigma import lower_bound, quality_of
from bot.domain.standing import limits, pointed_to, urgency
from bot.domain.targets import Measure, Reading, Standing, TargetSpec
from bot.domain.window import Figures, Histogram, TaskFigures, Window, bucket_of
from bot.domain.wording import counted, listed, verb

COUNTED = (
    "The completion rate counts tasks that ended: succeeded against failed and lost. "
    "An attempt that is tried again is no end; revoked and rejected tasks are left out."
)
"""What stands below every completion rate."""

ENOUGH = 3
"""Fewer tasks past a limit prove nothing, whatever their share: one failure among three is no rate of 33 %."""

FRESH = timedelta(seconds=60)
"""A depth older than this is no current value; depths are counted every 5 s."""

FRESH_MEMORY = timedelta(minutes=2)
"""The same for the memory of workers, which is asked for every 30 s."""


ROUGH_SECONDS = 5.0
"""How far an estimated wait may be off: the time between two samples of a depth."""


@dataclass(frozen=True)
class Evidence:
    """All that targets are read from.

    `depths` are the newest of each queue, and `alerts` the queues' own limits (`alert_above`). `waits` are estimates of
    the latency, for queues where it cannot be measured. `memory` of workers was asked for at `memory_at`. `events` is
    by worker whether it sends task events, `feed` how well events are heard. `trouble` says why the broker cannot be
    read, `memory_trouble` why the workers' memory is not known.
    """

    now: datetime
    window: Window
    depths: Mapping[str, DepthSample] = field(default_factory=dict)
    alerts: Mapping[str, int] = field(default_factory=dict)
    waits: Mapping[str, Estimated] = field(default_factory=dict)
    memory: Mapping[str, WorkerMemory] = field(default_factory=dict)
    memory_at: datetime | None = None
    memory_trouble: str | None = None
    events: Mapping[str, TaskEvents] = field(default_factory=dict)
    feed: Feed = Feed(connected=True)  # noqa: RUF009 - immutable
    trouble: str | None = None


def reading_of(spec: TargetSpec, evidence: Evidence) -> Reading:
    """Return what a target reads now. The window in the evidence is the one of its span."""
    if spec.measure is Measure.WORKER_MEMORY:
        return _memory(evidence)
    read: dict[Measure, Callable[[TargetSpec, Evidence], Reading]] = {
        Measure.COMPLETION: _completion,
        Measure.TASK_DURATION: _duration,
        Measure.QUEUE_LATENCY: _latency,
        Measure.QUEUE_DEPTH: _depth,
    }
    return read[spec.measure](spec, evidence)


def _rows(spec: TargetSpec, window: Window) -> list[TaskFigures]:
    return [r for r in window.tasks if spec.concerns(r.queue, r.name)]


def _completion(spec: TargetSpec, evidence: Evidence) -> Reading:
    rows = _rows(spec, evidence.window)
    ended = sum(r.figures.ended for r in rows)  # `Window.total` would add up histograms, too
    if not ended:
        return _nothing_ended(spec, evidence)
    defects = sum(r.figures.failed + r.figures.lost for r in rows)
    value = (ended - defects) / ended
    return Reading(
        at=evidence.window.until,
        value=value,
        n=ended,
        of=_most_failed(rows) if defects else None,
        quality=quality_of(defects, ended),
        few=_few(defects, ended, 1 - spec.alert) if value < spec.alert else None,
        incomplete=_incomplete(spec, evidence),
    )


def _most_failed(rows: Iterable[TaskFigures]) -> str:
    by_name: dict[str, int] = {}
    for row in rows:
        by_name[row.name] = by_name.get(row.name, 0) + row.figures.failed + row.figures.lost
    return max(by_name, key=lambda name: (by_name[name], name))


def _few(beyond: int, n: int, share: float) -> str | None:
    """Return why `beyond` of `n` tasks are no proof that more than a share of all are beyond; None: they prove it.

    Proof is that the exact lower bound (95 %) lies above the share, and that there are at least ENOUGH.
    """
    if beyond >= ENOUGH and lower_bound(beyond, n) > share:
        return None
    return f"{beyond:,} of {counted(n, 'task')} {verb(beyond, 'prove')} no alert yet"


def _duration(spec: TargetSpec, evidence: Evidence) -> Reading:
    found = _quantiles(spec, evidence, lambda figures: figures.runtime)
    return _worst(spec, found.values()) or _nothing_ended(spec, evidence)


def _latency(spec: TargetSpec, evidence: Evidence) -> Reading:
    """Return the worst queue's: as measured where task-sent events make that possible, else as estimated.

    An estimate counts where it is far enough from the limits; one that is too rough to judge by is told in words.
    """
    found: dict[str | None, Reading] = _quantiles(spec, evidence, lambda figures: figures.wait)
    rough = []
    for queue, estimate in evidence.waits.items():
        if queue in found or spec.tasks or not spec.concerns(queue):
            continue
        if decides(estimate, spec):
            found[queue] = _estimate(queue, estimate, evidence.now)
        else:
            rough.append(f"{queue} {estimate.bound} {took(estimate.seconds)}")
    unjudged = f"too rough to judge: {listed(sorted(rough), most=3)}" if rough else ""
    if worst := _worst(spec, found.values()):
        said = [worst.incomplete, f"Other queues are {unjudged}." if rough else None]
        return worst.model_copy(update={"incomplete": " ".join(s for s in said if s) or None})
    if not rough and not evidence.feed.connected:
        return _nothing_ended(spec, evidence)
    why = f"no task{_about(spec)} told when it was sent (needs task-sent events)"
    return _unknown(evidence.window.until, f"{why}; estimates are {unjudged}" if rough else why)


def _estimate(queue: str, estimate: Estimated, now: datetime) -> Reading:
    return Reading(at=now, value=estimate.seconds, of=queue, estimated=estimate.how, bound=estimate.bound.value)


def decides(estimate: Estimated, spec: TargetSpec) -> bool:
    """Return whether an estimate is past the alert, or within the target, whatever the truth behind it is."""
    low, high = {
        Bound.ABOUT: (estimate.seconds - ROUGH_SECONDS, estimate.seconds + ROUGH_SECONDS),
        Bound.AT_LEAST: (estimate.seconds, math.inf),
        Bound.AT_MOST: (0.0, estimate.seconds),
    }[estimate.bound]
    return low > spec.alert or high <= spec.target


def _quantiles(spec: TargetSpec, evidence: Evidence, of: Callable[[Figures], Histogram]) -> dict[str | None, Reading]:
    """Return for each queue the quantile of its tasks' durations."""
    found: dict[str | None, dict[int, int]] = {}
    for row in _rows(spec, evidence.window):
        its = found.setdefault(row.queue, {})
        for bucket, n in of(row.figures).counts.items():
            its[bucket] = its.get(bucket, 0) + n
    durations = {queue: Histogram(counts) for queue, counts in found.items()}
    incomplete = _incomplete(spec, evidence)
    return {queue: _quantile(spec, evidence, queue, d, incomplete) for queue, d in durations.items() if d.n}


def _quantile(
    spec: TargetSpec, evidence: Evidence, queue: str | None, durations: Histogram, incomplete: str | None
) -> Reading:
    value = durations.quantile(spec.quantile)
    past = value is not None and value > spec.alert
    return Reading(
        at=evidence.window.until,
        value=value,
        n=durations.n,
        of=queue,
        quality=quality_of(durations.above(spec.target), durations.n),
        few=_few(_surely_above(durations, spec.alert), durations.n, 1 - spec.quantile) if past else None,
        incomplete=incomplete,
    )


def _surely_above(durations: Histogram, seconds: float) -> int:
    """Return how many lasted longer for certain: the bucket that holds the limit may lie on either side of it."""
    return sum(n for bucket, n in durations.counts.items() if bucket > bucket_of(seconds))


def _memory(evidence: Evidence) -> Reading:
    known = {w.worker: w for w in evidence.memory.values() if w.total is not None}
    at, why = evidence.memory_at, evidence.memory_trouble
    if not known or at is None:
        return _unknown(at or evidence.now, why or "no worker has told its memory yet")
    if evidence.now - at > FRESH_MEMORY:
        return _unknown(at, f"the workers' memory was last read {_ago(at, evidence.now)}{f': {why}' if why else ''}")
    worst = max(known.values(), key=lambda w: (w.total or 0, w.worker))
    said = [_parents_alone([w for w in known.values() if w.children is None])]
    silent = sorted(name for name, w in evidence.memory.items() if w.total is None)
    said.append(f"Not known of {listed(silent)}." if silent else "")
    return Reading(
        at=at,
        value=float(worst.total or 0),
        of=worst.worker,
        incomplete=" ".join(s for s in said if s) or None,
        estimated="the most it ever took, not what it takes now" if worst.parent_is_peak else None,
        bound=Bound.AT_MOST.value if worst.parent_is_peak and worst.children is not None else Bound.ABOUT.value,
    )


def _parents_alone(workers: list[WorkerMemory]) -> str:
    """Return in a sentence whose children are not counted; `/celery workers <worker>` says why."""
    if not workers:
        return ""
    return f"Of {listed(sorted(w.worker for w in workers), most=2)} only the parent process is counted."


def _depth(spec: TargetSpec, evidence: Evidence) -> Reading:
    """Return the worst queue's, by how near each is to its own limit."""
    meant = {queue: s for queue, s in evidence.depths.items() if spec.concerns(queue)}
    fresh = {queue: s for queue, s in meant.items() if evidence.now - s.at <= FRESH}
    if not fresh:
        newest = max((s.at for s in meant.values()), default=None)
        return _unknown(newest or evidence.now, _uncounted(newest, evidence))
    readings = [_depth_of(spec, evidence, queue, sample) for queue, sample in fresh.items()]
    worst = max(readings, key=lambda r: ((r.value or 0.0) / max(limits(spec, r)[1], 1e-9), r.of or ""))
    stale = sorted(meant.keys() - fresh.keys())
    return worst.model_copy(update={"incomplete": f"Not counted lately: {listed(stale)}." if stale else None})


def _depth_of(spec: TargetSpec, evidence: Evidence, queue: str, sample: DepthSample) -> Reading:
    """Return one queue's; its own limit stands for the alert, and the target moves with it."""
    own = float(evidence.alerts.get(queue, spec.alert))
    reading = Reading(at=sample.at, value=float(sample.depth), of=queue)
    if own == spec.alert:
        return reading
    return reading.model_copy(update={"alert": own, "target": spec.target / spec.alert * own})


def _uncounted(newest: datetime | None, evidence: Evidence) -> str:
    said = f"depths were last counted {_ago(newest, evidence.now)}" if newest else "no depth was counted yet"
    return f"{said}: {evidence.trouble}" if evidence.trouble else said


def _worst(spec: TargetSpec, readings: Iterable[Reading]) -> Reading | None:
    """Return the reading that points to the worst, then the one with the highest value; None of none."""

    def rank(reading: Reading) -> tuple[int, float, str]:
        return urgency(pointed_to(spec, reading, Standing.UNKNOWN)), reading.value or 0.0, reading.of or ""

    return max(readings, key=rank, default=None)


def _nothing_ended(spec: TargetSpec, evidence: Evidence) -> Reading:
    if not evidence.feed.connected:
        why = f"no events are heard: {evidence.feed.trouble or 'not connected'}"
    elif evidence.events and all(e is TaskEvents.OFF for e in evidence.events.values()):
        why = "no worker sends task events"
    else:
        unsure = " that is known to be" if spec.queues and _homeless(spec, evidence.window) else ""
        heard = f"ended in the last {spec.span}" if unwatched(evidence.window) is None else "was heard to end yet"
        why = f"no task{unsure}{_about(spec)} {heard}"
    return _unknown(evidence.window.until, why, _incomplete(spec, evidence))


def _unknown(at: datetime, why: str, incomplete: str | None = None) -> Reading:
    return Reading(at=at, value=None, why=why, incomplete=incomplete)


def _about(spec: TargetSpec) -> str:
    """Return " of ai_generation", " named t.*", or nothing for all."""
    named = f" named {listed(spec.tasks)}" if spec.tasks else ""
    return f"{named} of {listed(spec.queues)}" if spec.queues else named


def _incomplete(spec: TargetSpec, evidence: Evidence) -> str | None:
    """Return in sentences what the window lacks; None when it lacks nothing."""
    heard = doubts(evidence.window, evidence.feed)
    said = [*heard, *(s for s in (_unheard(evidence), _homeless(spec, evidence.window)) if s)]
    return " ".join(said) or None


def _unheard(evidence: Evidence) -> str | None:
    off = sorted(name for name, events in evidence.events.items() if events is TaskEvents.OFF)
    return f"{listed(off, most=2)} {verb(len(off), 'send')} no task events." if off else None


def _homeless(spec: TargetSpec, window: Window) -> str | None:
    """Return how many tasks are left out because their queue is not known, where a queue is meant."""
    anywhere = spec.model_copy(update={"queues": ()})
    lost = [r for r in window.tasks if r.queue is None and anywhere.concerns(None, r.name)] if spec.queues else []
    n = sum(r.figures.ended for r in lost)
    return f"{counted(n, 'task')} of an unknown queue {'is' if n == 1 else 'are'} left out." if n else None


def _ago(at: datetime, now: datetime) -> str:
    return f"{since(at, now)} ago"
