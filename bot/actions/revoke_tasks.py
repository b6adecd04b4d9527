"""Revoke tasks: what waits is taken out of its queue, what workers hold is stopped, and stays so while they restart."""

import shlex
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, StringConstraints, model_validator

from bot.domain.action import (
    BlastRadius,
    Irreversible,
    Observation,
    Outcome,
    Preview,
    Proposal,
    Risk,
    Tolerance,
    Verdict,
)
from bot.domain.approval import Policy
from bot.domain.archive import Archive, ArchiveState, ArchiveWanted, QueueMoved
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.duration import Seconds
from bot.domain.errors import BadInput, UnknownName
from bot.domain.purge_words import cramped
from bot.domain.revoke import CELERY_KEEPS_SECONDS, Chosen, Found, Left
from bot.domain.revoke_words import ended_or_unknown, notes, summary, verdict, warnings
from bot.domain.wording import counted, listed
from bot.ports import Action, Params, Progress, Target
from bot.usecases import reach
from bot.usecases.room import room_of

MOST_IDS = 1000

TaskId = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class RevokeParams(Params):
    """Tasks by `ids`; or all of a `task` name, of a `queue`, or of both. `terminate` ends those that run, by `signal`.

    Workers that start are told again for as long as `hold`, or `for`; messages can be put back for as long as `keep`.
    Times in seconds, or as `1h`.
    """

    ids: tuple[TaskId, ...] = Field(
        default=(),
        max_length=MOST_IDS,
        title="Task ids",
        description="One a line. Or choose by task and queue below.",
    )
    task: str | None = Field(
        default=None, min_length=1, max_length=300, title="Task", description="All tasks of this name."
    )
    queue: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        title="Queue",
        description="All tasks of this queue; with the above, those of them in it.",
    )
    terminate: bool = Field(default=False, title="Also end those that run", description="Without it they run on.")
    signal: Literal["TERM", "QUIT", "KILL"] = Field(
        default="TERM", title="Signal", description="How those that run are ended."
    )
    hold: Seconds = Field(
        default=CELERY_KEEPS_SECONDS,
        ge=60,
        le=7 * 24 * 3600,
        validation_alias=AliasChoices("hold", "for"),
        title="Workers that start are told for",
        description="As 3h or 1d.",
    )
    keep: Seconds = Field(
        default=24 * 3600,
        ge=3600,
        le=30 * 24 * 3600,
        title="Can be put back for",
        description="What waits in a queue, as 12h or 3d.",
    )
    reason: str = Field(default="", max_length=300, title="Why", description="For those who approve, and the audit.")

    @model_validator(mode="after")
    def _some(self) -> "RevokeParams":
        if not (self.ids or self.task or self.queue):
            raise ValueError("name `ids`, a `task` or a `queue`")
        if self.ids and self.task:
            raise ValueError("name `ids` or a `task`, one of them")
        return self

    @property
    def chosen(self) -> Chosen:
        """Return which tasks are meant."""
        return Chosen(ids=frozenset(self.ids), task=self.task, queue=self.queue, terminate=self.terminate)


