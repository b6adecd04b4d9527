"""Limit the rate at which workers start tasks of one name, for a while."""

import shlex
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, Field

from bot.domain.action import BlastRadius, Effect, Irreversible, Observation, Outcome, Preview, Proposal, Risk, Verdict
from bot.domain.approval import Policy
from bot.domain.cluster import ClusterSnapshot, ClusterSpec
from bot.domain.duration import Seconds, lasting
from bot.domain.errors import BadInput, EffectUncertain, UnknownName
from bot.domain.mitigation import RATE
from bot.domain.rates import RatesFound, in_words, more, rate_of, same
from bot.domain.window import Span
from bot.domain.wording import counted, listed, verb
from bot.ports import Action, Params, Progress, Target

CONFIRM_ROUNDS, ROUND_SECONDS = 10, 0.5
"""How often workers are told until each has the limit; after that the sweep goes on."""


def _read(text: str) -> str:
    if (rate := rate_of(text)) is None:
        raise ValueError("is no rate above zero: say `10/m`, `5/s` or `100/h`")
    return rate


class LimitParams(Params):
    """The `task` name and the `rate` at which each worker may start it ("10/m"), for so long from now."""

    task: str = Field(min_length=1, max_length=300, title="Task", description="Its whole name.")
    rate: Annotated[str, AfterValidator(_read)] = Field(
        min_length=1, max_length=20, title="No faster than", description="For each worker: 10/m, 5/s or 100/h."
    )
    seconds: Seconds = Field(
        default=1800,
        ge=60,
        le=86400,
        validation_alias=AliasChoices("seconds", "for"),
        title="For how long",
        description="As 30m or 2h.",
    )
    reason: str = Field(default="", max_length=300, title="Why", description="For those who approve, and the audit.")


class LimitRate(Action[LimitParams]):
    """Let each worker start tasks of one name no faster than a rate, for a while."""

    name = "limit_rate"
    params = LimitParams

    def risk(self, params: LimitParams, spec: ClusterSpec, policy: Policy) -> Risk:  # noqa: ARG002 - always
        """High: tasks that are held back fill the worker's hands, and others wait behind them."""
        return Risk.HIGH

    def observe(self, params: LimitParams, target: Target, snapshot: ClusterSnapshot) -> Observation:
        """Ask each worker for its limit now. A task that no worker knows is refused, with those there are."""
        found = target.means.rates.of(params.task, [w.name for w in snapshot.workers])
        if not found.rates and found.tasks:
            raise UnknownName("task", params.task, found.tasks, "on any worker that answers")
        limit = target.limit_of(params.task)
        facts = {
            "found": found.model_dump(mode="json"),
            "rates": {w: r or "" for w, r in found.rates.items()} | found.by_plugin(limit.rate if limit else None),
            "limit": limit.rate if limit else None,
            "former": found.by_plugin(limit.rate) | dict(limit.rates) if limit else {},
            "queues": _queues(params.task, target, snapshot),
        }
        return Observation(snapshot=snapshot, recorded=limit.workers if limit else (), facts=facts)

    def preview(self, params: LimitParams, observation: Observation, spec: ClusterSpec) -> Preview:  # noqa: ARG002
        """Say what the limit comes to over all workers, and what a limit does besides."""
        found = RatesFound.model_validate(observation.facts["found"])
        workers = sorted(found.rates)
        if workers and set(workers) <= found.unlimited:
            raise BadInput(
                f"No worker that knows {params.task} heeds rate limits: `worker_disable_rate_limits` is set. Pause its "
                "queue instead."
            )
        heeding = [w for w in workers if w not in found.unlimited]
        now = observation.facts["limit"]
        before = f", in place of {in_words(now)}" if now else ""
        return Preview(
            summary=f"{counted(len(heeding), 'worker')} would start at most {in_words(params.rate)} of {params.task} "
            f"each{before}, for {lasting(params.seconds)}.",
            radius=BlastRadius(workers=tuple(heeding)),
            notes=(_in_all(params.rate, heeding, observation), *_notes(found, observation)),
            warnings=_warnings(params, found, observation),
        )

    def effect(self, params: LimitParams) -> Effect:
        """A limit stays in force until its end."""
        return Effect(kind=RATE, target=params.task, seconds=params.seconds, reason=params.reason, rate=params.rate)

    def touches(self, params: LimitParams) -> str:
        """One task is not limited and let go at once."""
        return f"task {params.task}"

    def run(self, params: LimitParams, before: Observation, target: Target, progress: Progress) -> Outcome:
        """Tell the workers that know the task, again until each has the limit."""
        found = RatesFound.model_validate(before.facts["found"])
        wanted = dict.fromkeys(sorted(found.rates.keys() - found.unlimited), params.rate)
        return told(params.task, wanted, found, target, progress)

    def verify(self, params: LimitParams, before: Observation, after: Observation) -> Verdict:
        """Ask each worker for its limit; believe no reply to the telling."""
        then, found = (RatesFound.model_validate(o.facts["found"]) for o in (before, after))
        wanted = set(then.rates) - then.unlimited
        limited = {w for w, r in found.rates.items() if same(r, params.rate)} - found.unlimited
        missing = (wanted - limited) & ({w.name for w in after.snapshot.workers} | set(found.rates))
        sentence = (
            f"{counted(len(limited), 'worker')} {verb(len(limited), 'start')} at most {in_words(params.rate)} of "
        )
        sentence += f"{params.task} each"
        if missing:
            sentence += f"; not yet limited: {listed(sorted(missing))}"
        return Verdict(
            verified=bool(limited) and not missing,
            sentence=f"{sentence}.",
            confirmed=tuple(sorted(limited)),
            missing=tuple(sorted(missing)),
        )

    def undo(self, params: LimitParams, before: Observation, cluster: str) -> Proposal | Irreversible:
        """Lifting the limit undoes it. It would undo more than another rate."""
        if before.facts["limit"]:
            return Irreversible(why="This changed a limit in force; lift it, or set the rate from before.")
        return Proposal(action="lift_rate_limit", cluster=cluster, params={"task": params.task})

    def command(self, params: LimitParams, spec: ClusterSpec) -> str:
        """Directed at workers; one that starts later has no limit, and nothing ends it."""
        return f"celery -A {spec.app} control -d <worker@host> rate_limit {shlex.quote(params.task)} {params.rate}"


