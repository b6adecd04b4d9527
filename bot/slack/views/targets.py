"""`/celery targets`: how the team's targets are met, worst first, and what may be claimed from so many tasks."""

import math
from datetime import datetime

from bot.domain.amounts import percent, size
from bot.domain.readings import COUNTED
from bot.domain.standing import limits
from bot.domain.targets import ForecastScore, Measure, Quality, Reading, Standing, TargetSpec, TargetState
from bot.domain.views import Age, TargetLine, TargetsView
from bot.domain.wording import counted, listed
from bot.slack.looks import Targets, line_of
from bot.slack.views.amounts import duration
from bot.slack.views.blocks import lines, sections
from bot.slack.views.formatting import count, escape, name, prose, when
from bot.slack.views.frame import BODY, framed, titled
from bot.slack.views.message import Message

MOST_TARGETS = 25
MOST_SCORES = 8

_MARKS = {Standing.ALERT: "🔴", Standing.MISSED: "⚠️", Standing.UNKNOWN: "❓", Standing.MET: "✅"}


def targets_message(view: TargetsView, *, shared: bool = False) -> Message:
    """Return each target with its value, standing and proof, then how well forecasts did."""
    return framed(
        titled(name(view.cluster), _summary(view)),
        _age(view),
        [
            *sections(
                [_line(t, view.age.now, view.age.doubt or "") for t in view.targets] or ["No targets are configured."],
                MOST_TARGETS,
                BODY,
            ),
            lines([_score(s) for s in view.scores], MOST_SCORES),
        ],
        again=line_of(Targets(view.cluster)),
        shared=shared,
        notes=[COUNTED] if any(t.spec.measure is Measure.COMPLETION for t in view.targets) else [],
    )


def _age(view: TargetsView) -> Age:
    """Return the age; where nothing can be read, what stands here is as old as the last reading."""
    read = [t.state.read_at for t in view.targets if t.state.read_at]
    if view.age.taken_at is not None or not read:
        return view.age
    return view.age.model_copy(update={"taken_at": max(read)})


def _summary(view: TargetsView) -> str:
    standing = [t.state.standing for t in view.targets]
    bad = (Standing.ALERT, Standing.MISSED)
    named = {s: listed([name(t.spec.name) for t in view.targets if t.state.standing is s], 3) for s in bad}
    parts = [
        f"{standing.count(s)} {word}{f' ({named[s]})' if s in bad else ''}"
        for s, word in (
            (Standing.ALERT, "in alert"),
            (Standing.MISSED, "missed"),
            (Standing.UNKNOWN, "unknown"),
            (Standing.MET, "met"),
        )
        if s in standing
    ]
    return f"{counted(len(standing), 'target')}: {', '.join(parts)}" if parts else "no targets"


def _line(line: TargetLine, now: datetime, told: str) -> str:
    """Return one target: value against its limits, since when and on how many tasks, how sure.

    `told` stands above all targets already.
    """
    spec, reading, state = line.spec, line.reading, line.state
    first = f"{_mark(state)} *{name(spec.name)}* {_value(spec, reading)} ({_limits(spec, reading)})"
    below = [_standing(line, now), *_where(spec, reading), *_proof(reading)]
    doubts = _doubts(reading, told)
    return "\n↳ ".join([first, " · ".join(below), *([f"⚠️ {'; '.join(doubts)}"] if doubts else [])])


def _mark(state: TargetState) -> str:
    """Return the standing's mark; one that is met still, and whose readings say otherwise, is no longer well."""
    turning = state.standing is Standing.MET and state.leaning not in (None, Standing.MET)
    return _MARKS[Standing.MISSED if turning else state.standing]


def _value(spec: TargetSpec, reading: Reading) -> str:
    if reading.value is None:
        return f"unknown: {prose(reading.why or 'nothing was counted', 200)}"
    return f"{f'{reading.bound} ' if reading.estimated else ''}{amount(spec.measure, reading.value)}"


def amount(measure: Measure, value: float) -> str:
    """Return a value of a measure with its unit."""
    match measure:
        case Measure.COMPLETION:
            return percent(value)
        case Measure.WORKER_MEMORY:
            return size(value)
        case Measure.QUEUE_DEPTH:
            return count(round(value))
    return duration(value)


def _limits(spec: TargetSpec, reading: Reading) -> str:
    target, alert = limits(spec, reading)
    wanted, bad = (">", "<") if spec.measure.higher_is_better else ("<", ">")
    return escape(f"wanted {wanted} {amount(spec.measure, target)}, alert {bad} {amount(spec.measure, alert)}")


def _standing(line: TargetLine, now: datetime) -> str:
    state = line.state
    said = f"{state.standing.value} since {when(state.since, now)}"
    if state.leaning is None or state.leaning is state.standing:
        return said
    since = f" since {when(state.leaning_since, now)}" if state.leaning_since else ""
    return f"{said}, but reads {state.leaning.value}{since}"


def _where(spec: TargetSpec, reading: Reading) -> list[str]:
    timed = spec.measure in (Measure.QUEUE_LATENCY, Measure.TASK_DURATION)
    within = [f"{percent(spec.quantile)} stay below it, last {spec.span.value}"] if timed else []
    if spec.measure is Measure.COMPLETION:
        within = [f"last {spec.span.value}"]
    worst = "most failures" if spec.measure is Measure.COMPLETION else "worst"
    return [*([f"{worst}: {name(reading.of)}"] if reading.of and reading.value else []), *within]


def _proof(reading: Reading) -> list[str]:
    """Return n, and of a rate what so many tasks support."""
    if reading.quality is None:
        return [f"n = {count(reading.n)}"] if reading.n is not None else []
    return [_quality(reading.quality)]


def _quality(quality: Quality) -> str:
    """Return DPMO with its bound; the bound is rounded up and the level down, so that rounding claims nothing."""
    most = quality.dpmo_upper
    bound = f"{math.ceil(most * 10) / 10:.1f}" if most < 10 else count(math.ceil(most))
    n = f"n = {count(quality.n)}"
    level = f"too few tasks for a sigma level ({n})"
    if quality.sigma is not None and quality.sigma > 0:
        level = f"≥ {math.floor(quality.sigma * 10) / 10:.1f}σ supported ({n})"
    return f"{count(round(quality.dpmo))} DPMO, at most {bound} (95 % sure) · {level}"


def _doubts(reading: Reading, told: str) -> list[str]:
    missing = (reading.incomplete or "").replace(told, "").strip()
    few = [prose(reading.few, 160)] if reading.few else []
    estimated = [f"estimated: {prose(reading.estimated, 160)}"] if reading.estimated else []
    return [*few, *estimated, *([prose(missing, 160).removesuffix(".")] if missing else [])]


def _score(score: ForecastScore) -> str:
    """Return how far forecasts of one queue may be trusted."""
    queue = name(score.queue)
    if not score.n or score.median_minutes is None:
        return f"Forecasts of {queue}: none could be held against what happened yet"
    worst = f", 9 of 10 within {_minutes(score.p90_minutes)}" if score.p90_minutes is not None else ""
    wrong = f", {count(score.wrong_way)} the wrong way" if score.wrong_way else ""
    return f"Forecasts of {queue}: median error {_minutes(score.median_minutes)} over {count(score.n)}{worst}{wrong}"


def _minutes(minutes: float) -> str:
    return f"{minutes:.1f} min" if minutes < 10 else f"{count(round(minutes))} min"
