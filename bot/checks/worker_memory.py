"""How much memory each worker takes, with its children where they can be seen."""

from collections.abc import Sequence

from pydantic import Field

from bot.domain.amounts import Bytes, size
from bot.domain.broker import WorkerMemory as Memory
from bot.domain.cluster import ClusterSnapshot
from bot.domain.memory import with_plugins
from bot.domain.run import Finding, Level
from bot.domain.troubles import Trouble, brief, level_above, table, told
from bot.domain.wording import listed
from bot.ports import Check, Params, Target

GB = 1 << 30


class WorkerMemoryParams(Params):
    """How much is too much."""

    warn: Bytes = Field(default=2 * GB, ge=1, description="memory of one worker above which it is a warning, like 2GB")
    alert: Bytes = Field(default=3 * GB, ge=1, description="memory of one worker above which it is bad, like 3GB")


class WorkerMemory(Check[WorkerMemoryParams]):
    """Resident memory of each worker, its children counted in where they can be seen."""

    name = "worker_memory"
    params = WorkerMemoryParams

    def run(self, params: WorkerMemoryParams, snapshot: ClusterSnapshot, target: Target) -> Finding:
        """A prefork worker's tasks run in its children: of one whose children cannot be seen, little is known."""
        now = target.clock.now()
        said = with_plugins(target.diagnostics.memory(1.5), target.live.workers(now), now)
        known = sorted((m for m in said.values() if m.total is not None), key=lambda m: -(m.total or 0))
        missing = sorted({w.name for w in snapshot.workers} - {m.worker for m in known})
        unknown = _unknown(tuple(said.values()), missing)
        if not known:
            sentence = "No worker told how much memory it takes."
            return Finding(level=Level.UNKNOWN, sentence=sentence, at=snapshot.taken_at, unknown=unknown)
        level, sentence = told(_troubles(params, known), _well(known))
        return Finding(
            level=level,
            sentence=sentence,
            at=snapshot.taken_at,
            values={"worst": known[0].total, "total": sum(m.total or 0 for m in known), "workers": len(known)},
            table=table(("worker", "memory", "of which children"), [_row(m) for m in known]),
            unknown=unknown,
            estimated="With ≤, the parent told its highest so far, not what it takes now." if _peaks(known) else None,
        )


def _peaks(known: Sequence[Memory]) -> bool:
    return any(m.parent_is_peak for m in known)


def _well(known: Sequence[Memory]) -> str:
    only = ", parent only" if known[0].children is None else ""
    return f"Most memory takes {known[0].worker}: {size(known[0].total or 0)}{only}."


def _troubles(params: WorkerMemoryParams, known: Sequence[Memory]) -> list[Trouble]:
    found = []
    for memory in known:
        total = memory.total or 0
        level = level_above(total, params.warn, params.alert)
        if level is Level.OK:
            continue
        limit = max(params.warn, params.alert) if level is Level.BAD else params.warn
        words = (
            f"{memory.worker} takes {'at its highest ' if memory.parent_is_peak else ''}{size(total)}, more than "
            f"{size(limit)}{_parts(memory)}: restart it when it is idle, and set `worker_max_memory_per_child`."
        )
        found.append(Trouble(level, words))
    return found


def _parts(memory: Memory) -> str:
    if memory.children is None:
        return " (parent only)"
    return f" ({len(memory.children):,} of its children counted in)"


def _row(memory: Memory) -> tuple[str, str, str]:
    peak = "≤ " if memory.parent_is_peak else ""
    children = "parent only" if memory.children is None else f"{size(sum(memory.children))} in {len(memory.children)}"
    children += ", by its plugin" if memory.by_plugin else ""
    return (brief(memory.worker), f"{peak}{size(memory.total or 0)}", children)


def _unknown(all_: Sequence[Memory], missing: Sequence[str]) -> tuple[str, ...]:
    whys: dict[str, list[str]] = {}
    for memory in all_:
        if memory.why and (memory.children is None or memory.total is None):
            whys.setdefault(memory.why, []).append(memory.worker)
    explained = {name for names in whys.values() for name in names}
    silent = [name for name in missing if name not in explained]
    found = [f"{listed(names)}: {why}." for why, names in whys.items()]
    return (*found, *([f"No answer from {listed(silent)} (busy or unreachable)."] if silent else []))
