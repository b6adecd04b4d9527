"""What an incident's numbers amount to: whether it drains, what is broken, what may be offered now."""

from bot.domain.action import Execution, ExecutionState
from bot.domain.approval import RequestState
from bot.domain.card import IncidentCard, Offer
from bot.domain.forecast import Forecast, Prospect
from bot.domain.incident import IncidentState
from bot.domain.run import Finding, Level, StepState

SOON = 15
"""Minutes within which a queue that grows towards its limit is not called below it."""
HOURS = 120
"""Minutes from which on a forecast names no number: so slow a drain is measured in noise, and would jump about."""

MAKES_ROOM = frozenset({"pause_queue", "resize_pools", "scale_workers"})
"""Actions that are of use to a queue that is backed up, and to no other."""


def top_offer(card: IncidentCard) -> Offer | None:
    """Return the offer to press first: the one the forecast is about, else one that needs nobody else.

    What is asked for, done or in force is none.
    """
    open_offers = open_offers_of(card)
    relief = card.run.suggestion.relief.queue if card.run and card.run.suggestion else None
    suggested = (o for o in open_offers if relief and o.proposal.params.get("queue") == relief)
    alone = (o for o in open_offers if o.alone)
    return next(suggested, next(alone, next(iter(open_offers), None)))


def open_offers_of(card: IncidentCard) -> list[Offer]:
    """Return the offers that may be taken up: none that is not needed, none while the broker does not answer.

    A queue below its limit needs no room made for it; what is to be put back or taken out is another matter.
    """
    if card.run is None or card.run.trouble:
        return []
    needed = [o for o in card.offers if not (below(card) and o.proposal.action in MAKES_ROOM)]
    return [o for o in needed if not _taken_up(card, o) and (o.alone or o.asks)]


def _taken_up(card: IncidentCard, offer: Offer) -> bool:
    asked = [r.proposal.digest for r in card.requests if r.state is RequestState.PENDING]
    running = [e.proposal.digest for e in card.executions if not e.ended or _lasts(e)]
    paused = [m.target for m in card.in_force] if offer.proposal.action == "pause_queue" else []
    return offer.proposal.digest in (*asked, *running) or offer.proposal.params.get("queue") in paused


def _lasts(execution: Execution) -> bool:
    """Return whether it is done and has no end of its own: to do it again would add to it."""
    return execution.state is ExecutionState.VERIFIED and execution.mitigation_id is None


def outlook(card: IncidentCard) -> Forecast | None:
    """Return the forecast; what was forecast before something was done says nothing of how it goes on."""
    without = card.run.without if card.run else None
    if card.run is None or without is None or without.prospect is Prospect.ALREADY_BELOW:
        return without
    acted = [m.began_at for m in card.in_force] + [e.ended_at for e in card.executions if e.started_at and e.ended_at]
    outdated = bool(acted) and max(acted) > card.run.updated_at
    return Forecast(prospect=Prospect.TOO_EARLY, goal=without.goal) if outdated else without


def _room(card: IncidentCard) -> int | None:
    """Return how many more messages may wait before the queue is at its limit, or the alert's; None if it is there."""
    run, limit = card.run, card.incident.limit
    if run is None or run.depth is None or run.without is None or run.without.prospect is not Prospect.ALREADY_BELOW:
        return None
    room = min(run.without.goal, limit or run.without.goal) - run.depth
    return room if room > 0 else None


def climbs(card: IncidentCard) -> float | None:
    """Return in how many minutes a queue that is below its limit will be at it; None where that is not soon."""
    room, net = _room(card), card.run.net_per_minute if card.run else None
    minutes = room / net if room and net and net > 0 else None
    return minutes if minutes is not None and minutes < SOON else None


def below(card: IncidentCard) -> bool:
    """Return whether the queue is below its limit and the alert's own, and will be for a while."""
    return _room(card) is not None and climbs(card) is None


def broken(card: IncidentCard) -> Finding | None:
    """Return what has to be put right before anything else, if a check found such a thing: no worker at all, say."""
    findings = [r.finding for r in card.run.results if r.finding] if card.run and not card.run.trouble else []
    return next((f for f in findings if f.level is Level.BAD), None)


def drains(card: IncidentCard) -> bool:
    """Return whether it falls below its limit within hours, as things are."""
    now = outlook(card)
    return now is not None and now.prospect is Prospect.DRAINS and (now.minutes or 0) < HOURS


def stuck(card: IncidentCard) -> bool:
    """Return whether it is known not to fall below its limit within hours."""
    now = outlook(card)
    known = now is not None and now.prospect in (Prospect.DRAINS, Prospect.WILL_NOT_DRAIN)
    return known and not drains(card)


def waits(card: IncidentCard) -> bool:
    """Return whether something is on its way already, so that nothing else is to be begun."""
    running = any(not e.ended for e in card.executions)
    return running or any(r.state is RequestState.PENDING for r in card.requests)


def command_to_run(card: IncidentCard) -> str | None:
    """Return the id of the step whose command is the next thing to do; None while something else is."""
    if card.run is None or card.run.trouble or card.incident.state is not IncidentState.OPEN:
        return None
    if below(card) or broken(card) or drains(card) or open_offers_of(card) or waits(card):
        return None
    if card.in_force and not stuck(card):
        return None
    return next((r.id for r in card.run.results if r.state is StepState.BY_HAND and r.command), None)
