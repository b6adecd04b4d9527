"""Tasks for later that Redis hands out again before they are due, and that therefore run more than once."""

from datetime import datetime

from bot.checks.workers import NoParams
from bot.domain.broker import Postponed, UnacknowledgedMessages
from bot.domain.cluster import ClusterSnapshot
from bot.domain.duration import lasting
from bot.domain.run import Finding, Level
from bot.domain.troubles import Trouble, brief, table, told
from bot.domain.wording import counted
from bot.ports import Check, Target


class LateEtas(Check[NoParams]):
    """Tasks with an ETA or countdown beyond the visibility timeout, which run more than once."""

    name = "late_etas"
    needs_snapshot = False
    params = NoParams

    def run(self, params: NoParams, snapshot: ClusterSnapshot, target: Target) -> Finding:  # noqa: ARG002
        """Each visibility timeout hands such a task to one more worker, and each of them runs it when it is due."""
        found = target.diagnostics.unacknowledged()
        late = sorted(found.postponed, key=lambda p: p.again_at)
        timeout = lasting(found.visibility_timeout)
        well = f"No task that waits for its time waits beyond the visibility timeout of {timeout}."
        level, sentence = told([_trouble(found)] if late else [], well)
        few = f"Not all messages were looked at, but the {len(found.messages):,} taken first."
        return Finding(
            level=level,
            sentence=sentence,
            at=found.at,
            values={"n": len(late), "timeout": found.visibility_timeout},
            table=table(("task", "queue", "due in", "again in"), [_row(p, found.at) for p in late]),
            unknown=(few,) if found.at_least else (),
        )


def _trouble(found: UnacknowledgedMessages) -> Trouble:
    n = len(found.postponed)
    at_least = "At least " if found.at_least else ""
    words = (
        f"{at_least}{counted(n, 'task')} due later than the visibility timeout of {lasting(found.visibility_timeout)}: "
        "each is delivered again every time that ends, and runs more than once. Raise `visibility_timeout` above the "
        "longest ETA on every worker and producer, or keep such tasks in a schedule."
    )
    return Trouble(Level.BAD, words)


def _row(late: Postponed, now: datetime) -> tuple[str, ...]:
    return (brief(late.task or "?"), brief(late.queue or "?", 16), _until(late.eta, now), _until(late.again_at, now))


def _until(moment: datetime, now: datetime) -> str:
    seconds = int((moment - now).total_seconds())
    return lasting(seconds) if seconds > 0 else "now"
