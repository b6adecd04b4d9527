"""Let go for good of what a purge set aside."""

from bot.actions.restore_archive import RestoreParams
from bot.domain.action import BlastRadius, Irreversible, Observation, Outcome, Preview, Proposal, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.archive import Archive, ArchiveState
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.errors import BadInput, UnknownName
from bot.domain.wording import counted
from bot.ports import Action, Progress, Target


class DropArchive(Action[RestoreParams]):
    """Delete the messages of an archive for good."""

    name = "drop_archive"
    params = RestoreParams

    def risk(self, params: RestoreParams, spec: ClusterSpec, policy: Policy) -> Risk:  # noqa: ARG002 - always
        """Destructive: nothing brings them back."""
        return Risk.DESTRUCTIVE

    def observe(self, params: RestoreParams, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """Look for the archive; one that nobody knows is refused with those there are."""
        archive = target.means.archives.get(params.archive)
        if archive is None:
            raise UnknownName("archive", params.archive, [a.id for a in target.means.archives.all()])
        return Observation(snapshot=snapshot, facts={"archive": archive.model_dump(mode="json")})

    def preview(self, params: RestoreParams, observation: Observation, spec: ClusterSpec) -> Preview:  # noqa: ARG002
        """Say what would be gone."""
        archive = Archive.model_validate(observation.facts["archive"])
        if archive.state is not ArchiveState.HELD:
            raise BadInput(f"Archive `{archive.id}` of {archive.queue} is {archive.state.value}: it cannot be dropped.")
        task = f" of {archive.task}" if archive.task else ""
        return Preview(
            summary=f"{counted(archive.messages, 'message')}{task} of {archive.queue} that {archive.id} set aside "
            "would be deleted for good.",
            radius=BlastRadius(queues=(archive.queue,), messages=archive.messages),
            notes=("Redis gets their memory back.",),
        )

    def touches(self, params: RestoreParams) -> str | None:
        """An archive is not dropped and restored at once."""
        return params.queue or None

    def run(self, params: RestoreParams, before: Observation, target: Target, progress: Progress) -> Outcome:  # noqa: ARG002
        """Unlink its lists."""
        progress("Dropping the archive.")
        return Outcome(summary=_said(target.means.archives.drop(params.archive)))

    def resume(self, params: RestoreParams, before: Observation, target: Target, progress: Progress) -> Outcome | None:
        """Drop it, if it is not dropped: deleting twice is deleting once."""
        return self.run(params, before, target, progress)

    def verify(self, params: RestoreParams, before: Observation, after: Observation) -> Verdict:  # noqa: ARG002
        """Believe the archive's own state, which changes in the same step."""
        archive = Archive.model_validate(after.facts["archive"])
        return Verdict(verified=archive.state is ArchiveState.DROPPED, sentence=_said(archive))

    def undo(self, params: RestoreParams, before: Observation, cluster: str) -> Proposal | Irreversible:  # noqa: ARG002
        """Nothing brings them back."""
        return Irreversible(why="Its messages are deleted.")

    def command(self, params: RestoreParams, spec: ClusterSpec) -> str:  # noqa: ARG002 - Celery knows no archives
        """There is no command of Celery's for it."""
        return f"/celery drop {params.archive}"


def _said(archive: Archive) -> str:
    if archive.state is ArchiveState.DROPPED:
        are = "is" if archive.messages == 1 else "are"
        return f"{counted(archive.messages, 'message')} of {archive.queue} {are} gone."
    return f"Archive {archive.id} of {archive.queue} is {archive.state.value}."
