"""`/celery workers`: who does not answer, how busy and large the others are; of one worker, all that it said."""

from datetime import timedelta

from bot.domain.amounts import size
from bot.domain.broker import WorkerMemory
from bot.domain.cluster import TaskInHand, Worker
from bot.domain.live import LiveWorker, Presence, TaskEvents
from bot.domain.views import WorkerDetail, WorkersView
from bot.domain.wording import counted, listed
from bot.slack.looks import Workers, line_of
from bot.slack.views.amounts import ago, duration
from bot.slack.views.blocks import Block, lines, sections
from bot.slack.views.formatting import bold, count, escape, name, one_line, told, when
from bot.slack.views.frame import BODY, framed, titled, unknown_lines
from bot.slack.views.message import Message
from bot.slack.views.phrases import capital
from bot.slack.views.workers import PROTECTION, plugin_lines, slots_of

MOST_WORKERS = 40
MOST_TASKS = 12
CLOCK_SECONDS = 5.0
"""A clock this far off is worth telling; a second or two are the way of a heartbeat."""


def workers_message(view: WorkersView, *, shared: bool = False) -> Message:
    """Return the workers, silent ones first, or the one that was asked for, closely."""
    if view.alone and len(view.workers) == 1:
        return _alone(view, view.workers[0], shared=shared)
    none = [] if view.workers or view.age.taken_at is None else ["❌ No worker answers. Nothing is being worked on."]
    return framed(
        titled(name(view.cluster), _summary(view)),
        view.age,
        [
            lines([f"⚠️ {name(g)}: no worker is started for it" for g in view.missing_groups], 10),
            lines(_versions(view), 5),
            lines(plugin_lines([d.worker for d in view.workers])),
            *sections([*none, *(_line(d, view) for d in _worst_first(view))], MOST_WORKERS, BODY),
            lines(unknown_lines(view.unknown, [d.worker for d in view.workers]), 8),
        ],
        again=line_of(Workers(view.cluster)),
        shared=shared,
        notes=["One closely: `/celery workers &lt;worker&gt;`"] if view.workers else [],
    )


def _worst_first(view: WorkersView) -> list[WorkerDetail]:
    """Return those that do not answer, then those with something odd, else by name."""
    return sorted(view.workers, key=lambda d: (d.worker.answered, not _oddities(d), d.worker.name))


def _summary(view: WorkersView) -> str:
    up = [d.worker for d in view.workers if d.worker.answered]
    work = f"{count(sum(w.busy or 0 for w in up))} of {counted(sum(w.slots or 0 for w in up), 'slot')} busy"
    unsure = "at least " if any(w.busy is None or w.slots is None for w in up) else ""
    return f"{count(len(up))} of {counted(len(view.workers), 'worker')} answer, {unsure}{work}"


def _versions(view: WorkersView) -> list[str]:
    """Return which workers run which software, where they do not all run the same."""
    by_version: dict[str, list[str]] = {}
    for d in view.workers:
        if d.live and d.live.software:
            by_version.setdefault(d.live.software, []).append(name(d.worker.name, 40))
    if len(by_version) < 2:
        return []
    fewest_first = sorted(by_version.items(), key=lambda item: (len(item[1]), item[0]))
    return ["⚠️ Versions differ: " + "; ".join(f"{name(v, 40)} on {listed(ws, 3)}" for v, ws in fewest_first[:5])]


def _line(detail: WorkerDetail, view: WorkersView) -> str:
    worker = detail.worker
    if not worker.answered:
        heard = _last_heard(detail.live, view)
        return f"❓ {name(worker.name)}: no answer (busy or unreachable)" + (f"\n↳ {heard}" if heard else "")
    odd = _oddities(detail)
    memory = [_memory(detail.memory)] if detail.memory and detail.memory.parent is not None else []
    below = [*odd, *([PROTECTION[detail.protection]] if detail.protection else [])]
    first = f"{'⚠️' if odd else '⚙️'} {name(worker.name)}: {' · '.join([slots_of(worker), *memory])}"
    return f"{first}\n↳ {' · '.join(below)}" if below else first


def _last_heard(live: LiveWorker | None, view: WorkersView) -> str | None:
    if live is None:
        return None
    said_goodbye = "said that it ends" if live.presence is Presence.OFFLINE else "last heartbeat"
    ran = f", {counted(live.active, 'task')} in hand then" if live.active else ""
    return f"{said_goodbye} {ago(live.seen_at, view.age.now)}{ran}"


