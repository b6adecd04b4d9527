"""End a revoke before its time: workers that start from now on are no longer told of it."""

from typing import Any

from pydantic import Field

from bot.domain.action import BlastRadius, Irreversible, Observation, Outcome, Preview, Proposal, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.duration import lasting
from bot.domain.errors import UnknownName
from bot.domain.revoke import CELERY_KEEPS_SECONDS, Revoke
from bot.domain.wording import counted
from bot.ports import Action, Params, Progress, Target


class EndRevokeParams(Params):
    """The revoke's id, which is the id of the execution that made it ("exe-12")."""

    revoke: str = Field(
        min_length=1,
        max_length=64,
        title="Revoke",
        description="The id of what made it, such as exe-12: /celery revokes lists them.",
    )


class EndRevoke(Action[EndRevokeParams]):
    """Keep a revoke up no longer."""

    name = "end_revoke"
    params = EndRevokeParams

    def risk(self, params: EndRevokeParams, spec: ClusterSpec, policy: Policy) -> Risk:  # noqa: ARG002 - always
        """Low: by itself it touches no task and no worker."""
        return Risk.LOW

    def observe(self, params: EndRevokeParams, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """Look for the revoke; one that is not in force is refused, unless this execution has ended it."""
        revoke = target.means.revokes.get(params.revoke)
        if revoke is None and target.execution_id is None:
            raise UnknownName("revoke", params.revoke, [r.id for r in target.means.revokes.all()], "in force")
        facts: dict[str, Any] = {"revoke": None, "n": 0}
        if revoke is not None:
            brief = revoke.model_copy(update=dict.fromkeys(("ids", "ending", "spared", "running"), frozenset()))
            facts = {"revoke": brief.model_dump(mode="json"), "n": len(revoke.everything)}
        return Observation(snapshot=snapshot, facts=facts)

    def preview(self, params: EndRevokeParams, observation: Observation, spec: ClusterSpec) -> Preview:  # noqa: ARG002
        """Say what ends, and what workers go on to refuse."""
        if observation.facts["revoke"] is None:
            raise UnknownName("revoke", params.revoke, (), "in force")
        revoke, n = Revoke.model_validate(observation.facts["revoke"]), observation.facts["n"]
        return Preview(
            summary=f"Workers that start from now on would not be told of revoke {revoke.id} any more, which is of "
            f"{counted(n, 'task')}.",
            radius=BlastRadius(workers=tuple(sorted(revoke.told))),
            notes=(
                f"Workers that were told go on to refuse them, {lasting(CELERY_KEEPS_SECONDS)} from when they were "
                "told last, or until all of them have restarted: Celery knows no way to take a revoke back.",
                "What was set aside with it stays so: `/celery archives` shows it.",
            ),
        )

    def run(self, params: EndRevokeParams, before: Observation, target: Target, progress: Progress) -> Outcome:  # noqa: ARG002
        """Forget it in the broker."""
        progress("Ending the revoke.")
        target.means.revokes.end(params.revoke)
        return Outcome(summary=f"Revoke {params.revoke} is kept up no longer.")

    def resume(
        self, params: EndRevokeParams, before: Observation, target: Target, progress: Progress
    ) -> Outcome | None:
        """Forget it, if that is not done: forgetting twice is forgetting once."""
        return self.run(params, before, target, progress)

    def verify(self, params: EndRevokeParams, before: Observation, after: Observation) -> Verdict:  # noqa: ARG002
        """Look whether it is in force."""
        gone = after.facts["revoke"] is None
        return Verdict(
            verified=gone, sentence=f"Revoke {params.revoke} is {'no longer' if gone else 'still'} in force."
        )

    def undo(self, params: EndRevokeParams, before: Observation, cluster: str) -> Proposal | Irreversible:  # noqa: ARG002
        """Its ids are forgotten."""
        return Irreversible(why="Revoke the tasks anew, by their ids or their name.")

    def command(self, params: EndRevokeParams, spec: ClusterSpec) -> str:  # noqa: ARG002 - Celery knows none
        """There is no command of Celery's for it."""
        return f"/celery unrevoke {params.revoke}"
