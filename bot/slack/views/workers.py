"""Workers in a status: how busy each is, and what keeps it from paused queues."""

from collections.abc import Sequence

from bot.domain.card import StatusView
from bot.domain.cluster import Worker
from bot.domain.mitigation import Protection
from bot.domain.wording import counted, listed
from bot.slack.views.formatting import count, escape, name, one_line

PROTECTION = {
    Protection.PLUGIN: "started without the paused queues, by its worker plugin",
    Protection.STARTED_WITHOUT: "started without the paused queues",
    Protection.CANCELLED: "told to leave paused queues, checked every 10 s",
}
"""What keeps a worker from paused queues, in words."""


def worker_lines(view: StatusView) -> list[str]:
    """Return a line for each worker, those that do not answer first."""
    if not view.workers:
        return ["❌ No worker answers. Nothing is being worked on."]
    silent_first = sorted(view.workers, key=lambda w: (w.answered, w.name))
    return [_worker(w, view) for w in silent_first]


def _worker(worker: Worker, view: StatusView) -> str:
    who = name(worker.name)
    if not worker.answered:
        return f"❓ {who}: no answer (busy or unreachable)"
    kept = view.protection.get(worker.name)
    return f"⚙️ {who}: {slots_of(worker)}" + (f"\n↳ {PROTECTION[kept]}" if kept else "")


def plugin_lines(workers: Sequence[Worker]) -> list[str]:
    """Return in a line which workers have the worker plugin, where any has: the shorter list by name."""
    have = [w for w in workers if w.plugin]
    lack = [w for w in workers if w.answered and not w.plugin]
    if not have:
        return []
    versions = ", ".join(sorted({one_line(w.plugin.version, 20) for w in have if w.plugin}))
    first = f"🔌 Worker plugin {escape(versions)}"
    if not lack:
        return [f"{first}: on all that answer" if len(have) > 1 else f"{first}: on {name(have[0].name, 40)}"]
    if len(lack) < len(have):
        return [f"{first}: on all but {listed([name(w.name, 40) for w in lack], 5)}"]
    return [f"{first}: on {listed([name(w.name, 40) for w in have], 5)}; not on {counted(len(lack), 'other')}"]


def slots_of(worker: Worker) -> str:
    """Return how many of its slots are busy, as far as it said."""
    if worker.slots is None and worker.busy is None:
        return "slots unknown"
    if worker.slots is None:
        return f"{count(worker.busy or 0)} busy, pool size unknown"
    if worker.busy is None:
        return f"{count(worker.slots)} slots, how many are busy is unknown"
    return f"{count(worker.busy)} of {count(worker.slots)} busy"
