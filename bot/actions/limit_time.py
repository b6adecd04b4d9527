"""Limit how long tasks of one name may run: on workers whose pool can be restarted, so that the limit holds."""

import shlex
from collections.abc import Collection, Mapping

from pydantic import Field, model_validator

from bot.domain.action import BlastRadius, Irreversible, Observation, Outcome, Preview, Proposal, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.cluster import ClusterSnapshot, ClusterSpec, Worker
from bot.domain.duration import Seconds
from bot.domain.errors import BadInput, EffectUncertain, UnknownName
from bot.domain.time_limits import TimeLimits, TimeLimitsFound, cannot, crossed
from bot.domain.wording import counted, listed, verb
from bot.ports import UNDO_ONLY, Action, Params, Progress, Target

ROUNDS, ROUND_SECONDS = 20, 0.5
"""How often it is looked whether a pool has a new process; an idle one has it after half a second."""


class TimeParams(Params):
    """The `task`, and how many seconds it may run: `soft`, `hard` or both.

    An undo names the `workers` that were told; where these limits are still those, they are taken away.
    """

    task: str = Field(min_length=1, max_length=300, title="Task", description="Its whole name.")
    soft: Seconds | None = Field(
        default=None,
        ge=1,
        le=86400,
        title="Soft limit",
        description="The task is told that its time is over, as after 30s or 2m.",
    )
    hard: Seconds | None = Field(
        default=None, ge=1, le=86400, title="Hard limit", description="Its process is killed, as after 60s or 5m."
    )
    workers: tuple[str, ...] = Field(default=(), max_length=1000, title="Workers", json_schema_extra=UNDO_ONLY)
    reason: str = Field(default="", max_length=300, title="Why", description="For those who approve, and the audit.")

    @model_validator(mode="after")
    def _some(self) -> "TimeParams":
        if self.soft is None and self.hard is None:
            raise ValueError("name a `soft` limit, a `hard` one, or both")
        if self.soft is not None and self.hard is not None and self.soft >= self.hard:
            raise ValueError("`soft` has to be shorter than `hard`, or it never comes to it")
        return self

    @property
    def back(self) -> bool:
        """Return whether it takes limits away that were set before."""
        return bool(self.workers)


