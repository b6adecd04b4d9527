"""Which workers answer, how busy they are, which that should be there are not, and names that two share."""

from bot.domain.cluster import ClusterSnapshot, Worker, missing_groups
from bot.domain.run import Finding, Level, Table
from bot.domain.troubles import brief, table
from bot.domain.wording import counted, listed
from bot.ports import Check, Params, Target


class NoParams(Params):
    """Takes none."""


class Workers(Check[NoParams]):
    """Workers online, silent, missing or of one name, and their busy slots."""

    name = "workers"
    params = NoParams

    def run(self, params: NoParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """Count what answered; a silent worker is "busy or unreachable", never "down"."""
        online = [w for w in snapshot.workers if w.answered]
        silent = [w.name for w in snapshot.workers if not w.answered]
        missing = missing_groups(target.spec, snapshot)
        twins = _twins(snapshot, target)
        slots = sum(w.slots or 0 for w in online)
        busy = sum(w.busy or 0 for w in online)
        up = f"{counted(len(online), 'worker')} online, {busy:,} of {counted(slots, 'slot')} busy"
        parts = [up if online else "No worker is seen running" if not silent else "No worker answers"]
        if silent:
            parts.append(f"no answer from {listed(silent)} (busy or unreachable)")
        if missing:
            parts.append(f"none running of {listed(missing)}")
        if twins:
            parts.append(f"two processes are named {listed(twins)} and hide each other: start one with another `-n`")
        level = Level.BAD if not online else Level.WARN if silent or missing or twins else Level.OK
        counts = {"online": len(online), "silent": len(silent), "missing": len(missing), "twins": len(twins)}
        return Finding(
            level=level,
            sentence="; ".join(parts) + ".",
            at=snapshot.taken_at,
            values=counts | {"slots": slots, "busy": busy, "free": slots - busy},
            table=_table(snapshot, twins),
            unknown=tuple(f"{u.why}." for u in snapshot.unknown if u.what == "workers"),
        )


def _twins(snapshot: ClusterSnapshot, target: Target) -> tuple[str, ...]:
    """Return names under which two answered just now, or two send heartbeats."""
    heard = {w.name for w in target.live.workers(target.clock.now()) if w.twins}
    return tuple(sorted(heard | set(snapshot.twins)))


def _table(snapshot: ClusterSnapshot, twins: tuple[str, ...]) -> Table | None:
    order = sorted(snapshot.workers, key=lambda w: (w.answered, w.name not in twins, -(w.busy or 0), w.name))
    return table(("worker", "busy", "pool"), [(brief(w.name), _busy(w), _pool(w, twins)) for w in order])


def _busy(worker: Worker) -> str:
    if not worker.answered:
        return "no answer"
    return f"{'?' if worker.busy is None else worker.busy}/{'?' if worker.slots is None else worker.slots}"


def _pool(worker: Worker, twins: tuple[str, ...]) -> str:
    return f"{worker.pool or '?'}{', two' if worker.name in twins else ''}" if worker.answered else "?"