def told(task: str, wanted: dict[str, str], found: RatesFound, target: Target, progress: Progress) -> Outcome:
    """Tell workers the rate that each is to have ("" for none), again until each has it."""
    said: dict[str, str] = {}
    missing = found.differing(wanted)
    for _ in range(CONFIRM_ROUNDS):
        if not missing:
            break
        for rate in sorted({wanted[w] for w in missing}):
            some = [w for w in missing if wanted[w] == rate]
            progress(f"Telling {counted(len(some), 'worker')} the rate of {task}.", some)
            try:
                said |= target.means.rates.set(task, rate or None, some)
            except EffectUncertain as e:
                said |= dict.fromkeys(some, e.why)
        missing = target.means.rates.of(task, sorted(wanted)).differing(wanted)
        if missing:
            target.wait(ROUND_SECONDS)
    return Outcome(summary=f"Told {counted(len(said), 'worker')}.", replied=said, workers=tuple(sorted(said)))


def _queues(task: str, target: Target, snapshot: ClusterSnapshot) -> list[str]:
    """Return the queues that the task was seen on in the last day, and is in workers' hands from."""
    heard = {row.queue for row in target.live.window(Span.DAY, target.clock.now()).tasks if row.name == task}
    held = {t.queue for w in snapshot.workers for t in (*(w.active or ()), *(w.reserved or ())) if t.name == task}
    return sorted(q for q in heard | held if q is not None)


def _in_all(rate: str, workers: Sequence[str], observation: Observation) -> str:
    """Return what the limits come to together: of the workers that know a task only some may ever get it."""
    snapshot, queues = observation.snapshot, observation.facts["queues"]
    takers = {w.name for q in queues for w in snapshot.consumers(q)} & set(workers)
    if not takers:
        return f"That is {in_words(rate, len(workers))} at most in all, if each of them gets such tasks."
    which = f"{len(takers)} of them {verb(len(takers), 'consume')}"
    return f"It was seen on {listed(queues)}, which {which}: {in_words(rate, len(takers))} in all."


def _notes(found: RatesFound, observation: Observation) -> tuple[str, ...]:
    snapshot = observation.snapshot
    notes = ["Workers that start meanwhile are limited too. At its end each worker gets back the limit it had."]
    had = {w: r for w, r in {**found.rates, **observation.facts["former"]}.items() if r and w in found.rates}
    if had:
        notes.append(f"Limited by the application now: {listed([f'{w} to {r}' for w, r in sorted(had.items())])}.")
    if found.strangers:
        notes.append(
            f"{counted(len(found.strangers), 'worker')} {verb(len(found.strangers), 'do')} not know this task."
        )
    silent = sorted({w.name for w in snapshot.workers} - set(found.rates) - found.strangers)
    if silent:
        notes.append(f"No answer from {listed(silent)}: told when it answers.")
    return tuple(notes)


def _warnings(params: LimitParams, found: RatesFound, observation: Observation) -> tuple[str, ...]:
    now = {w: r for w, r in {**found.rates, **observation.facts["former"]}.items() if w in found.rates}
    faster = [f"{w} ({r})" for w, r in sorted(now.items()) if w not in found.unlimited and more(params.rate, r)]
    warnings = [f"The application lets fewer start: {listed(faster)}. This would let more start."] if faster else []
    warnings += [
        "A task that is held back counts as fetched: when a worker's hands are full of them, its other tasks wait too.",
        f"Held longer than the visibility timeout, a task of {params.task} is delivered again and runs twice.",
    ]
    if heedless := sorted(found.unlimited & found.rates.keys()):
        warnings.append(f"{listed(heedless)} heed no rate limit (`worker_disable_rate_limits`) and go on as they are.")
    if not found.rates:
        warnings.append("No worker that answers knows the task; the limit would hold for workers that start.")
    return tuple(warnings)
