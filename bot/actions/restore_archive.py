"""Put back what a purge set aside."""

from pydantic import Field

from bot.domain.action import BlastRadius, Irreversible, Observation, Outcome, Preview, Proposal, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.archive import Archive, ArchiveState
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.errors import BadInput, UnknownName
from bot.domain.wording import counted, verb
from bot.ports import UNDO_ONLY, Action, Params, Progress, Target


class RestoreParams(Params):
    """The archive's id, which is the id of the execution that made it ("exe-12"), and the queue it came from."""

    archive: str = Field(
        min_length=1,
        max_length=64,
        title="Archive",
        description="Its name, such as exe-12: /celery archives lists them.",
    )
    queue: str = Field(default="", max_length=200, title="Queue", json_schema_extra=UNDO_ONLY)


class RestoreArchive(Action[RestoreParams]):
    """Put the messages of an archive back into their queue, each once."""

    name = "restore_archive"
    params = RestoreParams

    def risk(self, params: RestoreParams, spec: ClusterSpec, policy: Policy) -> Risk:  # noqa: ARG002 - always
        """Low: undoing a purge must never be harder than waiting."""
        return Risk.LOW

    def observe(self, params: RestoreParams, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """Look for the archive; one that nobody knows is refused with those there are."""
        archive = target.means.archives.get(params.archive)
        if archive is None:
            raise UnknownName("archive", params.archive, [a.id for a in target.means.archives.all()])
        return Observation(snapshot=snapshot, facts={"archive": archive.model_dump(mode="json")})

    def preview(self, params: RestoreParams, observation: Observation, spec: ClusterSpec) -> Preview:  # noqa: ARG002
        """Say how many would come back, and behind what."""
        archive = Archive.model_validate(observation.facts["archive"])
        if archive.state is ArchiveState.RESTORED:
            raise BadInput(f"Archive `{archive.id}` of {archive.queue} was put back already.")
        if archive.state is ArchiveState.DROPPED:
            raise BadInput(
                f"Archive `{archive.id}` of {archive.queue} was dropped for good: there is nothing to put back."
            )
        queue = observation.snapshot.queue(archive.queue)
        waiting = (queue.depth if queue else None) or 0
        lost = (f"Redis evicted {counted(archive.evicted, 'message')} of it: those are lost.",)
        return Preview(
            summary=f"{counted(archive.messages - archive.evicted, 'message')} would be put back into {archive.queue}, "
            "before what came since.",
            radius=BlastRadius(queues=(archive.queue,), messages=archive.messages),
            notes=(f"{waiting:,} {verb(waiting, 'wait')} there now.",) if waiting else (),
            warnings=lost if archive.evicted else (),
        )

    def touches(self, params: RestoreParams) -> str | None:
        """One queue is not purged and restored at once."""
        return params.queue or None

    def run(self, params: RestoreParams, before: Observation, target: Target, progress: Progress) -> Outcome:  # noqa: ARG002
        """Put them back step by step."""
        archive = target.means.archives.put_back(params.archive, progress)
        return Outcome(summary=_said(archive), facts={"archive": archive.id, "messages": archive.messages})

    def resume(self, params: RestoreParams, before: Observation, target: Target, progress: Progress) -> Outcome | None:
        """Go on: each step is written down in the broker as it happens, and harmless when repeated."""
        return self.run(params, before, target, progress)

    def verify(self, params: RestoreParams, before: Observation, after: Observation) -> Verdict:  # noqa: ARG002
        """Believe the archive's own state, which changes in the same step as the messages."""
        archive = Archive.model_validate(after.facts["archive"])
        return Verdict(verified=archive.state is ArchiveState.RESTORED, sentence=_said(archive))

    def undo(self, params: RestoreParams, before: Observation, cluster: str) -> Proposal | Irreversible:  # noqa: ARG002
        """Purging again is another decision: some of them may run by then."""
        return Irreversible(why="Workers take them at once. Purge the queue again to set aside what still waits.")

    def command(self, params: RestoreParams, spec: ClusterSpec) -> str:  # noqa: ARG002 - Celery knows no archives
        """There is no command of Celery's for it."""
        return f"/celery restore {params.archive}"


def _said(archive: Archive) -> str:
    messages = counted(archive.messages, "message")
    if archive.state is ArchiveState.RESTORED:
        return f"{messages} {'is' if archive.messages == 1 else 'are'} back in {archive.queue}."
    return f"Archive {archive.id} of {archive.queue} is {archive.state.value}, with {messages}."
