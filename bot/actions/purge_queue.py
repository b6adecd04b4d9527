"""Purge a queue: its waiting messages are set aside, to be put back or let go later."""

from datetime import timedelta

from pydantic import Field

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
from bot.domain.archive import Archive, ArchiveState, ArchiveWanted, Census, QueueMoved
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.duration import Seconds, lasting
from bot.domain.errors import BadInput, OncallError, UnknownName
from bot.domain.periodic import Refills
from bot.domain.purge_words import cramped, notes, stands_still, unreached, warnings
from bot.domain.wording import counted
from bot.ports import Action, Params, Progress, Target
from bot.usecases.room import room_of


class PurgeParams(Params):
    """All that waits in `queue`; or only messages of `task`, or only those published longer than `older_than` ago.

    They can be put back for as long as `keep`; then they are dropped for good, after a warning. Times in seconds, or
    as `1h`.
    """

    queue: str = Field(min_length=1, max_length=200, title="Queue")
    task: str | None = Field(
        default=None, max_length=300, title="Only of this task", description="Its whole name; all tasks if empty."
    )
    older_than: Seconds | None = Field(
        default=None, ge=1, title="Only older than", description="Published longer ago than this, as 1h. All if empty."
    )
    keep: Seconds = Field(
        default=24 * 3600,
        ge=3600,
        le=30 * 24 * 3600,
        title="Can be put back for",
        description="As 12h or 3d; then they are dropped for good.",
    )
    reason: str = Field(default="", max_length=300, title="Why", description="For those who approve, and the audit.")

    @property
    def whole(self) -> bool:
        """Return whether all of the queue is meant."""
        return self.task is None and self.older_than is None


