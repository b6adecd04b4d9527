"""What `/celery queues`, `workers`, `tasks`, `task` and `failures` show: from memory where that stands for now."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bot.domain.broker import OldestMessage
from bot.domain.card import QueueLine
from bot.domain.cluster import ClusterSnapshot, TaskInHand, Worker, missing_groups
from bot.domain.errors import OncallError, UnknownName
from bot.domain.forecast import forecast, goal_of, recent, trend
from bot.domain.hearing import doubts, means
from bot.domain.latency import Bound, age_of_oldest
from bot.domain.live import FailureGroup, Presence
from bot.domain.views import (
    Age,
    FailuresView,
    QueueDetail,
    QueuesView,
    TasksView,
    TaskView,
    WorkerDetail,
    WorkersView,
)
from bot.domain.what_if import what_ifs
from bot.domain.window import Figures, Span, TaskFigures, Window
from bot.ports import Ports, Target
from bot.usecases.remembering import Seen, seen
from bot.usecases.status import protection, queue_lines, unheld_queues
from bot.usecases.targets import target_of

HELD_SECONDS = 0.8
"""How long one look at unacknowledged messages may take, after a snapshot: together they stay below 3 s."""


def queues(ports: Ports, cluster: str, queue: str | None = None, *, fresh: bool = False) -> QueuesView:
    """Return the queues, worst first; or one of them closely, with what a change would bring.

    Raises UnknownName. Blocks for up to about 3 s.
    """
    target = target_of(ports, cluster)
    known = seen(ports, target, fresh=fresh)
    view = QueuesView(cluster=cluster, age=_age(ports, known), alone=queue is not None)
    if known.snapshot is None:
        return view
    snapshot = known.snapshot
    lines = queue_lines(ports, target, known, snapshot)
    if queue is not None:
        lines = tuple(line for line in lines if line.queue.name == queue)
        if not lines:
            raise UnknownName("queue", queue, [q.name for q in snapshot.queues])
    oldest = {} if known.trouble else _oldest(target)
    heard = target.live.window(Span.QUARTER, ports.clock.now())
    details = [_detail(ports, target, snapshot, heard, line, oldest.get(line.queue.name)) for line in lines]
    if queue is not None and not known.trouble:
        details = [d.model_copy(update={"held": _held(ports, target, queue)}) for d in details]
    return view.model_copy(
        update={
            "queues": tuple(details),
            "orphaned": unheld_queues(target, snapshot),
            "unknown": snapshot.unknown,
        }
    )


def _oldest(target: Target) -> Mapping[str, OldestMessage]:
    """Return the messages that are next; none where the broker cannot say: a view is not lost for it."""
    try:
        return target.diagnostics.oldest()
    except OncallError:
        return {}


def _held(ports: Ports, target: Target, queue: str) -> int | None:
    """Return how many tasks workers hold back by a rate limit; None when it cannot be told."""
    try:
        found = target.diagnostics.unacknowledged(HELD_SECONDS)
    except OncallError:
        return None
    online = [w.name for w in target.live.workers(ports.clock.now()) if w.presence is Presence.ONLINE]
    return found.heard(online).held_in(queue)


def _detail(
    ports: Ports,
    target: Target,
    snapshot: ClusterSnapshot,
    heard: Window,
    line: QueueLine,
    oldest: OldestMessage | None,
) -> QueueDetail:
    now, name = ports.clock.now(), line.queue.name
    samples = ports.samples.of(target.spec.name, name)
    rate = trend(recent(samples, now, since=target.acted))
    guess = age_of_oldest(samples) if oldest is None or oldest.age is None else None
    answered = all(w.active is not None for w in snapshot.workers)
    return QueueDetail(
        line=line,
        trend=rate,
        forecast=forecast(line.queue.depth, goal_of(target.spec, name), rate) if line.queue.depth is not None else None,
        oldest=oldest,
        oldest_age=guess.seconds if guess else oldest.age if oldest else None,
        oldest_estimated=guess.how if guess else None,
        oldest_bound=guess.bound if guess else Bound.ABOUT,
        what_if=what_ifs(snapshot, target.spec, name, rate, target.earlier, paused=_paused(target)),
        wait=heard.total(heard.of_queue(name)).wait,
        running=sum(w.running_on(name) for w in snapshot.workers) if answered else None,
        consumers=tuple(w.name for w in snapshot.consumers(name)),
    )


def _paused(target: Target) -> frozenset[str]:
    return frozenset(m.target for m in target.mitigations if m.live and m.kind == "pause")


def workers(ports: Ports, cluster: str, worker: str | None = None, *, fresh: bool = False) -> WorkersView:
    """Return the workers, silent ones first; or one of them closely, by its name or the part before the `@`.

    Raises UnknownName. Blocks for up to about 3 s.
    """
    target = target_of(ports, cluster)
    known = seen(ports, target, fresh=fresh)
    heard = {w.name: w for w in target.live.workers(ports.clock.now())}
    view = WorkersView(cluster=cluster, age=_age(ports, known), alone=worker is not None)
    if known.snapshot is None:
        return view
    snapshot = known.snapshot
    kept = protection(target, snapshot)
    memory = ports.memories.of(cluster).workers
    found = [
        WorkerDetail(worker=w, live=heard.get(w.name), memory=memory.get(w.name), protection=kept.get(w.name))
        for w in snapshot.workers
    ]
    if worker is not None:
        found = [d for d in found if d.worker.name == _one(worker, snapshot.workers)]
    return view.model_copy(
        update={
            "workers": tuple(sorted(found, key=lambda d: (d.worker.answered, d.worker.name))),
            "missing_groups": missing_groups(target.spec, snapshot) if worker is None else (),
            "unknown": snapshot.unknown,
        }
    )


def _one(said: str, known: Sequence[Worker]) -> str:
    """Return the full name of the worker that was meant."""
    names = [w.name for w in known]
    alike = [n for n in names if said.lower() in (n.lower(), n.partition("@")[0].lower())]
    if len(alike) != 1:
        raise UnknownName("worker", said, alike or names)
    return alike[0]


def tasks(ports: Ports, cluster: str, name: str | None = None, span: Span = Span.QUARTER) -> TasksView:
    """Return the figures of every task name over a span, worst first; or of one name closely (`*` stands for anything).

    From memory alone. Raises UnknownName.
    """
    target = target_of(ports, cluster)
    now = ports.clock.now()
    window, running = target.live.window(span, now), _running(ports, target)
    rows = [row for row in window.tasks if means(name, row.name)]
    held = [t for t in running if means(name, t.name)]
    if name is not None and not rows and not held:
        raise UnknownName("task", name, _task_names(target, now, running))
    return TasksView(
        cluster=cluster,
        age=_heard_age(target, now, window),
        span=span,
        since=window.since,
        tasks=tuple(sorted(rows, key=_worst_first)),
        gaps=window.gaps,
        feed=target.live.feed(),
        name=name,
        running=tuple(held) if name is not None else (),
        on=_on(ports, target) if name is not None else {},
        failures=_failures(target, span, now, name) if name is not None else (),
    )


def _worst_first(row: TaskFigures) -> tuple[float, int, str]:
    return (row.figures.completion if row.figures.completion is not None else 1.0, -_volume(row.figures), row.name)


def _volume(figures: Figures) -> int:
    return max(figures.ended, figures.started, figures.received)


def _task_names(target: Target, now: datetime, running: Iterable[TaskInHand]) -> set[str]:
    return {row.name for row in target.live.window(Span.DAY, now).tasks} | {t.name for t in running}


def _running(ports: Ports, target: Target) -> tuple[TaskInHand, ...]:
    """Return what ran when last looked, the longest first."""
    last = next(iter(reversed(ports.samples.snapshots(target.spec.name))), None)
    found = [t for w in (last.workers if last else ()) for t in w.active or ()]
    return tuple(sorted(found, key=lambda t: (t.started_at is None, t.started_at or ports.clock.now())))


def _on(ports: Ports, target: Target) -> dict[str, str]:
    """Return the worker that runs each of these tasks."""
    last = next(iter(reversed(ports.samples.snapshots(target.spec.name))), None)
    return {t.id: w.name for w in (last.workers if last else ()) for t in w.active or ()}


def _failures(target: Target, span: Span, now: datetime, task: str | None) -> tuple[FailureGroup, ...]:
    return tuple(g for g in target.live.failures(span, now) if means(task, g.task))


def task(ports: Ports, cluster: str, id: str) -> TaskView:
    """Return what is known of one task: what was heard of it, and where it is now. Blocks for up to about 3 s."""
    target = target_of(ports, cluster)
    trace, trouble, place = target.live.task(id), None, None
    try:
        place = target.diagnostics.find_task(id)
    except OncallError as e:
        trouble = str(e)
    now = ports.clock.now()
    age = Age(now=now, taken_at=None if trouble else now, trouble=trouble)
    return TaskView(cluster=cluster, age=age, id=id, trace=trace, place=place)


def failures(ports: Ports, cluster: str, task: str | None = None, span: Span = Span.QUARTER) -> FailuresView:
    """Return failures by task and exception over a span, most first; of one task with tracebacks. From memory alone.

    Raises UnknownName.
    """
    target = target_of(ports, cluster)
    now = ports.clock.now()
    window = target.live.window(span, now)
    rows = [row for row in window.tasks if means(task, row.name)]
    groups = _failures(target, span, now, task)
    if task is not None and not rows and not groups:
        raise UnknownName("task", task, _task_names(target, now, _running(ports, target)))
    return FailuresView(
        cluster=cluster,
        age=_heard_age(target, now, window),
        span=span,
        since=window.since,
        groups=groups,
        failed=window.total(rows).failed,
        gaps=window.gaps,
        feed=target.live.feed(),
        alone=task is not None,
    )


def _age(ports: Ports, known: Seen) -> Age:
    taken_at = known.snapshot.taken_at if known.snapshot else None
    return Age(now=ports.clock.now(), taken_at=taken_at, trouble=known.trouble)


def _heard_age(target: Target, now: datetime, window: Window) -> Age:
    feed = target.live.feed()
    taken_at = now if feed.connected else feed.last_at
    said = doubts(window, feed, target.live.workers(now))[0 if feed.connected else 1 :]  # the trouble says the first
    return Age(now=now, taken_at=taken_at, trouble=feed.trouble, doubt=" ".join(said) or None)
