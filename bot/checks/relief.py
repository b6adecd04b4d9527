"""What could be paused to help a backed-up queue."""

from pydantic import Field

from bot.checks.running import must_exist
from bot.domain.cluster import ClusterSnapshot
from bot.domain.forecast import reliefs
from bot.domain.run import Finding, Level
from bot.domain.wording import counted
from bot.ports import Check, Params, Target


class ReliefParams(Params):
    """The backed-up queue."""

    queue: str = Field(description="the backed-up queue")


class Relief(Check[ReliefParams]):
    """Less important queues that take slots from a backed-up one."""

    name = "relief"
    params = ReliefParams

    def run(self, params: ReliefParams, snapshot: ClusterSnapshot, target: Target) -> Finding:
        """Only a less important queue that shares a worker and uses slots there: pausing another would free nothing.

        Raises UnknownName.
        """
        must_exist(params.queue, snapshot, target)
        useful = reliefs(snapshot, target.spec, params.queue, target.earlier)
        found = [r for r in useful if target.pause_of(r.queue) is None]
        if not found:
            sentence = f"No less important queue takes slots from {params.queue}."
            values = {"queue": "", "frees": 0, "of": 0}
            return Finding(level=Level.OK, sentence=sentence, at=snapshot.taken_at, values=values)
        best = found[0]
        return Finding(
            level=Level.WARN,
            sentence=f"{best.queue} is less important and uses {best.frees} of {counted(best.of, 'slot')} there.",
            at=snapshot.taken_at,
            values={"queue": best.queue, "frees": best.frees, "of": best.of},
        )