def _oddities(detail: WorkerDetail) -> list[str]:
    """Return what is not as it should be with a worker."""
    live, worker = detail.live, detail.worker
    found = ["no slots: it takes nothing"] if worker.answered and worker.slots == 0 else []
    if live is None:
        return found
    if live.twins:
        found.append("two processes of that name")
    if live.task_events is TaskEvents.OFF:
        found.append("task events off: its tasks are not counted")
    ahead = live.clock_ahead or 0.0
    if abs(ahead) > CLOCK_SECONDS:
        found.append(f"clock about {duration(abs(ahead))} {'ahead' if ahead > 0 else 'behind'}")
    return found


def _memory(memory: WorkerMemory, *, why: bool = False) -> str:
    """Return "1.4 GB with 4 children", or what is known of it and, where asked for, why not more."""
    if memory.parent is None:
        return "unknown" + (f" ({told(memory.why, 200)})" if memory.why else "")
    peak = ", at its highest" if memory.parent_is_peak else ""
    peak = ", measured by its plugin" if memory.by_plugin and why else peak
    if memory.children is None:
        because = f": {told(memory.why, 200)}" if why and memory.why else ""
        return f"{size(memory.parent)} (parent alone{peak}{because})"
    children = f"{count(len(memory.children))} {'child' if len(memory.children) == 1 else 'children'}"
    return f"{size(memory.total or 0)} with {children}{peak}"


def _alone(view: WorkersView, detail: WorkerDetail, *, shared: bool) -> Message:
    worker = detail.worker
    state = slots_of(worker) if worker.answered else "❓ no answer (busy or unreachable)"
    return framed(
        titled(name(view.cluster), f"{bold(name(worker.name, 100))} {state}"),
        view.age,
        [
            lines(_heard(detail, view)),
            _running(worker, view),
            lines([*_said(detail), *_live(detail, view)]),
            lines(unknown_lines([u for u in view.unknown if worker.name in (u.what, u.why)], [worker]), 5),
        ],
        again=line_of(Workers(view.cluster, worker.name)),
        shared=shared,
    )


def _heard(detail: WorkerDetail, view: WorkersView) -> list[str]:
    heard = None if detail.worker.answered else _last_heard(detail.live, view)
    kept = [capital(PROTECTION[detail.protection])] if detail.protection else []
    return [*([capital(heard)] if heard else []), *(f"⚠️ {odd}" for odd in _oddities(detail)), *kept]


def _said(detail: WorkerDetail) -> list[str]:
    """Return what the worker answered."""
    worker, found = detail.worker, []
    if detail.memory:
        found.append(f"Memory: {_memory(detail.memory, why=True)}")
    if not worker.answered:
        return found
    queues = "unknown" if worker.queues is None else listed([name(q) for q in worker.queues], 12) or "none"
    found.append(f"Takes from: {queues}")
    found.append(
        f"Pool: {name(worker.pool or 'unknown')}, {'unknown' if worker.slots is None else count(worker.slots)} slots"
    )
    found.append(f"Fetched ahead: {_many(worker.reserved)} · for later: {_many(worker.scheduled)}")
    if worker.uptime_seconds is not None:
        found.append(f"Up for {duration(worker.uptime_seconds)}")
    return found


def _many(tasks: tuple[TaskInHand, ...] | None) -> str:
    return "unknown" if tasks is None else count(len(tasks))


def _live(detail: WorkerDetail, view: WorkersView) -> list[str]:
    """Return what its heartbeats tell."""
    live = detail.live
    if live is None:
        return ["No heartbeat of it was heard"]
    done = [f"{count(live.processed)} tasks accepted since {when(live.since, view.age.now)}"] if live.processed else []
    load = [f"load {' '.join(f'{x:.2f}' for x in live.load[:3])}"] if live.load else []
    software = [escape(one_line(live.software, 80))] if live.software else []
    software += [f"worker plugin {escape(one_line(live.plugin, 20))}"] if live.plugin else []
    process = [f"process {live.pid}"] if live.pid else []
    return [
        *([f"Heartbeat {ago(live.seen_at, view.age.now)}"] if detail.worker.answered else []),
        f"Task events: {live.task_events.value}",
        *([" · ".join([*done, *load])] if done or load else []),
        *([" · ".join([*software, *process])] if software or process else []),
    ]


def _running(worker: Worker, view: WorkersView) -> Block | None:
    if not worker.active:
        return None
    longest_first = sorted(worker.active, key=lambda t: t.started_at or view.age.now + timedelta(1))
    said = [running_line(t, view) for t in longest_first]
    return lines([f"*Running when it answered, longest first ({count(len(said))})*", *said], MOST_TASKS + 1)


def running_line(task: TaskInHand, view: WorkersView) -> str:
    """Return a task that runs: its name, for how long, its id."""
    at = view.age.taken_at or view.age.now
    long = f" for {duration(max(0.0, (at - task.started_at).total_seconds()))}" if task.started_at else ""
    return f"• {name(task.name, 80)}{long} `{name(task.id, 60)}`"
