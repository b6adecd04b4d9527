"""Which cards show a thing: whoever changes it says here that its cards must follow."""

from datetime import datetime

from bot.domain.action import Execution
from bot.domain.approval import ApprovalRequest
from bot.domain.card import CardKind
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation
from bot.ports import Tx


def show_incident(tx: Tx, incident_id: str | None, at: datetime) -> None:
    """Have an incident's status message and its mark on the alert follow; nothing for one without a root message."""
    if incident_id is None:
        return
    incident: Incident = tx.incidents.get(incident_id)
    if incident.root_ts is None:
        return
    tx.cards.want(CardKind.INCIDENT, incident.id, incident.channel, at, thread_ts=incident.root_ts)
    tx.cards.want(CardKind.MARK, incident.id, incident.channel, at, thread_ts=incident.root_ts)


def show_request(tx: Tx, request: ApprovalRequest, at: datetime) -> None:
    """Have a request's message in its thread and the direct messages to those asked follow."""
    tx.cards.want(CardKind.REQUEST, request.id, request.channel, at, thread_ts=request.thread_ts)
    for person in request.asked:
        tx.cards.want(CardKind.REQUEST_DM, f"{request.id}/{person}", person, at)
    show_incident(tx, request.incident_id, at)


def show_execution(tx: Tx, execution: Execution, at: datetime) -> None:
    """Have an execution's message follow, its incident's, and once it ended those of the request people approved."""
    tx.cards.want(CardKind.EXECUTION, execution.id, execution.channel, at, thread_ts=execution.thread_ts)
    if execution.ended and execution.request_id and (request := tx.requests.get(execution.request_id)).asked:
        show_request(tx, request, at)
    show_incident(tx, execution.incident_id, at)


def show_ending(tx: Tx, mitigation: Mitigation, at: datetime) -> None:
    """Have the owner warned that a mitigation ends: a message of its own for each end, since edits notify nobody."""
    subject = f"{mitigation.id}/{int(mitigation.ends_at.timestamp())}"
    tx.cards.want(CardKind.ENDING, subject, mitigation.channel, at, thread_ts=mitigation.thread_ts)


def follow_endings(tx: Tx, mitigation_id: str, at: datetime) -> None:
    """Have warnings that were given follow, once the end they warned of was moved or came early."""
    for card in tx.cards.of_kind(CardKind.ENDING):
        if card.subject.startswith(f"{mitigation_id}/"):
            tx.cards.want(CardKind.ENDING, card.subject, card.channel, at, thread_ts=card.thread_ts)


def refresh_homes(tx: Tx, at: datetime) -> None:
    """Have every Home tab that was ever opened follow."""
    for card in tx.cards.of_kind(CardKind.HOME):
        tx.cards.want(CardKind.HOME, card.subject, card.channel, at)