class PurgeQueue(Action[PurgeParams]):
    """Set aside the messages that wait in a queue; they can be put back."""

    name = "purge_queue"
    params = PurgeParams

    def risk(self, params: PurgeParams, spec: ClusterSpec, policy: Policy) -> Risk:  # noqa: ARG002 - always
        """Destructive: until it is undone, people's tasks do not run."""
        return Risk.DESTRUCTIVE

    def observe(self, params: PurgeParams, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """Count what waits by task name. A name that nobody knows is refused: Celery's purge says "none purged"."""
        known = {q.name for q in target.spec.queues} | {q.name for q in snapshot.queues}
        if params.queue not in known:
            raise UnknownName("queue", params.queue, known)
        census = target.means.archives.census(params.queue)
        made = target.means.archives.get(target.execution_id) if target.execution_id else None
        facts = {
            "census": census.model_dump(mode="json"),
            "archive": made.model_dump(mode="json") if made else None,
            "archive_id": target.execution_id,
            "room": room_of(target),
        }
        if target.execution_id is None:  # for people, before they consent
            facts["refills"] = _refills(params.queue, target, snapshot).model_dump(mode="json")
        return Observation(snapshot=snapshot, facts=facts)

    def preview(self, params: PurgeParams, observation: Observation, spec: ClusterSpec) -> Preview:  # noqa: ARG002
        """Say what would be set aside, by task name, and what a purge does not reach."""
        census = Census.model_validate(observation.facts["census"])
        _check(params, census, observation.snapshot)
        if observation.facts["archive"] is not None:  # this execution has not run: ids begin anew with each database
            raise BadInput(
                f"Archive `{observation.facts['archive_id']}` lies in the broker already, set aside by another "
                "installation of the bot. Ask again: the next purge has another number."
            )
        refills = Refills.model_validate(observation.facts.get("refills", {}))
        chosen = _chosen(params, census)
        about = _about(params, census)
        among = f", of {census.messages:,} in {params.queue}," if params.task else f" in {params.queue}"
        which = f" of {params.task}" if params.task else ""
        old = f" older than {lasting(params.older_than)}" if params.older_than else ""
        return Preview(
            summary=f"{about}{counted(chosen, 'message')}{which}{old}{among} would be set aside, not deleted: "
            f"they can be put back for {lasting(params.keep)}.",
            radius=BlastRadius(queues=(params.queue,), messages=chosen),
            notes=(
                *notes(params.queue, observation.snapshot, census, refills, observation.snapshot.taken_at),
                *(() if params.whole else stands_still(census.messages)),
            ),
            warnings=(*warnings(census, params.task), *cramped(observation.facts.get("room", {}))),
        )

    def touches(self, params: PurgeParams) -> str:
        """One queue is not purged and restored at once."""
        return params.queue

    def run(self, params: PurgeParams, before: Observation, target: Target, progress: Progress) -> Outcome:
        """Set them aside under the execution's own id, so that whoever looks later finds what this one did."""
        assert target.execution_id is not None  # noqa: S101 - an action is run by an execution
        census, at = Census.model_validate(before.facts["census"]), target.clock.now()
        wanted = ArchiveWanted(
            id=target.execution_id,
            queue=params.queue,
            made_at=at,
            ends_at=at + timedelta(seconds=params.keep),
            most=_most(census.messages),
            task=params.task,
            before=at - timedelta(seconds=params.older_than) if params.older_than else None,
        )
        made = target.means.archives.set_aside(wanted, progress)
        return _outcome(params, made)

    def resume(self, params: PurgeParams, before: Observation, target: Target, progress: Progress) -> Outcome | None:  # noqa: ARG002
        """Go on with an archive that was begun: each of its steps is written down in the broker as it happens."""
        assert target.execution_id is not None  # noqa: S101 - as above
        if target.means.archives.get(target.execution_id) is None:
            return None
        return _outcome(params, target.means.archives.go_on(target.execution_id, progress))

    def verify(self, params: PurgeParams, before: Observation, after: Observation) -> Verdict:
        """Look for the archive in the broker."""
        if after.facts["archive"] is None:
            then = Census.model_validate(before.facts["census"]).messages
            now = Census.model_validate(after.facts["census"]).messages
            return Verdict(
                verified=False, sentence=f"Nothing was set aside. {params.queue} held {then:,} and holds {now:,} now."
            )
        archive = Archive.model_validate(after.facts["archive"])
        stayed = f", {archive.kept:,} stayed" if not params.whole else ""
        aside = f"{counted(archive.messages, 'message')} of {params.queue} {_are(archive.messages)} set aside"
        return Verdict(
            verified=archive.state is ArchiveState.HELD and not archive.evicted,
            sentence=f"{aside}{stayed}.{archive.loss}",
        )

    def undo(self, params: PurgeParams, before: Observation, cluster: str) -> Proposal | Irreversible:
        """Put them back."""
        archive = before.facts.get("archive_id")
        if not archive:
            return Irreversible(why="No archive was made.")
        return Proposal(action="restore_archive", cluster=cluster, params={"archive": archive, "queue": params.queue})

    def command(self, params: PurgeParams, spec: ClusterSpec) -> str:  # noqa: ARG002 - its own would not do the same
        """There is no command of Celery's that does this: its purge cannot be undone."""
        return f"/celery purge {params.queue}"


def _check(params: PurgeParams, census: Census, snapshot: ClusterSnapshot) -> None:
    """Refuse what would surely touch nothing."""
    if not census.messages:
        rest = " ".join(unreached(params.queue, snapshot))
        raise BadInput(f"Nothing waits in `{params.queue}`: there is nothing to set aside. {rest}".rstrip())
    if params.task is not None and params.task not in census.by_task and census.looked_at == census.messages:
        raise UnknownName("task", params.task, census.by_task, f"in {params.queue}")
    if params.older_than is not None and census.messages and not census.stamped:
        raise BadInput(
            f"No message of `{params.queue}` that was looked at says when it was published, so their age is not "
            "known. Purge by task name, or let publishers stamp their messages (docs/install.md)."
        )


def _chosen(params: PurgeParams, census: Census) -> int:
    """Return how many messages it would touch: scaled up from those that were looked at, where not all were."""
    if params.task is None:
        return census.messages
    seen = census.by_task.get(params.task, 0)
    return round(seen * census.messages / census.looked_at) if census.looked_at else 0


def _about(params: PurgeParams, census: Census) -> str:
    """Return what stands before that number: age is looked at when it is done, and names in part of a long queue."""
    if params.older_than is not None:
        return "up to " if census.looked_at == census.messages or params.task is None else "at most about "
    return "about " if params.task is not None and census.looked_at < census.messages else ""


def _most(messages: int) -> int:
    """Return how many messages may be set aside at most, when so many were counted just before."""
    tolerance = Tolerance()
    return max(round(messages * tolerance.messages_factor), messages + tolerance.messages_slack)


def _refills(queue: str, target: Target, snapshot: ClusterSnapshot) -> Refills:
    """Return what beat sends into the queue; nothing where nobody says: a purge is not refused for it."""
    try:
        return target.means.schedules.into(queue, [w.name for w in snapshot.workers if w.answered])
    except OncallError:
        return Refills()


def _outcome(params: PurgeParams, made: Archive | QueueMoved) -> Outcome:
    if isinstance(made, QueueMoved):
        raise BadInput(
            f"`{params.queue}` now holds {made.messages:,} messages, far more than what was shown. Nothing was done; "
            "ask again to see it as it is."
        )
    return Outcome(
        summary=f"{counted(made.messages, 'message')} of {params.queue} {_are(made.messages)} set aside.",
        facts={"archive": made.id, "messages": made.messages},
    )


def _are(n: int) -> str:
    return "is" if n == 1 else "are"
