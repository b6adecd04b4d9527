"""A record of history as compact JSON, with a version, and back.

Version 1: `s` slices as [since, until, tasks, gaps]; a task as [name, queue, counts, runtime, wait], its counts in the
order of `COUNTS` without the zeros at their end, a histogram as bucket, n, bucket, n, …; a gap as [since, until, why,
missed]. `d` depths by queue as [at, depth, started, series]; `w` workers as [name, answered, slots, busy] asked at `a`;
`c` whether starts are complete, `t` trouble, `f` why no events were heard. Moments are microseconds since 1970.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec

from bot.domain.audit import microseconds
from bot.domain.forecast import DepthSample
from bot.domain.history import Record, WorkerThen
from bot.domain.window import Figures, Gap, Histogram, Slice, TaskFigures

VERSION = 1
COUNTS = ("started", "succeeded", "failed", "retried", "received", "sent", "revoked", "rejected", "lost")
_counts_of = attrgetter(*COUNTS)
_NONE = Histogram()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def encoded(record: Record) -> str:
    """Return the JSON of a record; its own moment is a column beside it."""
    document = {
        "v": VERSION,
        "s": [_slice_out(s) for s in record.slices],
        "d": {queue: [_sample_out(s) for s in samples] for queue, samples in record.depths.items()},
        "w": [(w.name, int(w.answered), w.slots, w.busy) for w in record.workers],
        "a": _out(record.workers_at),
        "c": int(record.complete),
        "t": record.trouble,
        "f": record.deaf,
    }
    return msgspec.json.encode(document).decode()


def decoded(at: datetime, text: str) -> Record:
    """Return the record of a JSON; one of a version that is not known is as if nothing had been seen."""
    document = msgspec.json.decode(text)
    if document.get("v") != VERSION:
        return Record(at=at, deaf="written by another version of the bot")
    return Record(
        at=at,
        slices=tuple(_slice_in(*s) for s in document["s"]),
        complete=bool(document["c"]),
        depths={queue: tuple(_sample_in(*s) for s in samples) for queue, samples in document["d"].items()},
        workers=tuple(WorkerThen(name, bool(answered), *rest) for name, answered, *rest in document["w"]),
        workers_at=_in(document["a"]),
        trouble=document["t"],
        deaf=document["f"],
    )


def _out(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)


def _in(at: int | None) -> datetime | None:
    return None if at is None else _moment(at)


def _moment(at: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at)


def _sample_out(sample: DepthSample) -> list[int | None]:
    return [microseconds(sample.at), sample.depth, sample.started, sample.series]


def _sample_in(at: int, depth: int, started: int | None, series: int) -> DepthSample:
    return DepthSample(at=_moment(at), depth=depth, started=started, series=series)


def _slice_out(piece: Slice) -> list[Any]:
    gaps = [(microseconds(g.since), _out(g.until), g.why, g.missed) for g in piece.gaps]
    return [microseconds(piece.since), microseconds(piece.until), [_task_out(t) for t in piece.tasks], gaps]


def _slice_in(since: int, until: int, tasks: list[Any], gaps: list[Any]) -> Slice:
    return Slice(
        since=_moment(since),
        until=_moment(until),
        tasks=tuple(_task_in(*task) for task in tasks),
        gaps=tuple(Gap(_moment(begun), _in(ended), why, missed) for begun, ended, why, missed in gaps),
    )


def _task_out(row: TaskFigures) -> list[Any]:
    figures = row.figures
    counts = list(_counts_of(figures))
    while counts and not counts[-1]:
        counts.pop()
    return [row.name, row.queue, counts, _flat(figures.runtime.counts), _flat(figures.wait.counts)]


def _task_in(name: str, queue: str | None, counts: list[int], runtime: list[int], wait: list[int]) -> TaskFigures:
    named = dict(zip(COUNTS, counts, strict=False))
    return TaskFigures(name, queue, Figures(**named, runtime=_histogram(runtime), wait=_histogram(wait)))


def _flat(counts: Mapping[int, int]) -> list[int]:
    return [number for pair in counts.items() for number in pair]


def _histogram(flat: list[int]) -> Histogram:
    return Histogram(dict(zip(flat[::2], flat[1::2], strict=True))) if flat else _NONE
