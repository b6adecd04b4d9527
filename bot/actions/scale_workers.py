"""Start more workers for one queue. Needs a driver; without one the corrected command is shown to copy."""

import re
import shlex

from pydantic import Field

from bot.domain.action import BlastRadius, Irreversible, Observation, Outcome, Preview, Proposal, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.errors import BadInput
from bot.domain.wording import counted
from bot.ports import Action, Params, Progress, Target


class ScaleParams(Params):
    """`by` more workers for `queue`, each with `concurrency` slots."""

    queue: str = Field(min_length=1, max_length=200, title="Queue")
    by: int = Field(default=1, ge=1, le=20, title="How many more workers")
    concurrency: int = Field(default=4, ge=1, le=64, title="Slots of each")


class ScaleWorkers(Action[ScaleParams]):
    """Start more workers for one queue."""

    name = "scale_workers"
    params = ScaleParams

    def available(self, spec: ClusterSpec) -> bool:  # noqa: ARG002 - no driver is shipped yet, on any cluster
        """There is no driver yet that could start workers."""
        return False

    def risk(self, params: ScaleParams, spec: ClusterSpec, policy: Policy) -> Risk:  # noqa: ARG002
        """High: more workers take memory and connections from what else runs there."""
        return Risk.HIGH

    def observe(self, params: ScaleParams, target: Target, snapshot: ClusterSnapshot) -> Observation:  # noqa: ARG002
        """A snapshot holds all that is needed."""
        return Observation(snapshot=snapshot)

    def preview(self, params: ScaleParams, observation: Observation, spec: ClusterSpec) -> Preview:  # noqa: ARG002
        """Say how many slots come on top of those there are."""
        now = sum(w.slots or 0 for w in observation.snapshot.consumers(params.queue))
        return Preview(
            summary=f"{counted(params.by, 'more worker')} for {params.queue}: "
            f"{params.by * params.concurrency} slots on top of {now}.",
            radius=BlastRadius(queues=(params.queue,)),
        )

    def run(self, params: ScaleParams, before: Observation, target: Target, progress: Progress) -> Outcome:  # noqa: ARG002
        """Refuse in words: nothing here can start a worker."""
        raise BadInput(
            f"No driver runs workers on `{target.spec.name}`. Copy this instead: {self.command(params, target.spec)}"
        )

    def verify(self, params: ScaleParams, before: Observation, after: Observation) -> Verdict:
        """Count the consumers of the queue before and after."""
        then, now = (len(o.snapshot.consumers(params.queue)) for o in (before, after))
        return Verdict(
            verified=now >= then + params.by, sentence=f"{now} workers consume {params.queue}, {then} before."
        )

    def undo(self, params: ScaleParams, before: Observation, cluster: str) -> Proposal | Irreversible:  # noqa: ARG002
        """Workers started by hand are stopped by hand."""
        return Irreversible(why="Workers started by hand are stopped by hand.")

    def command(self, params: ScaleParams, spec: ClusterSpec) -> str:
        """Return the command; the queue may come from an alert, so it is quoted.

        Names of their own: the operations runbook's `worker2@%h` collides with workers that run there already.
        """
        short = re.sub(r"\W", "_", params.queue)[:40]
        return (
            f"for i in $(seq 1 {params.by}); do celery -A {spec.app} worker --loglevel=info "
            f"--concurrency={params.concurrency} --queues={shlex.quote(params.queue)} "
            f"-n emergency_{short}_$i@%h --detach; done"
        )
