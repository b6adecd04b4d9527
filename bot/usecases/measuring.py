"""The team's targets, read again and again: where each stands, and since when."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import structlog
from pydantic import ValidationError

from bot.domain.cluster import ClusterSpec
from bot.domain.errors import BadInput, ClusterUnreachable
from bot.domain.forecast import DepthSample, recent
from bot.domain.hearing import doubts
from bot.domain.latency import Estimated, waits
from bot.domain.live import Presence
from bot.domain.memory import with_plugins
from bot.domain.readings import Evidence, reading_of
from bot.domain.standing import limits, next_state, urgency
from bot.domain.targets import Change, Measure, Standing, TargetSpec, TargetState
from bot.domain.views import Age, TargetLine, TargetsView
from bot.domain.window import Span
from bot.ports import Ports, Tx
from bot.usecases import forecasts

LEASE_SECONDS = 30.0
"""How long one bot alone keeps a cluster's targets; three times the time between two readings."""

REMEMBERED = timedelta(seconds=60)
"""How old the stored reading may become while nothing but the reading changes."""

log = structlog.get_logger(__name__)


def measure(ports: Ports, cluster: str) -> tuple[Change, ...]:
    """Read every target of a cluster and keep where it stands; returns what stands elsewhere than before.

    From memory and the store alone. Of several bots one does it, under a lease.
    """
    spec, now = ports.clusters.spec(cluster), ports.clock.now()
    if not spec.targets or not ports.store.lease(f"targets {cluster}", ports.owner, now, LEASE_SECONDS):
        return ()
    kept = stored_states(ports, spec)
    lines = _lines(ports, spec, kept, now)
    due = [line for line in lines if _worth_storing(kept.get(line.spec.name), line.state, now)]
    if due:
        with ports.store.write() as tx:
            for line in due:
                tx.set_note(_note(cluster, line.spec.name), line.state.model_dump(mode="json"))
    changes = tuple(c for line in lines if (c := _change(cluster, kept.get(line.spec.name), line)))
    for change in changes:
        _say(change)
    return changes


def _change(cluster: str, before: TargetState | None, line: TargetLine) -> Change | None:
    stood, stands = before.standing if before else Standing.UNKNOWN, line.state.standing
    if stands is stood:
        return None
    return Change(cluster=cluster, spec=line.spec, before=stood, after=stands, reading=line.reading)


def _say(change: Change) -> None:
    reading = change.reading
    log.info(
        "target stands elsewhere",
        cluster=change.cluster,
        target=change.spec.name,
        before=change.before.value,
        after=change.after.value,
        value=reading.value,
        n=reading.n,
        of=reading.of,
        why=reading.why,
    )


def targets(ports: Ports, cluster: str) -> TargetsView:
    """Return where a cluster's targets stand and what they read now, worst first. From memory and stored states alone.

    Raises UnknownName.
    """
    spec, now = ports.clusters.spec(cluster), ports.clock.now()
    lines = sorted(_lines(ports, spec, stored_states(ports, spec), now), key=_rank)
    live, failure = ports.clusters.live(cluster), ports.samples.failure(cluster)
    age = Age(
        now=now,
        taken_at=min((line.reading.at for line in lines if line.reading.value is not None), default=None),
        trouble=str(failure[1]) if failure else None,
        doubt=" ".join(doubts(live.window(Span.QUARTER, now), live.feed())) or None,
    )
    return TargetsView(cluster=cluster, age=age, targets=tuple(lines), scores=forecasts.scores(ports, cluster))


def _rank(line: TargetLine) -> tuple[int, float, str]:
    """Sort worst first; among equals by how far from the target, in ways from target to alert."""
    value, (target, alert) = line.reading.value, limits(line.spec, line.reading)
    pressure = (value - target) / (alert - target) if value is not None and alert != target else 0.0
    return (-urgency(line.state.standing), -pressure, line.spec.name)