class RevokeTasks(Action[RevokeParams]):
    """Keep tasks from running: out of their queue where they wait, by a revoke where workers hold them."""

    name = "revoke_tasks"
    params = RevokeParams

    def risk(self, params: RevokeParams, spec: ClusterSpec, policy: Policy) -> Risk:  # noqa: ARG002 - always
        """Destructive: what was revoked in a worker's hands does not run, and cannot be put back."""
        return Risk.DESTRUCTIVE

    def observe(self, params: RevokeParams, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """Look every task up. Celery would write a result for an id that nobody knows."""
        known = {q.name for q in target.spec.queues} | {q.name for q in snapshot.queues}
        if params.queue is not None and params.queue not in known:
            raise UnknownName("queue", params.queue, known)
        mine = target.execution_id
        archive, revoke = (target.means.archives.get(mine), target.means.revokes.get(mine)) if mine else (None, None)
        found = reach.found(params.chosen, target, snapshot, target.clock.now() + timedelta(seconds=params.hold))
        facts = {
            "found": found.model_dump(mode="json"),
            "archive": archive.model_copy(update={"ids": frozenset()}).model_dump(mode="json") if archive else None,
            "left": reach.left(revoke, target, snapshot).model_dump(mode="json") if revoke else None,
            "archive_id": mine,
            "room": room_of(target) if found.waiting else {},
        }
        return Observation(snapshot=snapshot, facts=facts)

    def preview(self, params: RevokeParams, observation: Observation, spec: ClusterSpec) -> Preview:  # noqa: ARG002
        """Say what would be stopped where, and what cannot be."""
        found = _found(observation)
        _check(params, found)
        if observation.facts["archive"] is not None or observation.facts["left"] is not None:
            raise BadInput(
                f"A revoke `{observation.facts['archive_id']}` lies in the broker already, of another installation of "
                "the bot. Ask again: the next has another number."
            )
        return Preview(
            summary=summary(params.chosen, found),
            radius=BlastRadius(queues=tuple(found.waiting), messages=found.total),
            notes=notes(params.chosen, found, params.hold, params.keep),
            warnings=(*warnings(params.chosen, found, params.signal), *cramped(observation.facts.get("room", {}))),
        )

    def touches(self, params: RevokeParams) -> str | None:
        """One queue is not revoked from and purged or restored at once."""
        return params.queue

    def run(self, params: RevokeParams, before: Observation, target: Target, progress: Progress) -> Outcome:
        """Take out of the queue what waits; then write down what workers hold; then tell them."""
        assert target.execution_id is not None  # noqa: S101 - an action is run by an execution
        found = _found(before)
        for queue, n in found.waiting.items():
            made = target.means.archives.set_aside(_wanted(params, queue, n, target), progress)
            if isinstance(made, QueueMoved):
                raise BadInput(
                    f"`{queue}` now holds {made.messages:,} messages, far more than what was shown. Nothing was done; "
                    "ask again to see it as it is."
                )
        return self._stop(params, target, progress)

    def _stop(self, params: RevokeParams, target: Target, progress: Progress) -> Outcome:
        assert target.execution_id is not None  # noqa: S101 - as above
        progress("Looking what workers hold.")
        revoke = target.means.revokes.get(target.execution_id)
        if revoke is None:
            revoke = reach.written(params.chosen, target, target.execution_id, params.hold)
        said = reach.told(revoke, target, progress, params.signal if params.terminate else None)
        return Outcome(
            summary=f"Told {counted(len(said), 'worker')} of {counted(len(revoke.everything), 'task')}.",
            replied=said,
            workers=tuple(sorted(said)),
        )

    def resume(self, params: RevokeParams, before: Observation, target: Target, progress: Progress) -> Outcome | None:  # noqa: ARG002
        """Go on: what was set aside and what is to be stopped is written down in the broker, and told again.

        Where it was not written down yet what workers hold, it is looked up again for ids alone: of a queue or a task
        name others may have come since.
        """
        assert target.execution_id is not None  # noqa: S101 - as above
        archive, revoke = target.means.archives.get(target.execution_id), target.means.revokes.get(target.execution_id)
        if archive is None and revoke is None:
            return None
        if archive is not None:
            target.means.archives.go_on(target.execution_id, progress)
        if revoke is None and not params.ids:
            return Outcome(summary="What workers hold was not revoked: the process ended before it was looked at.")
        return self._stop(params, target, progress)

    def verify(self, params: RevokeParams, before: Observation, after: Observation) -> Verdict:  # noqa: ARG002
        """Ask again where each task is, and each worker what it remembers; believe no reply."""
        said = after.facts["archive"]
        archive = Archive.model_validate(said) if said else None
        left = Left.model_validate(after.facts["left"]) if after.facts["left"] else None
        then = _found(before)
        held = archive is not None and archive.state is ArchiveState.HELD and not archive.evicted
        ok, sentence = verdict(archive, left, then, _found(after).seen)
        return Verdict(
            verified=ok and (held or not then.waiting),
            sentence=f"{sentence}{archive.loss if archive else ''}",
            missing=tuple(sorted(left.unknowing)) if left else (),
        )

    def undo(self, params: RevokeParams, before: Observation, cluster: str) -> Proposal | Irreversible:  # noqa: ARG002
        """Put back what was taken out of the queue. Celery knows no way back for what a worker was told."""
        queues, archive = tuple(_found(before).waiting), before.facts.get("archive_id")
        if not queues or not archive:
            return Irreversible(why="Workers cannot be told to run a revoked task after all; it has to be sent anew.")
        return Proposal(action="restore_archive", cluster=cluster, params={"archive": archive, "queue": queues[0]})

    def command(self, params: RevokeParams, spec: ClusterSpec) -> str:
        """Celery's own knows ids alone, and lets go of them when all workers restart."""
        if not params.ids:
            how = f"task {params.task}" if params.task else f"queue {params.queue}"
            return f"/celery revoke {how}{' terminate' if params.terminate else ''}"
        ids = " ".join(map(shlex.quote, params.ids[:10]))
        if params.terminate:
            return f"celery -A {spec.app} control -d <worker@host> terminate {params.signal} {ids}"
        return f"celery -A {spec.app} control revoke {ids}"


def _found(observation: Observation) -> Found:
    return Found.model_validate(observation.facts["found"])


def _wanted(params: RevokeParams, queue: str, n: int, target: Target) -> ArchiveWanted:
    assert target.execution_id is not None  # noqa: S101 - an action is run by an execution
    at, tolerance = target.clock.now(), Tolerance()
    whole = max(round(n * tolerance.messages_factor), n + tolerance.messages_slack)
    return ArchiveWanted(
        id=target.execution_id,
        queue=queue,
        made_at=at,
        ends_at=at + timedelta(seconds=params.keep),
        most=10**9 if params.ids or params.task else whole,
        task=params.task,
        ids=frozenset(params.ids),
    )


def _check(params: RevokeParams, found: Found) -> None:
    """Refuse what would stop nothing, and what one undo could not put back."""
    if len(found.waiting) > 1:
        where = listed([f"`{q}`" for q in found.waiting])
        raise BadInput(
            f"They wait in {where}, and a revoke takes messages out of one queue at a time. Name the queue: "
            f"`/celery revoke {f'task {params.task}' if params.task else '<id>'} queue {next(iter(found.waiting))}`."
        )
    if found.in_reach > reach.MOST_IN_HAND:
        raise BadInput(reach.too_many(found.in_reach))
    if not found.total:
        raise BadInput(ended_or_unknown(params.chosen, found))
