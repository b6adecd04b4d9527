"""`/celery queues`: how deep, how old, when each drains; of one queue, all that bears on it."""

from bot.domain.card import QueueLine
from bot.domain.forecast import Prospect
from bot.domain.latency import Bound
from bot.domain.readings import ROUGH_SECONDS
from bot.domain.views import QueueDetail, QueuesView, WhatIf
from bot.domain.wording import counted, listed
from bot.slack.looks import Queues, line_of
from bot.slack.views.amounts import ROUGHLY, a_minute, duration, quantiles
from bot.slack.views.blocks import Block, lines, section, sections
from bot.slack.views.formatting import count, name, prose
from bot.slack.views.frame import BODY, framed, titled, unknown_lines
from bot.slack.views.message import Message
from bot.slack.views.outlook import outlook
from bot.slack.views.phrases import capital
from bot.slack.views.queue_lines import more_of, paused, queue_headline, taken

MOST_QUEUES = 40
MOST_CHANGES = 6


def queues_message(view: QueuesView, *, shared: bool = False) -> Message:
    """Return the queues, worst first, or the one that was asked for, closely."""
    if view.alone and len(view.queues) == 1:
        return _alone(view, view.queues[0], shared=shared)
    waiting = sum(d.line.queue.depth or 0 for d in view.queues)
    least = "at least " if any(d.line.queue.depth is None for d in view.queues) else ""
    return framed(
        titled(name(view.cluster), f"{least}{count(waiting)} waiting in {counted(len(view.queues), 'queue')}"),
        view.age,
        [
            *sections([_line(d, view) for d in view.queues], MOST_QUEUES, BODY),
            lines(unknown_lines(view.unknown), 8),
        ],
        again=line_of(Queues(view.cluster)),
        shared=shared,
        notes=["One closely: `/celery queues &lt;queue&gt;`"] if view.queues else [],
    )


def _line(detail: QueueDetail, view: QueuesView) -> str:
    """Return a queue in two lines: how it is, and how it goes on."""
    first = queue_headline(detail.line, view.orphaned)
    below = [*_expected(detail), *_oldest(detail), *more_of(detail.line, view.age.now)]
    return f"{first}\n↳ {' · '.join(below)}" if below else first


def _expected(detail: QueueDetail) -> list[str]:
    """Return the forecast of a queue in which something waits above its limit; the others need none."""
    said = detail.forecast
    if said is None or said.prospect is Prospect.ALREADY_BELOW or not detail.line.queue.depth:
        return []
    return [outlook(said, detail.trend)]


def _oldest(detail: QueueDetail) -> list[str]:
    if detail.oldest_age is None or not detail.line.queue.depth:
        return []
    return [f"oldest {_old(detail)}"]


def _old(detail: QueueDetail) -> str:
    """Return the age of the oldest message: an estimate is no better than the time between two counts."""
    seconds = detail.oldest_age or 0.0
    if not detail.oldest_estimated:
        return duration(seconds)
    if detail.oldest_bound is Bound.ABOUT and seconds < ROUGH_SECONDS:
        return f"under {duration(ROUGH_SECONDS)}"
    return f"{detail.oldest_bound} {duration(seconds)}"


def _alone(view: QueuesView, detail: QueueDetail, *, shared: bool) -> Message:
    line = detail.line
    return framed(
        titled(name(view.cluster), queue_headline(line, view.orphaned)),
        view.age,
        [
            section("\n".join(_now(detail, view))),
            _changes(detail),
            lines(unknown_lines([u for u in view.unknown if line.queue.name in u.what or "worker" in u.what]), 5),
        ],
        again=line_of(Queues(view.cluster, line.queue.name)),
        shared=shared,
        notes=[ROUGHLY] if detail.wait.n else [],
    )


def _now(detail: QueueDetail, view: QueuesView) -> list[str]:
    line = detail.line
    said = f"*{capital(outlook(detail.forecast))}.*" if detail.forecast else "No forecast."
    return [
        said,
        *([f"⏸️ {capital(paused(line.pause, view.age.now))}: {prose(line.pause.reason, 200)}"] if line.pause else []),
        *_rates(detail),
        *_in_hand(detail),
        *_age(detail),
        *_wait(detail),
        *_lanes(detail),
        f"Taken by: {_consumers(detail)}",
        _importance(line),
    ]


def _rates(detail: QueueDetail) -> list[str]:
    trend = detail.trend
    if trend is None:
        return ["Rates: not known yet, counted for too short a time"]
    come, done = trend.arrival_per_minute, trend.service_per_minute
    if come is None or done is None:
        return ["Come and done: unknown, not every worker says how many it began"]
    return [f"Come: {a_minute(come)} · done: {a_minute(done)} (over the last {duration(trend.seconds)})"]


def _in_hand(detail: QueueDetail) -> list[str]:
    """Return what left the queue without being done; what is not known says so."""
    line = detail.line
    unacked = taken(line) if line.queue.unacked is not None else "unknown"
    return [
        f"Running: {_known(detail.running)} · taken, not finished: {unacked}",
        f"For later: {_known(line.scheduled)} · held by rate limits: {_known(detail.held)}",
    ]


def _known(n: int | None) -> str:
    return "unknown" if n is None else count(n)


def _age(detail: QueueDetail) -> list[str]:
    if not detail.line.queue.depth:
        return []
    task = f", `{name(detail.oldest.task)}`" if detail.oldest and detail.oldest.task else ""
    if detail.oldest_age is None:
        why = prose(detail.oldest_estimated, 200) if detail.oldest_estimated else "no message carries a stamp"
        return [f"Oldest message{task}: age unknown ({why})"]
    if detail.oldest_estimated:
        how = prose(detail.oldest_estimated, 200)
        return [f"Oldest message{task}: {_old(detail)} old (estimated: {how})"]
    return [f"Oldest message{task}: {duration(detail.oldest_age)} old"]


def _wait(detail: QueueDetail) -> list[str]:
    waited = quantiles(detail.wait)
    return [f"Waited for a worker: {waited} ({count(detail.wait.n)} tasks, last 15 min)"] if waited else []


def _lanes(detail: QueueDetail) -> list[str]:
    lanes = detail.line.queue.lanes
    if sum(1 for n in lanes if n) < 2 and not any(lanes[1:]):
        return []
    return [f"Lanes, most urgent first: {' · '.join(count(n) for n in lanes[:10])}"]


def _consumers(detail: QueueDetail) -> str:
    if detail.consumers:
        unsure = " and perhaps others (not every worker answered)" if detail.line.consumers is None else ""
        return listed([name(w) for w in detail.consumers], 8) + unsure
    if detail.line.consumers is None:
        return "unknown, not every worker answered"
    return counted(detail.line.consumers, "worker") if detail.line.consumers else "no worker"


def _importance(line: QueueLine) -> str:
    if line.importance is None:
        return "Importance: not in the settings, so it counts as 10 of 10"
    return f"Importance: {line.importance} of 10"


def _changes(detail: QueueDetail) -> Block | None:
    if not detail.what_if:
        return None
    said = [f"• With {name(w.what, 120)}: {_changed(w)}" for w in detail.what_if]
    return lines(["*What would change it* (about)", *said], MOST_CHANGES + 1)


def _changed(what_if: WhatIf) -> str:
    """Return what is to be expected then; "at this rate" is what would be no more."""
    return outlook(what_if.forecast).removesuffix(" at this rate").rstrip(",")
