"""The second line of an incident's card: the one thing to do next, and what it will bring."""

from bot.domain.action import ExecutionState
from bot.domain.approval import RequestState
from bot.domain.card import IncidentCard, Offer
from bot.domain.forecast import Prospect
from bot.domain.incident import IncidentState
from bot.domain.mitigation import RATE, MitigationState
from bot.domain.run import Finding, Suggestion
from bot.slack.views.activity import mitigation_line
from bot.slack.views.formatting import count, escape, lasted, name, people, told, when
from bot.slack.views.headline import prospect
from bot.slack.views.phrases import capital, doing, short
from bot.slack.views.standing import below, broken, command_to_run, drains, stuck, top_offer


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
    return f"Resolved {when(ended, card.now)}, after {took}. {left or _left_aside(card) or 'Nothing more to do.'}"


def _left_aside(card: IncidentCard) -> str:
    """Return where to find what was set aside for this incident and not put back; nothing where that is nothing."""
    done = [e for e in card.executions if e.state is ExecutionState.VERIFIED]
    back = {e.proposal.params.get("archive") for e in done if e.proposal.action in ("restore_archive", "drop_archive")}
    aside = [e for e in done if e.proposal.action == "purge_queue" and e.id not in back]
    return "What was set aside has yet to be put back: see `/celery archives`." if aside else ""


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
    if held.kind == RATE:
        return f"watch it. {mitigation_line(held, card.now)}."
    queue, until = name(held.target), when(held.ends_at, card.now)
    if held.state is MitigationState.PARTIAL:
        return f"a person must look. {queue} may be paused only in part."
    if card.incident.state is IncidentState.MITIGATED:
        return f"resume {queue}, or leave it: it resumes by itself at {until}."
    if finding := broken(card):
        return _first(finding)
    if below(card):
        return f"nothing to do. It is below its limit; {queue} resumes by itself at {until}."
    if (offer := top_offer(card)) and stuck(card):
        return f"{_ask(offer)} too. {queue} is paused until {until}."
    if stuck(card):
        return f"{_by_hand(card)} Pausing {queue} is not enough."
    return f"watch it drain. {queue} is paused until {until}."


def _suggested(card: IncidentCard) -> str:
    offer, run = top_offer(card), card.run
    if run is None or run.runbook is None:
        return f"look at `/celery status {name(card.incident.cluster)}`. No runbook fits this alert."
    if not run.results:
        return "wait a moment, the first numbers are coming."
    if offer and card.frozen:
        return "say `/celery unfreeze`. Until then the bot changes nothing."
    if offer and run.suggestion and run.suggestion.relief.queue == offer.proposal.params.get("queue"):
        return f"{_ask(offer)}. {gain(run.suggestion)}"
    if offer:
        return f"{_ask(offer)}."
    if finding := broken(card):
        return _first(finding)
    if below(card):
        return "nothing to do. It is below its limit, the alert should end by itself."
    if card.incident.queue is None and run.runbook.about_queue:
        look = f"look at `/celery status {name(card.incident.cluster)}`."
        return f"{look} The alert names no queue, and none is backed up."
    return "watch it drain by itself." if drains(card) else _by_hand(card)


def _first(finding: Finding) -> str:
    return f"see to this first. {told(finding.sentence, 300)}"


def _by_hand(card: IncidentCard) -> str:
    """Return what people can do where no offer helps."""
    if command_to_run(card):
        return f"nothing{' else' if card.in_force else ''} can be paused to help. Run the command below."
    return "read the checks below."


def is_next(card: IncidentCard, offer: Offer) -> bool:
    """Return whether taking up an offer is the one thing to do; else it is there for who wants more."""
    return next_step(card).startswith(f"Next: {_ask(offer)}")


def _ask(offer: Offer) -> str:
    wish = escape(short(offer.proposal))
    return wish if offer.alone else f"ask {escape(' or '.join(offer.asks))} to {wish}"


def gain(suggestion: Suggestion) -> str:
    """Return what following it will bring: "Frees 2 of 4 slots; below 500 in about 28 min"."""
    relief, then = suggestion.relief, suggestion.with_it
    slots = f"Frees {count(relief.frees)} of {count(relief.of)} slots"
    if then.prospect is Prospect.ALREADY_BELOW:
        return f"{slots}."
    return f"{slots}; {'it would still not drain' if then.prospect is Prospect.WILL_NOT_DRAIN else prospect(then)}"
