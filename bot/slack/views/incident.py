"""An incident's status message: edited in place, in the words of somebody woken at 3 a.m."""

from bot.domain.action import Preview
from bot.domain.approval import RequestState
from bot.domain.card import IncidentCard, Offer
from bot.domain.cluster import Mode
from bot.domain.incident import IncidentState
from bot.domain.mitigation import MitigationState
from bot.slack.ids import ActionId, OverflowChoice
from bot.slack.views.activity import execution_line, mitigation_line, request_line
from bot.slack.views.blocks import Block, actions, button, confirm, context, lines, message, overflow, section
from bot.slack.views.buttons import resume_button
from bot.slack.views.findings import MOST_CHECKS, check_lines, step_blocks
from bot.slack.views.formatting import bold, count, fitted, name, when
from bot.slack.views.headline import conditions, headline, owner_words
from bot.slack.views.message import Message
from bot.slack.views.next_step import is_next, next_step
from bot.slack.views.phrases import capital, preview_sentences, short, what
from bot.slack.views.standing import below, broken, command_to_run, open_offers_of, top_offer

MOST_ACTIVITY = 6


def incident_message(card: IncidentCard) -> Message:
    """Return the card: numbers, what next, buttons, what goes on, checks, steps, and where it all comes from.

    The buttons stand above the checks, so that a thumb reaches them without scrolling.
    """
    first, second = headline(card), next_step(card)
    details = _details(card) if not card.incident.over else []
    return message(
        f"{first}\n{second}",
        section("\n".join([bold(first), second, *conditions(card)])),
        None if card.incident.over else _buttons(card),
        lines(_activity(card), MOST_ACTIVITY + 6),
        *details,
        context(_origin(card)),
    )


def _details(card: IncidentCard) -> list[Block]:
    """Return what the checks found, and the steps while there is something to be done about it."""
    if card.run is None or card.run.trouble:
        return []
    checks = lines(check_lines(card.run), MOST_CHECKS)
    found = [checks] if checks else []
    calm = below(card) and not broken(card) and not open_offers_of(card)
    if card.incident.state is IncidentState.MITIGATED or calm:
        return found
    return [*found, *step_blocks(card.run, [o.step_id for o in open_offers_of(card)], command_to_run(card))]


def _activity(card: IncidentCard) -> list[str]:
    """Return what is in force, then what was asked and done, latest last; approved requests show as executions."""
    asked = [r for r in card.requests if r.state is not RequestState.APPROVED]
    dated = [(r.requested_at, request_line(r, card.now)) for r in asked]
    dated += [(e.queued_at, execution_line(e)) for e in card.executions]
    happened = [line for _, line in sorted(dated, key=lambda d: d[0])]
    earlier = len(happened) - MOST_ACTIVITY
    older = [f"… {count(earlier)} earlier"] if earlier > 0 else []
    in_force = fitted([mitigation_line(m, card.now) for m in card.in_force], 5)
    return [*in_force, *older, *happened[-MOST_ACTIVITY:]]


def _buttons(card: IncidentCard) -> Block | None:
    incident = card.incident
    menu = [("Refresh numbers", OverflowChoice.REFRESH)]
    if card.run and any(r.command for r in card.run.results):
        menu.append(("Commands to copy", OverflowChoice.COMMANDS))
    if not card.frozen and _offered(card):
        menu.append(("Do something else", OverflowChoice.ACT))
    menu.append(("Resolve by hand", OverflowChoice.RESOLVE))
    own = None if incident.owner else button("I've got it", ActionId.OWN, incident.id)
    return actions("incident", _offer_button(card), _resume(card), _act(card), own, overflow(menu, incident.id))


def _act(card: IncidentCard) -> Block | None:
    """Return the way to what is not offered as it stands: the same with other parameters, else any action."""
    if card.frozen:
        return None
    offer = _offered(card)
    if offer is not None and card.run is not None:
        return button("Change…", ActionId.CHANGE, f"{card.run.id}/{offer.step_id}")
    return button("Act…", ActionId.ACT_ON, card.incident.id)


def _offered(card: IncidentCard) -> Offer | None:
    """Return what the card's own button offers."""
    no_more = card.run is None or card.frozen or card.incident.state is IncidentState.MITIGATED
    return None if no_more else top_offer(card)


def _offer_button(card: IncidentCard) -> Block | None:
    offer = _offered(card)
    if offer is None or card.run is None:
        return None
    return button(
        offer_label(offer),
        ActionId.OFFER,
        f"{card.run.id}/{offer.step_id}/{offer.proposal.digest[:12]}",
        confirm=_confirm(card, offer),
        primary=is_next(card, offer),
    )


def offer_label(offer: Offer) -> str:
    """Return "Pause analytics" for what one person may do, "Ask to pause analytics" for what needs others."""
    return capital(short(offer.proposal)) if offer.alone else f"Ask to {short(offer.proposal)}"


def _confirm(card: IncidentCard, offer: Offer) -> Block:
    """Return the dialog: what it will do, or whom it asks to allow that."""
    observe = ["Observe mode: nothing will be changed."] if card.mode is Mode.OBSERVE else []
    asks = [] if offer.alone else [f"This asks {' or '.join(offer.asks)} to approve."]
    will = preview_sentences(offer.preview or Preview.model_validate({"summary": offer.title, "radius": {}}))
    wish = what(offer.proposal)
    title = f"{capital(wish)}?" if offer.alone else f"Ask to {wish}?"
    return confirm(title, [*observe, *asks, *will], capital(short(offer.proposal)) if offer.alone else "Ask")


def _resume(card: IncidentCard) -> Block | None:
    """Offer the way back once the alert is over and only our own pause is left."""
    left = [m for m in card.in_force if m.state in (MitigationState.IN_FORCE, MitigationState.PARTIAL)]
    if card.incident.state is not IncidentState.MITIGATED or not left or card.frozen:
        return None
    return resume_button(left[-1])


def _age(card: IncidentCard) -> str:
    """Return when the numbers were read; while the broker is away, that is older than the last look."""
    run = card.run
    if run is None or not run.results or card.incident.over:
        return ""
    read = max((r.finding.at for r in run.results if r.finding), default=run.updated_at)
    return f"numbers of {when(read if run.trouble else run.updated_at, card.now, seconds=True)}"


def _origin(card: IncidentCard) -> str:
    """Return the small print: runbook, cluster, owner, age of the numbers, and what is a guess."""
    incident, run = card.incident, card.run
    parts = [
        name(run.runbook.title, 100) if run and run.runbook else "",
        name(incident.cluster),
        owner_words(card) if incident.owner or not incident.over else "",
        f"fired {count(len(incident.repeats) + 1)} times" if incident.repeats else "",
        _age(card),
    ]
    return " · ".join(p for p in parts if p) + _doubt(card)


def _doubt(card: IncidentCard) -> str:
    """Return in a line of its own why the queue may not be the one that is meant."""
    incident, run = card.incident, card.run
    if not incident.queue or incident.over:
        return ""
    if incident.queue_guessed:
        return f"\nThe alert names no queue. {name(incident.queue)} is a guess: it was the deepest above its limit."
    if run and run.updated_at != incident.opened_at and run.depth is None and not run.trouble:
        return f"\n{name(incident.cluster)} shows no queue {name(incident.queue)}. Does the alert name another one?"
    return ""
