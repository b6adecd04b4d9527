"""What workers have in hand: running, prefetched, kept for later, held back by rate limits."""

from collections import Counter

from bot.checks.orphans import online
from bot.checks.workers import NoParams
from bot.domain.broker import UnacknowledgedMessages
from bot.domain.cluster import ClusterSnapshot, TaskInHand, Worker
from bot.domain.errors import OncallError
from bot.domain.run import Finding, Level, Table
from bot.domain.troubles import Trouble, brief, table, told
from bot.domain.wording import counted, listed
from bot.ports import Check, Target

Held = tuple[int | None, tuple[str, ...], str | None]
"""How many tasks are held (None: not known), the task names most first, and why it is not known."""


class TasksInHand(Check[NoParams]):
    """Tasks that workers run, hold prefetched, keep for later, or hold back by a rate limit."""

    name = "tasks_in_hand"
    params = NoParams

    def run(self, params: NoParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """Rate-held tasks are in no list of a worker; they are found among what is unacknowledged."""
        held, names, why = _held(target)
        running, reserved, later = (_count(snapshot, kind) for kind in ("active", "reserved", "scheduled"))
        well = f"{running:,} running, {reserved:,} prefetched, {later:,} kept for later"
        well += f", {held:,} held by rate limits." if held is not None else ". Whether any is held back is not known."
        troubles = [] if not held else [_held_back(held, names)]
        level, sentence = told(troubles, well)
        if troubles:
            sentence = f"{sentence} Besides: {running:,} running, {reserved:,} prefetched, {later:,} kept for later."
        if not any(w.answered for w in snapshot.workers):
            level, sentence = Level.UNKNOWN, "No worker answers, so what they have in hand is not known."
        return Finding(
            level=level,
            sentence=sentence,
            at=snapshot.taken_at,
            values={"active": running, "reserved": reserved, "scheduled": later, "held": held},
            table=_table(snapshot),
            unknown=(*_unsaid(snapshot), *([f"Held by rate limits: {why}."] if why else [])),
        )


def _held(target: Target) -> Held:
    try:
        unacknowledged = target.diagnostics.unacknowledged(1.5).heard(online(target))
    except OncallError as e:
        return None, (), str(e).rstrip(".")
    return _held_of(unacknowledged)


def _held_of(found: UnacknowledgedMessages) -> Held:
    by_name = Counter(m.task or "?" for m in found.held)
    names = tuple(name for name, _ in by_name.most_common())
    why = found.why_held_unknown()
    return (None if why else len(found.held)), names, why


def _held_back(held: int, names: tuple[str, ...]) -> Trouble:
    words = (
        f"{counted(held, 'task')} held back by a rate limit ({listed(names, 3)}), which no worker lists. If that is "
        f"not meant, lift it on each worker: `control rate_limit {names[0]} 0 -d <worker>`."
    )
    return Trouble(Level.WARN, words)


def _count(snapshot: ClusterSnapshot, kind: str) -> int:
    return sum(len(_of(w, kind) or ()) for w in snapshot.workers)


def _of(worker: Worker, kind: str) -> tuple[TaskInHand, ...] | None:
    found: tuple[TaskInHand, ...] | None = getattr(worker, kind)
    return found


def _unsaid(snapshot: ClusterSnapshot) -> tuple[str, ...]:
    kinds = ("active", "reserved", "scheduled")
    silent = [w.name for w in snapshot.workers if any(_of(w, kind) is None for kind in kinds)]
    return (f"{listed(silent)} did not say all it has in hand (busy or unreachable).",) if silent else ()


def _table(snapshot: ClusterSnapshot) -> Table | None:
    def cell(worker: Worker, kind: str) -> str:
        tasks = _of(worker, kind)
        return "?" if tasks is None else f"{len(tasks):,}"

    kinds = ("active", "reserved", "scheduled")
    order = sorted(snapshot.workers, key=lambda w: (w.answered, -sum(len(_of(w, k) or ()) for k in kinds), w.name))
    rows = [(brief(w.name), *(cell(w, kind) for kind in kinds)) for w in order]
    return table(("worker", "running", "prefetched", "later"), rows)
