"""Resume a paused queue: give it back to the workers that consumed it, and to no others."""

import shlex

from pydantic import Field

from bot.domain.action import BlastRadius, Irreversible, Observation, Outcome, Preview, Proposal, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.cluster import ClusterSnapshot, ClusterSpec, group_lists
from bot.domain.errors import BadInput, EffectUncertain
from bot.domain.mitigation import PAUSE, gets_back
from bot.domain.wording import counted, listed, verb
from bot.ports import Action, Params, Progress, Target

CONFIRM_SECONDS = 8.0


class ResumeParams(Params):
    """The paused queue."""

    queue: str = Field(min_length=1, max_length=200, title="Queue")


class ResumeQueue(Action[ResumeParams]):
    """Give a paused queue back to the workers that consumed it."""

    name = "resume_queue"
    params = ResumeParams

    def risk(self, params: ResumeParams, spec: ClusterSpec, policy: Policy) -> Risk:  # noqa: ARG002
        """Always low: ending a pause early must never be harder than waiting for its end."""
        return Risk.LOW

    def observe(self, params: ResumeParams, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """Work out who gets the queue back: the recorded that are up, and new ones whose group or plugin says so."""
        pause = target.pause_of(params.queue)
        up = {w.name for w in snapshot.workers}
        wanted = {w.name for w in snapshot.workers if w.leaves_out(params.queue)}
        if pause:
            wanted |= {w for w in up if gets_back(target.spec, pause, w)}
        else:
            wanted |= {w for w in up if group_lists(target.spec, w, params.queue)}
        consumers = {w.name for w in snapshot.consumers(params.queue)}
        if pause is None and not wanted and not consumers:
            raise BadInput(
                f"`{params.queue}` is not paused by the bot on `{target.spec.name}`, and no running worker's group "
                "lists it, so it is not known who should consume it. Start a worker for it, or add the queue to "
                "`worker_groups`."
            )
        if pause is None and wanted <= consumers:
            raise BadInput(
                f"`{params.queue}` is not paused on `{target.spec.name}`, and {counted(len(consumers), 'worker')} "
                f"{verb(len(consumers), 'consume')} it. There is nothing to resume."
            )
        return Observation(snapshot=snapshot, recorded=tuple(sorted(wanted)))

    def preview(self, params: ResumeParams, observation: Observation, spec: ClusterSpec) -> Preview:  # noqa: ARG002
        """Say who gets the queue back and how much waits."""
        queue = observation.snapshot.queue(params.queue)
        waiting = queue.depth if queue else None
        who = observation.recorded
        backlog = f"; {waiting:,} waiting will run" if waiting else ""
        none_up = "None of the workers that consumed it is running; the next ones that start will consume it."
        return Preview(
            summary=f"{counted(len(who), 'worker')} will consume {params.queue} again{backlog}.",
            radius=BlastRadius(queues=(params.queue,), workers=who, messages=waiting),
            warnings=() if who else (none_up,),
        )

    def ends(self, params: ResumeParams) -> tuple[str, str]:
        """It ends the pause of its queue."""
        return PAUSE, params.queue

    def touches(self, params: ResumeParams) -> str:
        """One queue is not paused and resumed at once."""
        return params.queue

    def run(self, params: ResumeParams, before: Observation, target: Target, progress: Progress) -> Outcome:
        """Add the consumer on the recorded workers alone, again until each says it consumes the queue."""
        replied: dict[str, str] = {}
        missing = set(before.recorded) - {w.name for w in before.snapshot.consumers(params.queue)}
        for _ in range(int(CONFIRM_SECONDS / 0.5)):
            if not missing:
                break
            progress(f"Giving {params.queue} back to {counted(len(missing), 'worker')}")
            try:
                replied |= target.control.add_consumer(params.queue, sorted(missing))
            except EffectUncertain as e:
                replied |= dict.fromkeys(missing, e.why)
            now = target.control.consumers()
            missing = {w for w in missing if w in now and params.queue not in (now[w] or ())}
            if missing:
                target.wait(0.5)
        return Outcome(summary=f"Asked {len(before.recorded)}", replied=replied, workers=before.recorded)

    def verify(self, params: ResumeParams, before: Observation, after: Observation) -> Verdict:
        """At least one consumer, and every worker that was to get the queue back and is still up."""
        now = {w.name for w in after.snapshot.consumers(params.queue)}
        up = {w.name for w in after.snapshot.workers}
        wanted = set(before.recorded) & up
        missing = wanted - now
        queue = after.snapshot.queue(params.queue)
        return Verdict(
            verified=bool(now) and not missing,
            sentence=_outcome(params.queue, wanted, now, missing, queue.depth if queue else None),
            confirmed=tuple(sorted(now)),
            missing=tuple(sorted(missing)),
        )

    def undo(self, params: ResumeParams, before: Observation, cluster: str) -> Proposal | Irreversible:  # noqa: ARG002
        """Tasks that ran in between cannot be taken back, so this is a new pause, not an undo."""
        return Irreversible(why=f"Tasks of {params.queue} run again; pause it anew if that was too early.")

    def command(self, params: ResumeParams, spec: ClusterSpec) -> str:
        """Directed: without `-d` every worker would start to consume the queue."""
        return f"celery -A {spec.app} control add_consumer {shlex.quote(params.queue)} -d <worker@host>"


def _outcome(queue: str, wanted: set[str], now: set[str], missing: set[str], waiting: int | None) -> str:
    if not now:
        return f"No worker consumes {queue}: those that did are not running. Start one; it is no longer held back."
    backlog = "" if waiting is None else f"; {waiting:,} waiting"
    if missing:
        again = f"{len(wanted) - len(missing)} of {counted(len(wanted), 'worker')} consume {queue} again"
        return f"{again}; not yet: {listed(sorted(missing))}{backlog}."
    return f"{counted(len(now), 'worker')} {verb(len(now), 'consume')} {queue} again{backlog}."
