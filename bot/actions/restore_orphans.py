"""Restore orphans: messages that a killed worker took go back to their queues."""

from datetime import timedelta
from typing import Any

from pydantic import Field

from bot.domain.action import BlastRadius, Irreversible, Observation, Outcome, Preview, Proposal, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.broker import UnacknowledgedMessages
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.duration import Seconds
from bot.domain.errors import ClusterUnreachable, UnknownName
from bot.domain.live import Presence
from bot.domain.orphan_words import check, notes, summary, warnings
from bot.domain.orphans import Chosen, Seen, choose, seen, taken, why_not
from bot.domain.wording import counted
from bot.ports import Action, Params, Progress, Target

UNDONE_AT_MOST = 1000
"""Ids that an undo names: as many as one revoke takes."""

WATCHED = timedelta(seconds=10)
"""Who has listened to heartbeats for so long has heard every worker that sends some, and need not listen anew."""


class RestoreParams(Params):
    """Messages of `queue`, or of all queues, that a worker took longer than `older_than` ago; at most `limit`.

    Those taken first go back. Times in seconds, or as `1h`.
    """

    queue: str | None = Field(
        default=None, min_length=1, max_length=200, title="Only of this queue", description="All queues if empty."
    )
    older_than: Seconds = Field(
        default=60, ge=30, le=30 * 24 * 3600, title="Taken longer ago than", description="As 5m or 1h."
    )
    limit: int = Field(default=1000, ge=1, le=5000, title="At most", description="Those taken first go back first.")
    reason: str = Field(default="", max_length=300, title="Why", description="For those who approve, and the audit.")


class RestoreOrphans(Action[RestoreParams]):
    """Put back what a killed worker took and nobody works on; refused while a worker may still hold it."""

    name = "restore_orphans"
    params = RestoreParams

    def risk(self, params: RestoreParams, spec: ClusterSpec, policy: Policy) -> Risk:  # noqa: ARG002 - always
        """High: a task that did half its work before its worker was killed does that half again."""
        return Risk.HIGH

    def observe(self, params: RestoreParams, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """Look for messages that nobody holds, and for anybody who may hold them and does not say so."""
        known = {q.name for q in target.spec.queues} | {q.name for q in snapshot.queues}
        if params.queue is not None and params.queue not in known:
            raise UnknownName("queue", params.queue, known)
        found, why = _look(target)
        chosen = choose(found, params.queue, params.older_than, params.limit)
        facts: dict[str, Any] = {
            "seen": seen(found, why).model_dump(mode="json"),
            "chosen": chosen.model_dump(mode="json"),
            "unacknowledged": [taken(m) for m in found.messages],
        }
        return Observation(snapshot=snapshot, facts=facts)

    def preview(self, params: RestoreParams, observation: Observation, spec: ClusterSpec) -> Preview:  # noqa: ARG002
        """Say what would go back where, and what happens without us."""
        found, chosen = Seen.model_validate(observation.facts["seen"]), _chosen(observation)
        check(found, chosen, params.queue)
        return Preview(
            summary=summary(chosen),
            radius=BlastRadius(queues=chosen.queues, messages=len(chosen.messages)),
            notes=notes(found, chosen),
            warnings=warnings(found, chosen),
        )

    def touches(self, params: RestoreParams) -> str | None:
        """One queue is not restored to and purged at once."""
        return params.queue

    def run(self, params: RestoreParams, before: Observation, target: Target, progress: Progress) -> Outcome:  # noqa: ARG002
        """Put each back in one step, if it is still as it was seen."""
        return _put_back(_chosen(before), target, progress)

    def resume(self, params: RestoreParams, before: Observation, target: Target, progress: Progress) -> Outcome | None:
        """Go on: what was put back is not there any more. Who holds what is looked at anew, as for the first time."""
        progress("Looking whether a worker holds what is left.")
        found, why = _look(target)
        mine = {taken(m) for m in _chosen(before).messages}
        now = choose(found, params.queue, params.older_than, params.limit)
        left = Chosen(messages=tuple(m for m in now.messages if taken(m) in mine))
        if why is not None and any(taken(m) in mine for m in found.messages):
            check(seen(found, why), left, params.queue)
        return _put_back(left, target, progress)

    def verify(self, params: RestoreParams, before: Observation, after: Observation) -> Verdict:  # noqa: ARG002
        """Look whether any of them is unacknowledged by the lost worker still; taken again since, it is another's."""
        asked, still = _chosen(before).messages, set(after.facts["unacknowledged"])
        left = [m for m in asked if taken(m) in still]
        n = len(asked)
        if not left:
            words = "is back in its queue, or was taken from there" if n == 1 else "are back, or were taken from there"
            return Verdict(verified=True, sentence=f"{counted(n, 'message')} {words} by a worker since.")
        return Verdict(
            verified=False, sentence=f"{len(left):,} of {counted(n, 'message')} are still as the lost worker left them."
        )

    def undo(self, params: RestoreParams, before: Observation, cluster: str) -> Proposal | Irreversible:  # noqa: ARG002
        """Take those that wait out of their queue, and set them aside."""
        chosen = _chosen(before)
        ids = [m.task_id for m in chosen.messages if m.task_id is not None]
        if len(ids) > UNDONE_AT_MOST or len(chosen.queues) != 1:
            return Irreversible(
                why="They lie among the other messages of their queues now. `/celery revoke task <name> queue <queue>` "
                "sets aside those that wait."
            )
        return Proposal(action="revoke_tasks", cluster=cluster, params={"ids": ids, "queue": chosen.queues[0]})

    def command(self, params: RestoreParams, spec: ClusterSpec) -> str:  # noqa: ARG002 - Celery has no command for it
        """There is no command of Celery's for it: it waits for the visibility timeout."""
        return f"/celery orphans restore {params.queue or 'all'}"


def _look(target: Target) -> tuple[UnacknowledgedMessages, str | None]:
    """Return what is unacknowledged, and why somebody unheard may hold it."""
    alive, deaf = _alive(target)
    found = target.diagnostics.unacknowledged().heard(alive)
    workers = (*target.live.workers(target.clock.now()), *(w for w in target.gone if w.name not in alive))
    return found, deaf or why_not(found, workers, target.means.orphans.uptime(), target.clock.now())


def _alive(target: Target) -> tuple[frozenset[str], str | None]:
    """Return the workers that are heard, some of which may take no commands; and why they cannot be heard."""
    now, feed = target.clock.now(), target.live.feed()
    known = frozenset(w.name for w in target.live.workers(now) if w.presence is Presence.ONLINE)
    if feed.connected and feed.since is not None and now - feed.since >= WATCHED:
        return known, None
    try:
        return known | target.means.orphans.heard(), None
    except ClusterUnreachable as error:
        return known, f"workers' heartbeats cannot be heard ({error.why})"


def _put_back(chosen: Chosen, target: Target, progress: Progress) -> Outcome:
    done = target.means.orphans.put_back(chosen.messages, progress)
    gone = f"; {done.gone:,} had been acknowledged or delivered again meanwhile" if done.gone else ""
    are = "is" if done.restored == 1 else "are"
    return Outcome(
        summary=f"{counted(done.restored, 'message')} {are} put back{gone}.", facts=done.model_dump(mode="json")
    )


def _chosen(observation: Observation) -> Chosen:
    return Chosen.model_validate(observation.facts["chosen"])
