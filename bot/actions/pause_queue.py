"""Pause a queue: its workers stop consuming it until the pause ends."""

import shlex

from pydantic import AliasChoices, Field

from bot.domain.action import BlastRadius, Effect, Irreversible, Observation, Outcome, Preview, Proposal, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.cluster import ClusterSnapshot, ClusterSpec, Worker
from bot.domain.duration import Seconds, lasting
from bot.domain.errors import EffectUncertain, UnknownName
from bot.domain.mitigation import PAUSE
from bot.domain.wording import counted, verb
from bot.ports import Action, Params, Progress, Target

CONFIRM_SECONDS = 8.0
"""How long a cancel is repeated until `active_queues` agrees; after that the sweep's reconcile goes on."""


class PauseParams(Params):
    """How long the pause holds from now, in seconds or as `for: 30m`; `reason` is shown wherever the pause is."""

    queue: str = Field(min_length=1, max_length=200, title="Queue")
    seconds: Seconds = Field(
        default=1800,
        ge=10,
        le=86400,
        validation_alias=AliasChoices("seconds", "for"),
        title="For how long",
        description="As 30m or 2h.",
    )
    reason: str = Field(default="", max_length=300, title="Why", description="For those who approve, and the audit.")


class PauseQueue(Action[PauseParams]):
    """Stop workers from consuming one queue, for a while."""

    name = "pause_queue"
    params = PauseParams

    def risk(self, params: PauseParams, spec: ClusterSpec, policy: Policy) -> Risk:
        """Low for a queue of low importance and a short time; high otherwise."""
        low = spec.importance(params.queue) <= spec.low_importance and params.seconds <= policy.low_pause_minutes * 60
        return Risk.LOW if low else Risk.HIGH

    def observe(self, params: PauseParams, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """Refuse a queue nobody knows: Celery itself would say ok to any name."""
        known = {q.name for q in target.spec.queues} | {q.name for q in snapshot.queues}
        known |= {q for w in snapshot.workers for q in w.queues or ()}
        if params.queue not in known:
            raise UnknownName("queue", params.queue, known)
        pause = target.pause_of(params.queue)
        return Observation(snapshot=snapshot, recorded=pause.workers if pause else ())

    def preview(self, params: PauseParams, observation: Observation, spec: ClusterSpec) -> Preview:
        """Say which workers stop, what waits, and what a pause does not stop."""
        snapshot = observation.snapshot
        consumers = snapshot.consumers(params.queue)
        queue = snapshot.queue(params.queue)
        waiting = queue.depth if queue else None
        fetched = sum(w.fetched_from(params.queue) for w in consumers)
        return Preview(
            summary=_summary(params, consumers, waiting, paused=bool(observation.recorded)),
            radius=BlastRadius(
                queues=(params.queue,), workers=tuple(w.name for w in consumers), messages=waiting, running=fetched
            ),
            notes=_notes(params, snapshot, fetched),
            warnings=_warnings(params, observation, spec, consumers),
        )

    def effect(self, params: PauseParams) -> Effect:
        """A pause stays in force until its end."""
        return Effect(kind=PAUSE, target=params.queue, seconds=params.seconds, reason=params.reason)

    def touches(self, params: PauseParams) -> str:
        """One queue is not paused and resumed at once."""
        return params.queue

    def run(self, params: PauseParams, before: Observation, target: Target, progress: Progress) -> Outcome:
        """Cancel on the workers that consume the queue, again until each says it no longer does.

        A worker that has just started may lose a cancel, so one is not enough (celery-facts: lost in 2 of 3 rounds).
        """
        replied: dict[str, str] = {}
        consuming = {w.name for w in before.snapshot.consumers(params.queue)}
        reached = set(consuming)
        for _ in range(int(CONFIRM_SECONDS / 0.5)):
            if not consuming:
                break
            progress(f"Telling {counted(len(consuming), 'worker')} to stop consuming {params.queue}", consuming)
            try:
                replied |= target.control.cancel_consumer(params.queue, sorted(consuming))
            except EffectUncertain as e:
                replied |= dict.fromkeys(consuming, e.why)
            reached |= consuming
            consuming = {w for w, queues in target.control.consumers().items() if params.queue in (queues or ())}
            if consuming:
                target.wait(0.5)
        return Outcome(
            summary=f"Asked {counted(len(reached), 'worker')}", replied=replied, workers=tuple(sorted(reached))
        )

    def verify(self, params: PauseParams, before: Observation, after: Observation) -> Verdict:
        """Believe `active_queues` alone, asked after the fact."""
        snapshot = after.snapshot
        was = {w.name for w in before.snapshot.consumers(params.queue)} | set(before.recorded)
        still = {w.name for w in snapshot.consumers(params.queue)}
        silent = {w.name for w in snapshot.silent} & (was | {w.name for w in before.snapshot.silent})
        gone = was - {w.name for w in snapshot.workers}
        stopped = was - still - silent - gone
        unseen = next((u.why for u in snapshot.unknown if u.what == "workers"), "")
        sentence = _outcome(params.queue, (was - gone) | silent, stopped, still, silent, snapshot)
        sentence = f"{params.queue} was paused already. {sentence}" if before.recorded else sentence
        return Verdict(
            # Where nobody is known to have consumed it, a process that kept silent may be who does.
            verified=not still and not silent and (bool(stopped) or not unseen),
            sentence=f"{sentence} {unseen[:1].upper()}{unseen[1:]}." if unseen else sentence,
            confirmed=tuple(sorted(stopped)),
            missing=tuple(sorted(still | silent)),
        )

    def undo(self, params: PauseParams, before: Observation, cluster: str) -> Proposal | Irreversible:
        """Resuming undoes a pause. It would undo more than an extension."""
        if before.recorded:
            return Irreversible(why="This moved the end of a pause; resume the queue to end it now.")
        return Proposal(action="resume_queue", cluster=cluster, params={"queue": params.queue})

    def command(self, params: PauseParams, spec: ClusterSpec) -> str:
        """Directed at the workers that consume it; without `-d` every worker says ok, whether it did or not."""
        return f"celery -A {spec.app} control cancel_consumer {shlex.quote(params.queue)} -d <worker@host>"


def _summary(params: PauseParams, consumers: tuple[Worker, ...], waiting: int | None, *, paused: bool) -> str:
    length = lasting(params.seconds)
    if waiting is None:
        left = "an unknown number of tasks waits"
    else:
        left = f"{counted(waiting, 'task')} will wait" if waiting else "tasks that come will wait"
    if paused:
        return f"{params.queue} is paused already and stays so for at least {length} from now; {left}, nothing is lost."
    who = counted(len(consumers), "worker")
    return f"{who} will stop consuming {params.queue} for {length}; {left}, nothing is lost."


def _notes(params: PauseParams, snapshot: ClusterSnapshot, fetched: int) -> tuple[str, ...]:
    notes = []
    if fetched:
        notes.append(f"{counted(fetched, 'task')} already fetched will still run.")
    scheduled = sum(1 for w in snapshot.workers for t in w.scheduled or () if t.queue == params.queue)
    if scheduled:
        notes.append(f"{counted(scheduled, 'scheduled task')} held by workers will still run when due.")
    return (*notes, "It resumes by itself at the end; anyone on call can resume it earlier.")


def _warnings(
    params: PauseParams, observation: Observation, spec: ClusterSpec, consumers: tuple[Worker, ...]
) -> tuple[str, ...]:
    snapshot, warnings = observation.snapshot, []
    if spec.queue(params.queue) is None:
        warnings.append(f"{params.queue} is not declared in the settings, so it counts as most important.")
    if not consumers and not observation.recorded:
        nobody = "No worker that answers" if snapshot.silent else "No worker"
        warnings.append(f"{nobody} consumes {params.queue} now; the pause would hold for workers that start.")
    if snapshot.silent:
        names = ", ".join(w.name for w in snapshot.silent)
        warnings.append(f"{names} did not answer and may consume it too.")
    return tuple(warnings)


def _outcome(
    queue: str, was: set[str], stopped: set[str], still: set[str], silent: set[str], snapshot: ClusterSnapshot
) -> str:
    if not was and not still:
        return f"No worker consumed {queue}, and none does now."
    sentence = f"{len(stopped)} of {counted(len(was | still), 'worker')} stopped consuming {queue}"
    fetched = sum(w.fetched_from(queue) for w in snapshot.workers)
    if fetched:
        sentence += f"; {counted(fetched, 'fetched task')} still {verb(fetched, 'run')}"
    if still:
        sentence += f"; still consuming: {', '.join(sorted(still))}"
    if silent:
        sentence += f"; no answer from {', '.join(sorted(silent))}"
    return sentence + "."
