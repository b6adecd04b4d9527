"""Which workers answer, how busy they are, and which that should be there are not."""

from bot.domain.cluster import ClusterSnapshot, missing_groups
from bot.domain.run import Finding, Level
from bot.domain.wording import counted, listed
from bot.ports import Check, Params, Target


class NoParams(Params):
    """Takes none."""


class Workers(Check[NoParams]):
    """Workers online, silent or missing, and their busy slots."""

    name = "workers"
    params = NoParams

    def run(self, params: NoParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """Count what answered; a silent worker is "busy or unreachable", never "down"."""
        online = [w for w in snapshot.workers if w.answered]
        silent = [w.name for w in snapshot.workers if not w.answered]
        missing = missing_groups(target.spec, snapshot)
        slots = sum(w.slots or 0 for w in online)
        busy = sum(w.busy or 0 for w in online)
        up = f"{counted(len(online), 'worker')} online, {busy:,} of {counted(slots, 'slot')} busy"
        parts = [up if online else "No worker is seen running" if not silent else "No worker answers"]
        if silent:
            parts.append(f"no answer from {listed(silent)} (busy or unreachable)")
        if missing:
            parts.append(f"none running of {listed(missing)}")
        level = Level.BAD if not online else Level.WARN if silent or missing else Level.OK
        return Finding(
            level=level,
            sentence="; ".join(parts) + ".",
            at=snapshot.taken_at,
            values={"online": len(online), "silent": len(silent), "slots": slots, "busy": busy, "free": slots - busy},
        )
