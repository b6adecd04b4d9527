"""What was seen of a cluster, dated, as it is kept: every few seconds for hours, merged by the minute for days."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from bot.domain.forecast import DepthSample
from bot.domain.window import Figures, Gap, Slice, TaskFigures


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


def joined(slices: Sequence[Slice]) -> tuple[Slice, ...]:
    """Return one slice for each minute of the clock in which any of these began, oldest first."""
    minutes: dict[datetime, list[Slice]] = {}
    for piece in slices:
        minutes.setdefault(piece.since.replace(second=0, microsecond=0), []).append(piece)
    return tuple(
        Slice(
            since=pieces[0].since,
            until=pieces[-1].until,
            tasks=tuple(_added(row for s in pieces for row in s.tasks)),
            gaps=_merged_gaps(gap for s in pieces for gap in s.gaps),
        )
        for pieces in minutes.values()
    )


def _added(rows: Iterable[TaskFigures]) -> list[TaskFigures]:
    by_task: dict[tuple[str, str | None], Figures] = {}
    for row in rows:
        before = by_task.get((row.name, row.queue))
        by_task[row.name, row.queue] = before.plus(row.figures) if before else row.figures
    return [TaskFigures(name, queue, figures) for (name, queue), figures in by_task.items()]


def _merged_gaps(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Return gaps in which one that went on through several slices is one: a later look at it replaces the earlier."""
    found: dict[tuple[datetime, str], Gap] = {}
    for gap in gaps:
        before = found.get((gap.since, gap.why))
        if before is None or before.until is None or (gap.until is not None and gap.until > before.until):
            found[gap.since, gap.why] = gap
    return tuple(found.values())
