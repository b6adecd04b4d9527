"""Requeue failed tasks: each is sent again once, under a new id, and the first ones show whether it makes sense."""

import shlex
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, StringConstraints, model_validator

from bot.domain.action import BlastRadius, Irreversible, Observation, Outcome, Preview, Proposal, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.duration import Seconds
from bot.domain.errors import UnknownName
from bot.domain.requeue import (
    FIRST_BATCH,
    PATIENCE_SECONDS,
    REMEMBERED,
    Became,
    FailedFound,
    FailedWanted,
    Requeue,
    RequeueState,
    Selected,
    new_id,
    select,
)
from bot.domain.requeue_words import check, notes, outcome, summary, verdict, warnings
from bot.ports import ELSEWHERE, Action, Params, Progress, Target

MOST = 10_000
UNDONE_AT_MOST = 1000
"""New ids that an undo names: as many as one revoke takes."""

TaskId = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class RequeueParams(Params):
    """Failed tasks by `ids`; or of a `task` name, of an `exception` class, or both, that failed in the last `since`.

    They go into the queue that each had, or into `queue`. Members of groups, chords and chains are sent when `force` is
    set; at most `limit` are, those that failed first. Times in seconds, or as `1h`.
    """

    ids: tuple[TaskId, ...] = Field(
        default=(),
        max_length=1000,
        title="Task ids",
        description="One a line. Or choose by task and exception below.",
    )
    task: str | None = Field(
        default=None, min_length=1, max_length=300, title="Task", description="All that failed of this name."
    )
    exception: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        title="Exception",
        description="All that failed with this class, such as TimeoutError.",
    )
    since: Seconds = Field(
        default=3600,
        ge=60,
        le=int(REMEMBERED.total_seconds()),
        title="Failed in the last",
        description="As 1h or 2d.",
    )
    queue: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        title="Into this queue",
        json_schema_extra=ELSEWHERE,
        description="Each goes into its own if empty.",
    )
    force: bool = Field(
        default=False,
        title="Also members of groups, chords and chains",
        description="What waited for them was told of the failure already.",
    )
    limit: int = Field(default=1000, ge=1, le=MOST, title="At most", description="Those that failed first go first.")
    reason: str = Field(default="", max_length=300, title="Why", description="For those who approve, and the audit.")

    @model_validator(mode="after")
    def _some(self) -> "RequeueParams":
        if not (self.ids or self.task or self.exception):
            raise ValueError("name `ids`, a `task` or an `exception`")
        if self.ids and (self.task or self.exception):
            raise ValueError("name `ids`, or a `task` and an `exception`, not both")
        return self