def stored_states(ports: Ports, spec: ClusterSpec) -> dict[str, TargetState]:
    """Return the states of a cluster's targets as they were last stored."""
    with ports.store.read() as tx:
        found = {t.name: _stored(tx, spec.name, t.name) for t in spec.targets}
    return {name: state for name, state in found.items() if state is not None}


def _stored(tx: Tx, cluster: str, target: str) -> TargetState | None:
    """Return a stored state; one that another version of the bot wrote and this one cannot read is none."""
    note = tx.note(_note(cluster, target))
    try:
        return TargetState.model_validate(note) if note is not None else None
    except ValidationError:
        return None


def _note(cluster: str, target: str) -> str:
    return f"target:{cluster}:{target}"


def _worth_storing(kept: TargetState | None, state: TargetState, now: datetime) -> bool:
    """Return whether more than the reading changed, or the stored one grows old: history of a value is kept elsewhere.

    A restart then loses nothing that a standing rests on.
    """
    if kept is None or kept.read_at is None or now - kept.read_at >= REMEMBERED:
        return True
    reading_alone: dict[str, object] = {"reading": None, "read_at": None}
    return kept.model_copy(update=reading_alone) != state.model_copy(update=reading_alone)


def _lines(ports: Ports, spec: ClusterSpec, kept: Mapping[str, TargetState], now: datetime) -> list[TargetLine]:
    """Return every target with what it reads now, and the state that this makes of the stored one."""
    evidence = {span: _evidence(ports, spec, span, now) for span in {t.span for t in spec.targets}}
    lines = []
    for target in spec.targets:
        reading = reading_of(target, evidence[target.span])
        state = next_state(kept.get(target.name) or TargetState(since=now), target, reading, now)
        lines.append(TargetLine(spec=target, state=state, reading=reading))
    return lines


def _evidence(ports: Ports, spec: ClusterSpec, span: Span, now: datetime) -> Evidence:
    live, remembered = ports.clusters.live(spec.name), ports.memories.of(spec.name)
    failure = ports.samples.failure(spec.name)
    queues = {q.name for q in spec.queues} | set(ports.samples.queues(spec.name))
    samples = {queue: ports.samples.of(spec.name, queue) for queue in queues}
    latency = [t for t in spec.targets if t.measure is Measure.QUEUE_LATENCY and t.span is span]
    return Evidence(
        now=now,
        window=live.window(span, now),
        depths={queue: kept[-1] for queue, kept in samples.items() if kept},
        alerts={q.name: q.alert_above for q in spec.queues},
        waits=_waits(latency[0], samples, now) if latency else {},
        memory=remembered.workers,
        memory_at=remembered.at,
        memory_trouble=remembered.trouble,
        events={w.name: w.task_events for w in live.workers(now) if w.presence is not Presence.OFFLINE},
        feed=live.feed(),
        trouble=str(failure[1]) if failure else None,
    )


def _waits(target: TargetSpec, samples: Mapping[str, Iterable[DepthSample]], now: datetime) -> dict[str, Estimated]:
    """Return per queue how long tasks waited, as depths and starts tell it, where they do."""
    known = {q: waits(recent(kept, now, window=target.span.length)) for q, kept in samples.items()}
    found = {queue: told.quantile(target.quantile) for queue, told in known.items() if told is not None}
    return {queue: estimate for queue, estimate in found.items() if estimate is not None}


def poll_memory(ports: Ports, cluster: str) -> None:
    """Ask a cluster's workers for their memory, and remember it or why it is not known. Blocks for up to about 2 s."""
    asked = ports.clock.now()
    try:
        told = ports.clusters.diagnostics(cluster).memory()
    except (BadInput, ClusterUnreachable) as e:
        ports.memories.failed(cluster, str(e))
    else:
        heard = ports.clusters.live(cluster).workers(asked)
        ports.memories.take(cluster, asked, with_plugins(told, heard, asked))
