"""The first line of an incident's card: what is wrong, in numbers; and what holds over everything."""

from bot.domain.card import IncidentCard
from bot.domain.cluster import Mode
from bot.domain.forecast import Forecast, Prospect
from bot.domain.incident import IncidentState
from bot.domain.mitigation import MitigationState
from bot.domain.run import Run
from bot.slack.views.formatting import about, count, mention, name, prose, rate
from bot.slack.views.standing import HOURS, below, broken, climbs, outlook, stuck

RED, AMBER, GREEN = "🔴", "🟠", "🟢"


def headline(card: IncidentCard) -> str:
    """Return the first line: how it stands, in numbers."""
    incident, run, subject = card.incident, card.run, _subject(card)
    if incident.state is IncidentState.RESOLVED:
        return f"{GREEN} {subject}: resolved"
    numbers = _numbers(card, run) if run and run.depth is not None and not run.trouble else _without_numbers(card)
    if incident.state is IncidentState.MITIGATED:
        numbers = [*numbers[:1], "the alert is over"]
    return f"{_colour(card)} {': '.join([subject, ', '.join(numbers)]) if numbers else subject}"


def _subject(card: IncidentCard) -> str:
    """Return what it is about: the queue; where that is a guess, the alert's own name stands before it."""
    incident = card.incident
    queue = name(incident.queue or incident.alert.name)
    return f"{name(incident.alert.name)} · {queue}" if incident.queue and incident.queue_guessed else queue


def _colour(card: IncidentCard) -> str:
    """Amber: held by something in force, or below its limit; red again when even so it will not drain."""
    if card.incident.state is IncidentState.MITIGATED:
        return AMBER
    if broken(card):
        return RED
    if below(card):
        return AMBER
    held = any(m.state is MitigationState.IN_FORCE for m in card.in_force)
    return AMBER if held and not stuck(card) else RED


def _numbers(card: IncidentCard, run: Run) -> list[str]:
    goal = run.without.goal if run.without else None
    limit = card.incident.limit or goal
    waiting = _waiting(run.depth or 0) + (f" (limit {count(limit)})" if limit else "")
    trend = [rate(run.net_per_minute)] if run.depth and run.net_per_minute is not None else []
    if (minutes := climbs(card)) is not None:
        return [waiting, *trend, f"at its limit {about(minutes)}"]
    now, plain = outlook(card), below(card) and limit == goal  # the two numbers before it say so
    return [waiting, *trend, *([prospect(now)] if now and not plain else [])]


def _without_numbers(card: IncidentCard) -> list[str]:
    run = card.run
    if run and run.trouble:
        return ["the broker does not answer", *(["last seen " + _waiting(run.depth)] if run.depth is not None else [])]
    if run and run.results:
        return ["depth unknown"] if card.incident.queue else []
    return ["looking at the cluster now"] if run and run.runbook else []


def _waiting(depth: int) -> str:
    return f"{count(depth)} waiting"


def prospect(forecast: Forecast) -> str:
    """Return a forecast in words."""
    match forecast.prospect:
        case Prospect.ALREADY_BELOW:
            return f"below {count(forecast.goal)} now"
        case Prospect.DRAINS if (forecast.minutes or 0) >= HOURS:
            return f"not below {count(forecast.goal)} for hours"
        case Prospect.DRAINS:
            return f"below {count(forecast.goal)} {about(forecast.minutes or 0)}"
        case Prospect.WILL_NOT_DRAIN:
            return "will not drain"
    return "no forecast yet"


def conditions(card: IncidentCard) -> list[str]:
    """Return what holds over everything: why there are no numbers, frozen, observe mode."""
    frozen = ["❄️ Executions are frozen. `/celery unfreeze` ends that."] if card.frozen else []
    observe = ["👀 Observe mode: buttons only say what would be done."] if card.mode is Mode.OBSERVE else []
    why = card.run.trouble.partition(". ")[0].rstrip(".") if card.run and card.run.trouble else ""
    trouble = [f"❓ {prose(why)}."] if why else []  # its first sentence: what to do then is the line above
    return [] if card.incident.over else [*trouble, *frozen, *observe]


def owner_words(card: IncidentCard) -> str:
    """Return who has it."""
    return f"{mention(card.incident.owner)} has it" if card.incident.owner else "nobody has it yet"
