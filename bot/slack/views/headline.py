"""The two lines that must be enough at 3 a.m.: what is wrong in numbers; what to do next, and what it will bring."""

from bot.domain.action import ExecutionState
from bot.domain.approval import RequestState
from bot.domain.card import IncidentCard, Offer
from bot.domain.cluster import Mode
from bot.domain.forecast import Forecast, Prospect
from bot.domain.incident import IncidentState
from bot.domain.mitigation import MitigationState
from bot.domain.run import Run, StepState, Suggestion
from bot.slack.views.activity import mitigation_line
from bot.slack.views.formatting import about, count, escape, lasted, mention, name, people, prose, rate, when
from bot.slack.views.phrases import capital, doing, short

RED, AMBER, GREEN = "🔴", "🟠", "🟢"


def top_offer(card: IncidentCard) -> Offer | None:
    """Return the offer to press first: the one the forecast is about. What is asked for or in force is none."""
    open_offers = open_offers_of(card)
    relief = card.run.suggestion.relief.queue if card.run and card.run.suggestion else None
    suggested = (o for o in open_offers if relief and o.proposal.params.get("queue") == relief)
    return next(suggested, next(iter(open_offers), None))


def open_offers_of(card: IncidentCard) -> list[Offer]:
    """Return the offers that may be taken up; none while the broker, which they all need, does not answer."""
    if card.run is None or card.run.trouble:
        return []
    return [o for o in card.offers if not _taken_up(card, o) and (o.alone or o.asks)]


def _taken_up(card: IncidentCard, offer: Offer) -> bool:
    asked = [r.proposal.digest for r in card.requests if r.state is RequestState.PENDING]
    running = [e.proposal.digest for e in card.executions if not e.ended]
    paused = [m.target for m in card.in_force] if offer.proposal.action == "pause_queue" else []
    return offer.proposal.digest in (*asked, *running) or offer.proposal.params.get("queue") in paused


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
    """Amber: held by something in force; red again when even so it will not drain."""
    if card.incident.state is IncidentState.MITIGATED:
        return AMBER
    held = any(m.state is MitigationState.IN_FORCE for m in card.in_force)
    draining = not (card.run and card.run.without and card.run.without.prospect is Prospect.WILL_NOT_DRAIN)
    return AMBER if held and draining else RED


def _numbers(card: IncidentCard, run: Run) -> list[str]:
    limit = card.incident.limit or (run.without.goal if run.without else None)
    waiting = _waiting(run.depth or 0) + (f" (limit {count(limit)})" if limit else "")
    trend = [] if run.net_per_minute is None else [rate(run.net_per_minute)]
    return [waiting, *trend, *([prospect(run.without)] if run.without else [])]


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
        case Prospect.DRAINS:
            return f"below {count(forecast.goal)} {about(forecast.minutes or 0)}"
        case Prospect.WILL_NOT_DRAIN:
            return "will not drain"
    return "no forecast yet"


def next_step(card: IncidentCard) -> str:
    """Return the second line: the one thing to do, or what is being done."""
    if card.incident.state is IncidentState.RESOLVED:
        return _when_resolved(card)
    return f"Next: {_busy(card) or _watching(card) or _suggested(card)}"


def _when_resolved(card: IncidentCard) -> str:
    incident = card.incident
    ended = incident.resolved_at or card.now
    took = lasted(ended - incident.opened_at)
    left = "; ".join(mitigation_line(m, card.now) for m in card.in_force[:3])
    return f"Resolved {when(ended, card.now)}, after {took}. {left or 'Nothing more to do.'}"


def _busy(card: IncidentCard) -> str | None:
    """Return what somebody or something is at already."""
    if card.run and card.run.trouble:
        return f"check the broker of {name(card.incident.cluster)}."
    if any(e.state is ExecutionState.INTERRUPTED for e in card.executions[-1:]):
        return "a person must look, see below."
    if running := [e for e in card.executions if not e.ended]:
        return f"wait a moment. {escape(capital(doing(running[-1].proposal)))} now."
    if pending := [r for r in card.requests if r.state is RequestState.PENDING]:
        return f"{people(pending[-1].asked)} must approve: {escape(short(pending[-1].proposal))}."
    return None


def _watching(card: IncidentCard) -> str | None:
    """Return what to watch while something of ours is in force."""
    if not card.in_force:
        return None
    held = card.in_force[-1]
    queue, until = name(held.target), when(held.ends_at, card.now)
    if held.state is MitigationState.PARTIAL:
        return f"a person must look. {queue} may be paused only in part."
    if card.incident.state is IncidentState.MITIGATED:
        return f"resume {queue}, or leave it: it resumes by itself at {until}."
    if (offer := top_offer(card)) and not _drains(card):
        return f"{_ask(offer)} too. {queue} is paused until {until}."
    return f"watch it drain. {queue} is paused until {until}."


def _drains(card: IncidentCard) -> bool:
    without = card.run.without if card.run else None
    return without is None or without.prospect is not Prospect.WILL_NOT_DRAIN


def _suggested(card: IncidentCard) -> str:
    offer, run = top_offer(card), card.run
    if run is None or run.runbook is None:
        return f"look at `/celery status {name(card.incident.cluster)}`. No runbook fits this alert."
    if not run.results:
        return "wait a moment, the first numbers are coming."
    if card.frozen:
        return "say `/celery unfreeze`. Until then the bot changes nothing."
    if offer and run.suggestion and run.suggestion.relief.queue == offer.proposal.params.get("queue"):
        return f"{_ask(offer)}. {gain(run.suggestion)}"
    if offer:
        return f"{_ask(offer)}."
    if run.without and run.without.prospect is Prospect.ALREADY_BELOW:
        return "nothing to do. It is below its limit, the alert should end by itself."
    if any(r.state is StepState.BY_HAND for r in run.results):
        return "nothing can be paused to help. Run the command below."
    return "read the checks below. Nothing can be paused to help."


def _ask(offer: Offer) -> str:
    wish = escape(short(offer.proposal))
    return wish if offer.alone else f"ask {escape(' or '.join(offer.asks))} to {wish}"


def gain(suggestion: Suggestion) -> str:
    """Return what following it will bring: "Frees 2 of 4 slots; below 500 in about 28 min"."""
    relief, then = suggestion.relief, suggestion.with_it
    slots = f"Frees {count(relief.frees)} of {count(relief.of)} slots"
    return f"{slots}; {'it would still not drain' if then.prospect is Prospect.WILL_NOT_DRAIN else prospect(then)}"


def conditions(card: IncidentCard) -> list[str]:
    """Return what holds over everything: why there are no numbers, frozen, observe mode."""
    frozen = ["❄️ Executions are frozen. `/celery unfreeze` ends that."] if card.frozen else []
    observe = ["👀 Observe mode: buttons only say what would be done."] if card.mode is Mode.OBSERVE else []
    trouble = [f"❓ {prose(card.run.trouble)}"] if card.run and card.run.trouble else []
    return [] if card.incident.over else [*trouble, *frozen, *observe]


def owner_words(card: IncidentCard) -> str:
    """Return who has it."""
    return f"{mention(card.incident.owner)} has it" if card.incident.owner else "nobody has it yet"