class RequeueFailed(Action[RequeueParams]):
    """Send failed tasks again, each once."""

    name = "requeue_failed"
    params = RequeueParams

    def risk(self, params: RequeueParams, spec: ClusterSpec, policy: Policy) -> Risk:  # noqa: ARG002 - always
        """High: a task that did half its work before it failed does that half again."""
        return Risk.HIGH

    def observe(self, params: RequeueParams, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """Look for what failed, and for what this execution has sent. A queue that nobody knows is refused."""
        known = {q.name for q in target.spec.queues} | {q.name for q in snapshot.queues}
        if params.queue is not None and params.queue not in known:
            raise UnknownName("queue", params.queue, known)
        found, selected = _look(params, target)
        requeue = target.means.requeues.get(target.execution_id) if target.execution_id else None
        chosen = [f.id for f in selected.sent]
        facts: dict[str, Any] = {
            "found": found.model_copy(update={"failed": selected.sent[:UNDONE_AT_MOST]}).model_dump(mode="json"),
            "left_out": selected.left_out,
            "n": len(chosen),
            "queues": sorted({params.queue or f.queue or "" for f in selected.sent}),
            "execution": target.execution_id,
            "requeue": requeue.model_dump(mode="json") if requeue else None,
            "became": target.means.requeues.became(requeue.first).model_dump() if requeue else None,
        }
        return Observation(snapshot=snapshot, facts=facts)

    def preview(self, params: RequeueParams, observation: Observation, spec: ClusterSpec) -> Preview:  # noqa: ARG002
        """Say what would be sent again, what would not, and what a requeue cannot know."""
        facts = observation.facts
        found = FailedFound.model_validate(facts["found"])
        left_out = [(why, n) for why, n in facts["left_out"]]
        check(params.ids, params.task, params.exception, params.since, facts["n"], found, left_out)
        return Preview(
            summary=summary(facts["n"], facts["queues"]),
            radius=BlastRadius(queues=tuple(facts["queues"]), messages=facts["n"]),
            notes=notes(facts["n"], found, left_out),
            warnings=warnings(found, forced=params.force),
        )

    def run(self, params: RequeueParams, before: Observation, target: Target, progress: Progress) -> Outcome:  # noqa: ARG002
        """Write down what is to be sent, send the first ones, wait for what becomes of them, then send the others."""
        assert target.execution_id is not None  # noqa: S101 - an action is run by an execution
        requeues, mine = target.means.requeues, target.execution_id
        made = requeues.get(mine)
        if made is None:
            made = requeues.prepare(mine, _look(params, target)[1].sent, params.queue, progress)
        if not made.tried and made.total > FIRST_BATCH:
            made = requeues.send(mine, progress, lambda r: r.sent + r.doubled >= FIRST_BATCH)
            if made.state is RequeueState.SENDING:
                if _watched(made, target, progress).fail_again:
                    progress("The first ones failed again: the others stay where they are.")
                    return outcome(requeues.stop(mine))
                requeues.mark_tried(mine)
        return outcome(requeues.send(mine, progress, lambda _: False))

    def resume(self, params: RequeueParams, before: Observation, target: Target, progress: Progress) -> Outcome | None:
        """Go on: what is to be sent lies in the broker, and leaves it in the step that sends it."""
        return self.run(params, before, target, progress)

    def verify(self, params: RequeueParams, before: Observation, after: Observation) -> Verdict:  # noqa: ARG002
        """Believe what the broker holds of the requeue: it changes in the step that sends."""
        if after.facts["requeue"] is None:
            return Verdict(verified=False, sentence="Nothing was sent again.")
        return verdict(Requeue.model_validate(after.facts["requeue"]), Became.model_validate(after.facts["became"]))

    def undo(self, params: RequeueParams, before: Observation, cluster: str) -> Proposal | Irreversible:  # noqa: ARG002
        """Revoke the new tasks that have not run."""
        n, execution = before.facts["n"], before.facts["execution"]
        if n > UNDONE_AT_MOST or execution is None:
            return Irreversible(
                why=f"More than {UNDONE_AT_MOST:,} tasks were sent. Revoke those that wait by their task's name."
            )
        found = FailedFound.model_validate(before.facts["found"])
        ids = [new_id(execution, cluster, f.id) for f in found.failed]
        return Proposal(action="revoke_tasks", cluster=cluster, params={"ids": ids})

    def command(self, params: RequeueParams, spec: ClusterSpec) -> str:  # noqa: ARG002 - Celery has no command for it
        """There is no command of Celery's for it: people write a script, and it sends twice what is run twice."""
        which = " ".join(params.ids[:3]) if params.ids else f"task {shlex.quote(params.task or '')}"
        return f"/celery requeue {which}"


def _look(params: RequeueParams, target: Target) -> tuple[FailedFound, Selected]:
    """Return what was found, and what of it would be sent."""
    now = target.clock.now()
    since = REMEMBERED if params.ids else timedelta(seconds=params.since)
    wanted = FailedWanted(ids=frozenset(params.ids), task=params.task, exception=params.exception, since=now - since)
    found = target.means.requeues.find(wanted)
    return found, select(found, queue=params.queue, force=params.force, most=params.limit)


def _watched(made: Requeue, target: Target, progress: Progress) -> Became:
    """Wait until it is known what became of the first ones, for so long as patience lasts."""
    became = Became(unknown=len(made.first))
    for _ in range(PATIENCE_SECONDS):
        became = target.means.requeues.became(made.first)
        if not became.unknown or became.failed > len(made.first) / 2:
            break
        progress(f"{made.sent:,} are sent; waiting for what becomes of them ({became.succeeded:,} ended well).")
        target.wait(1.0)
    return became
