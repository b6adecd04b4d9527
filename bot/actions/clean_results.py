"""Clean up results: those of tasks that ended long ago are deleted from a Redis result backend."""

import shlex
from datetime import datetime, timedelta

from pydantic import Field

from bot.domain.action import BlastRadius, Irreversible, Observation, Outcome, Preview, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.duration import Seconds
from bot.domain.old_result_words import check, meant, notes, summary, verdict, warnings
from bot.domain.old_results import ResultsFound, ResultsWanted
from bot.domain.wording import counted
from bot.ports import Action, Params, Progress, Target

DAY = 24 * 3600


class CleanParams(Params):
    """Results of tasks that ended longer than `older_than` ago; only those of `task`; with `endless` only those that
    never expire; at most `limit`. Times in seconds, or as `7d`.
    """

    older_than: Seconds = Field(
        default=7 * DAY, ge=3600, le=3650 * DAY, title="Ended longer ago than", description="As 7d or 12h."
    )
    task: str | None = Field(
        default=None,
        min_length=1,
        max_length=300,
        title="Only of this task",
        description="Its whole name. Only results that keep it are found.",
    )
    endless: bool = Field(default=False, title="Only results that never expire")
    limit: int = Field(
        default=100_000, ge=1, le=1_000_000, title="At most", description="How many results one request deletes."
    )
    reason: str = Field(default="", max_length=300, title="Why", description="For those who approve, and the audit.")


class CleanResults(Action[CleanParams]):
    """Delete results of tasks that ended long ago; those of groups and chords that are still kept stay."""

    name = "clean_results"
    params = CleanParams

    def risk(self, params: CleanParams, spec: ClusterSpec, policy: Policy) -> Risk:  # noqa: ARG002 - always
        """Destructive: what is deleted cannot be read by anybody any more."""
        return Risk.DESTRUCTIVE

    def observe(self, params: CleanParams, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """Count what is there. Refused in words where there is no result backend, or another than Redis."""
        wanted = _wanted(params, target)
        found = target.means.old_results.census(wanted)
        facts = {"found": found.model_dump(mode="json"), "before": wanted.before.isoformat()}
        return Observation(snapshot=snapshot, facts=facts)

    def preview(self, params: CleanParams, observation: Observation, spec: ClusterSpec) -> Preview:  # noqa: ARG002
        """Say how many would be deleted, what they take, and what stays."""
        found = _found(observation)
        check(found, params.older_than, params.task)
        return Preview(
            summary=summary(found, params.older_than, params.task, params.limit),
            radius=BlastRadius(results=meant(found, params.limit)),
            notes=notes(found),
            warnings=warnings(found),
        )

    def run(self, params: CleanParams, before: Observation, target: Target, progress: Progress) -> Outcome:
        """Go through all results page by page, and delete what was meant when it was looked at first."""
        wanted = ResultsWanted(before=_before(before), task=params.task, endless=params.endless)
        done = target.means.old_results.clean(wanted, params.limit, progress)
        are = "is" if done.deleted == 1 else "are"
        rest = "" if done.whole else f"; {params.limit:,} is the most of one request, and there may be more"
        return Outcome(
            summary=f"{counted(done.deleted, 'result')} {are} deleted{rest}.", facts=done.model_dump(mode="json")
        )

    def resume(self, params: CleanParams, before: Observation, target: Target, progress: Progress) -> Outcome | None:
        """Begin anew: what is deleted is not there any more, and what is meant stays the same."""
        return self.run(params, before, target, progress)

    def verify(self, params: CleanParams, before: Observation, after: Observation) -> Verdict:
        """Look whether any of them is left."""
        return verdict(_found(before), _found(after), _before(before), params.limit)

    def undo(self, params: CleanParams, before: Observation, cluster: str) -> Irreversible:  # noqa: ARG002
        """There is no copy."""
        return Irreversible(why="Deleted results are gone for good.")

    def command(self, params: CleanParams, spec: ClusterSpec) -> str:  # noqa: ARG002 - Celery has none for it
        """Celery's own task for it does nothing on Redis; what people write instead begins with KEYS."""
        which = f" task {shlex.quote(params.task)}" if params.task else ""
        return f"/celery results clean older than {params.older_than // 3600}h{which}"


def _wanted(params: CleanParams, target: Target) -> ResultsWanted:
    before = target.clock.now() - timedelta(seconds=params.older_than)
    return ResultsWanted(before=before, task=params.task, endless=params.endless)


def _found(observation: Observation) -> ResultsFound:
    return ResultsFound.model_validate(observation.facts["found"])


def _before(observation: Observation) -> datetime:
    return datetime.fromisoformat(observation.facts["before"])
