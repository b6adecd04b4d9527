"""A dated record of each cluster every few seconds, so that history survives a restart and checks can look back."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.cluster import Worker
from bot.domain.errors import ClusterUnreachable
from bot.domain.forecast import DepthSample
from bot.domain.history import Grain, Record, WorkerThen, joined, merged, minute_of
from bot.domain.live import Presence, TaskEvents
from bot.domain.window import Gap, Slice
from bot.ports import Live, Mark, Ports
from bot.usecases.gone import note_gone

FINE_FOR = timedelta(hours=2)
"""For how long records of five seconds are kept; by then they are merged into minutes."""

MINUTES_FOR = timedelta(days=8)
"""For how long records of a minute are kept: a week, and a day to look back from its beginning."""

REMEMBERED = timedelta(minutes=2)
"""How far back a live state still has its slices."""

LEASE_SECONDS = 20.0

AT_ONCE = 60
"""Most records deleted in one transaction, once a minute: five times as many as a minute adds."""

MINUTES_AT_ONCE = 3
"""Most minutes merged in one call."""

SEEN_FOR = timedelta(minutes=1)
"""How old an answer of workers may be that a record holds, and the newest failure."""

UNWRITTEN = "it was heard and not written down"

SAMPLED = timedelta(minutes=10)
"""How much of the past the samples get back: as much as they hold."""

MINUTE, QUARTER, HOUR, DAY = (timedelta(minutes=n) for n in (1, 15, 60, 24 * 60))


def keep(ports: Ports, cluster: str) -> None:
    """Store what became known of a cluster since the last record; once a minute merge and prune. Asks nobody.

    Of several bots one writes: the holder of the lease. Raises StoreUnavailable; the next call stores what was missed.
    """
    note_gone(ports, cluster)
    now, live = ports.clock.now(), ports.clusters.live(cluster)
    with ports.store.read() as tx:
        mark = tx.history.last(cluster, Grain.FINE, now)
    slices, complete = _listened(ports, cluster, live, mark, now)
    record = _record(ports, cluster, live, mark, slices, complete=complete)
    heard_until = record.heard_until or (mark.heard_until if mark else None)
    with ports.store.write() as tx:
        if not tx.lease(f"history:{cluster}", ports.owner, now, LEASE_SECONDS):
            return
        tx.history.add(cluster, Grain.FINE, record, heard_until)
    if mark and minute_of(mark.at) < minute_of(now):
        _merge_what_is_over(ports, cluster, now)


def _listened(
    ports: Ports, cluster: str, live: Live, mark: Mark | None, now: datetime
) -> tuple[tuple[Slice, ...], bool]:
    """Return the slices that no record holds yet, and whether they tell all; hand to the samples what they lack."""
    known = (mark.heard_until if mark else None, ports.samples.heard_until(cluster))
    after = max(now - REMEMBERED, min((at or now - REMEMBERED) for at in known))
    slices, complete = live.slices(after), _all_heard(live, now)
    ports.samples.heard(cluster, slices, complete=complete)
    written = mark.heard_until if mark else None
    return _after(written, slices), complete


def _after(written: datetime | None, slices: Sequence[Slice]) -> tuple[Slice, ...]:
    """Return the slices that are not written down; what came between and is remembered no more becomes a gap."""
    new = [s for s in slices if written is None or s.since >= written]
    if new and written is not None and new[0].since - written > REMEMBERED / 2 and not new[0].gaps:
        new[0] = replace(new[0], gaps=(Gap(written, new[0].since, UNWRITTEN),))
    return tuple(new)


def _all_heard(live: Live, now: datetime) -> bool:
    """Return whether events are heard, and every worker that is online sends those of its tasks."""
    online = [w for w in live.workers(now) if w.presence is Presence.ONLINE]
    return live.feed().connected and all(w.task_events is TaskEvents.ON for w in online)


def _record(
    ports: Ports, cluster: str, live: Live, mark: Mark | None, slices: tuple[Slice, ...], *, complete: bool
) -> Record:
    now, feed = ports.clock.now(), live.feed()
    asked = next(iter(reversed(ports.samples.snapshots(cluster))), None)
    recent = asked is not None and now - asked.taken_at <= SEEN_FOR
    failure = ports.samples.failure(cluster)
    return Record(
        at=now,
        slices=slices,
        complete=complete,
        depths=_depths(ports, cluster, mark.at if mark else now - REMEMBERED),
        workers=tuple(_then(w) for w in asked.workers) if asked and recent else (),
        workers_at=asked.taken_at if asked and recent else None,
        trouble=_why(failure[1]) if failure and now - failure[0] <= SEEN_FOR else None,
        deaf=None if feed.connected else feed.trouble or "events are not heard",
    )


def _why(error: ClusterUnreachable) -> str:
    return f"cannot be read: {error.why}"


def _then(worker: Worker) -> WorkerThen:
    return WorkerThen(worker.name, worker.answered, worker.slots, worker.busy)


def _depths(ports: Ports, cluster: str, after: datetime) -> dict[str, tuple[DepthSample, ...]]:
    """Return by queue the samples taken since the last record, and the newest that knows the starts."""
    found = {}
    for queue in ports.samples.queues(cluster):
        samples = ports.samples.of(cluster, queue)
        counted = next((s for s in reversed(samples) if s.started is not None), None)
        new = [s for s in samples if s.at > after or s is counted]
        if any(s.at > after for s in new):
            found[queue] = tuple(new)
    return found


def _merge_what_is_over(ports: Ports, cluster: str, now: datetime) -> None:
    """Merge the minute that is over; after times in which the database failed, also a few before it."""
    for _ in range(MINUTES_AT_ONCE):
        with ports.store.read() as tx:
            last = tx.history.last(cluster, Grain.MINUTE, now)
            oldest = tx.history.first(cluster, Grain.FINE, last.at if last else now - MINUTES_FOR)
        if oldest is None or minute_of(oldest.at) >= now:
            return
        _merge(ports, cluster, minute_of(oldest.at), now)


def _merge(ports: Ports, cluster: str, minute: datetime, now: datetime) -> None:
    """Merge the records of one minute, which is over, and delete a few of those whose time has come."""
    with ports.store.read() as tx:
        heard = tx.history.last(cluster, Grain.FINE, minute)
        fine = tx.history.between(cluster, Grain.FINE, minute - MINUTE, minute)
    record = merged(fine, minute)
    with ports.store.write() as tx:
        tx.history.add(cluster, Grain.MINUTE, record, heard.heard_until if heard else None)
        tx.history.forget(min(minute, now - FINE_FOR), AT_ONCE, cluster=cluster, grain=Grain.FINE)
        tx.history.forget(now - MINUTES_FOR, AT_ONCE)  # also of clusters that left the settings


def between(ports: Ports, cluster: str, since: datetime, until: datetime) -> tuple[Record, ...]:
    """Return the records of a time, oldest first: of five seconds where all of it is kept so, else of a minute.

    Minutes that are not merged yet come as records of five seconds. A day of minutes are 1,440 records: ask for no
    more than is needed.
    """
    now = ports.clock.now()
    with ports.store.read() as tx:
        if since >= now - FINE_FOR:
            return tuple(tx.history.between(cluster, Grain.FINE, since, until))
        minutes = tx.history.between(cluster, Grain.MINUTE, since, until)
        last = tx.history.last(cluster, Grain.MINUTE, now)
        fine = tx.history.between(cluster, Grain.FINE, max(since, last.at) if last else since, until)
    return (*minutes, *fine)


def restore(ports: Ports, cluster: str) -> None:
    """Give the live state the last day and the samples the last ten minutes; for the bot's start, before any duty."""
    now = ports.clock.now()
    with ports.store.read() as tx:
        last = tx.history.last(cluster, Grain.MINUTE, now - SAMPLED)
        seam = max(last.at, now - DAY) if last else now - DAY
        fine = tx.history.between(cluster, Grain.FINE, seam, now)
    slices = [*_day(ports, cluster, now, seam), *(s for r in fine for s in r.slices)]
    if slices:
        ports.clusters.live(cluster).restore(slices)
    _restore_samples(ports, cluster, [r for r in fine if now - r.at <= SAMPLED])


def _day(ports: Ports, cluster: str, now: datetime, until: datetime) -> Iterator[Slice]:
    """Return the slices of the last day up to a moment: minutes of the last hour, quarters before it.

    Read by the quarter: a day of a busy cluster is hundreds of thousands of rows, too many to hold at once.
    """
    since = now - DAY
    while since < until:
        end = min(since + QUARTER, until)
        with ports.store.read() as tx:
            records = tx.history.between(cluster, Grain.MINUTE, since, end)
        before_the_hour = end <= now - HOUR - QUARTER
        yield from joined((s for r in records for s in r.slices), QUARTER if before_the_hour else MINUTE)
        since = end


def _restore_samples(ports: Ports, cluster: str, records: Sequence[Record]) -> None:
    samples: defaultdict[str, dict[datetime, DepthSample]] = defaultdict(dict)
    for record in records:
        for queue, depths in record.depths.items():
            samples[queue] |= {s.at: s for s in depths}
    by_time = {queue: [found[at] for at in sorted(found)] for queue, found in samples.items()}
    ports.samples.restore(cluster, by_time)
    for record in records:
        ports.samples.heard(cluster, record.slices, complete=record.complete)
