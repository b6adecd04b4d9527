"""What was seen of a cluster, dated, as it is kept: every few seconds for hours, merged by the minute for days."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import IntEnum
from operator import add, attrgetter

from bot.domain.forecast import DepthSample
from bot.domain.window import Figures, Gap, Histogram, Slice, TaskFigures


class Grain(IntEnum):
    """How many seconds a record stands for, about."""

    FINE = 5
    MINUTE = 60


@dataclass(frozen=True, slots=True)
class WorkerThen:
    """A worker as it was: whether it answered, its slots, how many of them ran a task (None: it did not say)."""

    name: str
    answered: bool
    slots: int | None
    busy: int | None


@dataclass(frozen=True, slots=True)
class Record:
    """What became known of a cluster since the record before, up to `at`.

    `slices` are what events told, `complete` whether every worker sent them; `deaf` says why none are heard. `depths`
    are samples by queue, with the newest that knows how many tasks were begun. `workers` were asked at `workers_at`.
    `trouble` says why the broker could not be read.
    """

    at: datetime
    slices: tuple[Slice, ...] = ()
    complete: bool = False
    depths: Mapping[str, tuple[DepthSample, ...]] = field(default_factory=dict)
    workers: tuple[WorkerThen, ...] = ()
    workers_at: datetime | None = None
    trouble: str | None = None
    deaf: str | None = None

    @property
    def heard_until(self) -> datetime | None:
        """Return up to when events were counted in it."""
        return self.slices[-1].until if self.slices else None


def minute_of(at: datetime) -> datetime:
    """Return the end of the minute that a moment belongs to; a full minute belongs to the one it ends."""
    begun = at.replace(second=0, microsecond=0)
    return begun if begun == at else begun + timedelta(minutes=1)


def merged(records: Sequence[Record], at: datetime) -> Record:
    """Return one record for several, oldest first, dated `at`.

    Of each queue the deepest sample stays, the last, and the last with a count; of workers and troubles the last.
    """
    known = [r for r in records if r.workers_at is not None]
    return Record(
        at=at,
        slices=joined([s for r in records for s in r.slices]),
        complete=all(r.complete for r in records),
        depths=_depths(records),
        workers=known[-1].workers if known else (),
        workers_at=known[-1].workers_at if known else None,
        trouble=next((r.trouble for r in reversed(records) if r.trouble), None),
        deaf=next((r.deaf for r in reversed(records) if r.deaf), None),
    )


def _depths(records: Sequence[Record]) -> dict[str, tuple[DepthSample, ...]]:
    found = {}
    for queue in {q for r in records for q in r.depths}:
        samples = {s.at: s for r in records for s in r.depths.get(queue, ())}
        by_time = [samples[at] for at in sorted(samples)]
        counted = [s for s in by_time if s.started is not None]
        told = {s.at for s in (max(by_time, key=lambda s: s.depth), by_time[-1], *counted[-1:])}
        found[queue] = tuple(s for s in by_time if s.at in told)
    return found


def joined(slices: Iterable[Slice], length: timedelta = timedelta(minutes=1)) -> tuple[Slice, ...]:
    """Return one slice for each minute (or quarter) of the clock in which any of these began, oldest first."""
    stretches: dict[int, list[Slice]] = {}
    for piece in slices:
        stretches.setdefault(int(piece.since.timestamp() // length.total_seconds()), []).append(piece)
    return tuple(
        Slice(
            since=pieces[0].since,
            until=pieces[-1].until,
            tasks=_added(row for s in pieces for row in s.tasks),
            gaps=_merged_gaps(gap for s in pieces for gap in s.gaps),
        )
        for pieces in stretches.values()
    )


_COUNTS = tuple(f.name for f in fields(Figures) if f.name not in ("runtime", "wait"))
_counts_of = attrgetter(*_COUNTS)


class _Sum:
    """Figures added up in place: a busy minute has thousands of rows, and `Figures.plus` makes a new value for each."""

    def __init__(self, first: Figures) -> None:
        self.counts: tuple[int, ...] = _counts_of(first)
        self.runtime, self.wait = dict(first.runtime.counts), dict(first.wait.counts)

    def add(self, figures: Figures) -> None:
        self.counts = tuple(map(add, self.counts, _counts_of(figures)))
        for total, more in ((self.runtime, figures.runtime.counts), (self.wait, figures.wait.counts)):
            for bucket, n in more.items():
                total[bucket] = total.get(bucket, 0) + n

    def figures(self) -> Figures:
        named = dict(zip(_COUNTS, self.counts, strict=True))
        return Figures(**named, runtime=Histogram(self.runtime), wait=Histogram(self.wait))


def _added(rows: Iterable[TaskFigures]) -> tuple[TaskFigures, ...]:
    sums: dict[tuple[str, str | None], _Sum] = {}
    for row in rows:
        key = (row.name, row.queue)
        if key in sums:
            sums[key].add(row.figures)
        else:
            sums[key] = _Sum(row.figures)
    return tuple(TaskFigures(name, queue, total.figures()) for (name, queue), total in sums.items())


def _merged_gaps(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Return gaps in which one that went on through several slices is one: a later look at it replaces the earlier."""
    found: dict[tuple[datetime, str], Gap] = {}
    for gap in gaps:
        before = found.get((gap.since, gap.why))
        if before is None or before.until is None or (gap.until is not None and gap.until > before.until):
            found[gap.since, gap.why] = gap
    return tuple(found.values())