class LimitTime(Action[TimeParams]):
    """End tasks of one name that run for too long."""

    name = "limit_time"
    params = TimeParams

    def risk(self, params: TimeParams, spec: ClusterSpec, policy: Policy) -> Risk:  # noqa: ARG002 - always
        """High, the way back too: each process of the pool is replaced, and a hard limit kills what runs in one."""
        return Risk.HIGH

    def observe(self, params: TimeParams, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """Ask each worker for its limits, whether its pool may be restarted, and who its processes are."""
        found = target.means.time_limits.of(params.task, [w.name for w in snapshot.workers])
        if not found.limits and found.tasks:
            raise UnknownName("task", params.task, found.tasks, "on any worker that answers")
        held = [t for w in snapshot.workers for some in (w.active, w.reserved, w.scheduled) for t in some or ()]
        fetched = sum(t.name == params.task for t in held)
        return Observation(snapshot=snapshot, facts={"found": found.model_dump(mode="json"), "fetched": fetched})

    def preview(self, params: TimeParams, observation: Observation, spec: ClusterSpec) -> Preview:  # noqa: ARG002
        """Say on which workers it would hold. Where it would hold on none it is refused, with the reason for each."""
        wanted, reasons = _wanted(params, observation), _reasons(params, observation)
        if not wanted:
            raise BadInput(_nothing(params, reasons))
        limits = TimeLimits(soft=params.soft, hard=params.hard).in_words()
        what = f"take {limits} off {params.task} again" if params.back else f"end {params.task} after {limits}"
        busy = sum(w.busy or 0 for w in observation.snapshot.workers if w.name in wanted)
        return Preview(
            summary=f"{counted(len(wanted), 'worker')} would {what}, and {verb(len(wanted), 'restart')} their pools."
            if len(wanted) > 1
            else f"1 worker would {what}, and restart its pool.",
            radius=BlastRadius(workers=tuple(sorted(wanted)), running=busy),
            notes=_notes(params, observation, wanted),
            warnings=(*(f"Not touched: {said}." for said in _together(reasons)), *_full(params, observation)),
        )

    def touches(self, params: TimeParams) -> str:  # noqa: ARG002 - a pool is one, whatever the task
        """Pools are neither resized nor restarted twice at once: what came of which could not be told."""
        return "pools"

    def run(self, params: TimeParams, before: Observation, target: Target, progress: Progress) -> Outcome:
        """Tell each worker once, then look until each has a process that is new."""
        wanted, said = _wanted(params, before), dict[str, str]()
        for worker, limits in wanted.items():
            progress(f"Telling {worker} {limits.in_words()} for {params.task}, and to restart its pool.", {worker})
            try:
                said[worker] = target.means.time_limits.set(params.task, limits, worker)
            except EffectUncertain as e:
                said[worker] = e.why
        then = _found(before).processes
        for _ in range(ROUNDS):
            now = target.means.time_limits.of(params.task, sorted(wanted))
            late = [w for w, limits in wanted.items() if not now.holds(w, limits, then)]
            if not late:
                break
            progress(f"Waiting for a new process in {counted(len(late), 'pool')}.")
            target.wait(ROUND_SECONDS)
        return Outcome(summary=f"Told {counted(len(said), 'worker')}.", replied=said, workers=tuple(wanted))

    def verify(self, params: TimeParams, before: Observation, after: Observation) -> Verdict:
        """Believe a limit where the pool has a process that was not there before: the worker's ok is none."""
        wanted, then, now = _wanted(params, before), _found(before).processes, _found(after)
        done = sorted(w for w, limits in wanted.items() if now.holds(w, limits, then))
        missing = sorted(set(wanted) - set(done))
        limits = TimeLimits(soft=params.soft, hard=params.hard).in_words()
        does = f"no longer {'ends' if len(done) == 1 else 'end'}" if params.back else verb(len(done), "end")
        sentence = f"{counted(len(done), 'worker')} {does} {params.task} after {limits}"
        if missing:
            unsure = [_unsure(w, wanted[w], now, after.snapshot) for w in missing]
            sentence += f"; not known to hold on {listed(unsure)}"
        return Verdict(
            verified=bool(done) and not missing,
            sentence=f"{sentence}.",
            confirmed=tuple(done),
            missing=tuple(missing),
        )

    def undo(self, params: TimeParams, before: Observation, cluster: str) -> Proposal | Irreversible:
        """Take away what was set: there was no such limit before, or it would have been refused."""
        wanted = _wanted(params, before)
        if params.back or not wanted:
            return Irreversible(why=f"Limit {params.task} anew." if params.back else "No limit was changed.")
        said = {"task": params.task, "soft": params.soft, "hard": params.hard, "workers": sorted(wanted)}
        return Proposal(action=self.name, cluster=cluster, params={k: v for k, v in said.items() if v is not None})

    def command(self, params: TimeParams, spec: ClusterSpec) -> str:
        """Both lines, in this order; after the first alone the worker says ok, and the old limits hold."""
        start, task = f"celery -A {spec.app} control -d <worker@host>", shlex.quote(params.task)
        soft, hard = ("None", "None") if params.back else (params.soft or "None", params.hard or "None")
        return f"{start} time_limit {task} {soft} {hard}\n{start} pool_restart"


def _found(observation: Observation) -> TimeLimitsFound:
    return TimeLimitsFound.model_validate(observation.facts["found"])


def _wanted(params: TimeParams, observation: Observation) -> Mapping[str, TimeLimits]:
    """Return the limits that each worker is to have, for those where they can be made to hold."""
    found, reasons = _found(observation), _reasons(params, observation)
    able = [w for w in sorted(found.limits) if w not in reasons and (not params.back or w in params.workers)]
    if not params.back:
        return {w: found.limits[w].with_(params.soft, params.hard) for w in able}
    gone = {k: None for k in ("soft", "hard") if getattr(params, k) is not None}
    return {w: found.limits[w].model_copy(update=gone) for w in able}


def _reasons(params: TimeParams, observation: Observation) -> dict[str, str]:
    """Return why workers are left alone, by worker; in words that fit one worker as well as several."""
    found, snapshot = _found(observation), observation.snapshot
    reasons: dict[str, str] = {}
    for worker in snapshot.workers:
        if params.back and worker.name not in params.workers:
            continue
        why = cannot(worker, found, snapshot.twins)
        if why is None:
            limits = found.limits[worker.name]
            pool = found.pools.get(worker.name, TimeLimits())
            why = _changed(params, limits) if params.back else _in_the_way(params, limits, pool)
        if why is not None:
            reasons[worker.name] = why
    return reasons


def _in_the_way(params: TimeParams, limits: TimeLimits, pool: TimeLimits) -> str | None:
    """Return why a limit would not hold beside those there are.

    An application's own limit goes with each message its own code sends, and there it wins (celery's `app/task.py`).
    """
    for kind, new, old in (("soft", params.soft, limits.soft), ("hard", params.hard, limits.hard)):
        if new is not None and old is not None:
            return (
                f"there is a limit of {old:g} s {kind} already: one set from here is taken away by its Undo; "
                "messages carry what the application says, and that wins over what a worker is told"
            )
    return crossed(limits.with_(params.soft, params.hard), pool)


def _changed(params: TimeParams, limits: TimeLimits) -> str | None:
    same = all(new is None or new == old for new, old in ((params.soft, limits.soft), (params.hard, limits.hard)))
    return None if same else f"it is {limits.in_words()} by now"


def _nothing(params: TimeParams, reasons: Mapping[str, str]) -> str:
    if not reasons:
        return f"No worker is there to be told a time limit of `{params.task}`."
    return f"No time limit of `{params.task}` can be changed. {'. '.join(_together(reasons))}."


def _together(reasons: Mapping[str, str]) -> list[str]:
    """Return each reason once, behind the workers that it holds for."""
    by_reason: dict[str, list[str]] = {}
    for worker, why in sorted(reasons.items()):
        by_reason.setdefault(why, []).append(worker)
    return [f"{listed(workers)}: {why}" for why, workers in by_reason.items()]


def _notes(params: TimeParams, observation: Observation, wanted: Collection[str]) -> tuple[str, ...]:
    fetched, found = observation.facts["fetched"], _found(observation)
    notes = [
        "Each process of those pools ends after the task that it runs, and a new one takes its place. No task is "
        "stopped or lost by that."
    ]
    if fetched:
        notes.append(
            f"{counted(fetched, 'task')} of it, running, fetched or kept for later, {verb(fetched, 'keep')} the limit "
            f"{'it has' if fetched == 1 else 'they have'} now."
        )
    if rated := sorted({task for worker in wanted for task in found.rated.get(worker, ())}):
        notes.append(
            f"What a rate limit holds back there ({listed(rated)}) goes on beside what comes new: up to twice the "
            "rate, until it has run."
        )
    if params.back:
        return (*notes, "What tasks on these workers sent of it meanwhile carries the limit, and keeps it.")
    if params.hard is not None:
        notes.append("At the hard limit its process is killed, and the task fails.")
    if params.soft is not None:
        notes.append("At the soft limit SoftTimeLimitExceeded is raised in the task, which may catch it.")
    notes.append(
        "A task that was sent with a time limit of its own keeps that one. What tasks on these workers send of it "
        "carries the new one, to all workers."
    )
    return (*notes, "It holds until a worker restarts; workers that start do not have it, and nothing puts it back.")


def _full(params: TimeParams, observation: Observation) -> tuple[str, ...]:
    """Return a warning of pools in which every process runs a task: none is replaced until it has ended that."""
    full = [w.name for w in observation.snapshot.workers if w.name in _wanted(params, observation) and _all_busy(w)]
    if not full:
        return ()
    return (
        f"Every process of {listed(sorted(full))} runs a task: until one has ended, nobody can see that the limit "
        f"holds. `/celery revoke task {params.task} terminate` ends those that hang.",
    )


def _all_busy(worker: Worker) -> bool:
    return worker.busy is not None and worker.slots is not None and worker.busy >= worker.slots


def _unsure(name: str, wanted: TimeLimits, now: TimeLimitsFound, snapshot: ClusterSnapshot) -> str:
    """Return a worker's name and what is seen of it."""
    worker = snapshot.worker(name)
    if name not in now.limits or worker is None:
        return f"{name} (no answer)"
    if now.limits[name] != wanted:
        return f"{name} (it says {now.limits[name].in_words()})"
    why = ": all are busy, and each is replaced when its task has ended" if _all_busy(worker) else ""
    return f"{name} (it says so, but no process is new yet{why})"
