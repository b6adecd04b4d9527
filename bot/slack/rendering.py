"""From a card to what is to stand in Slack, from the truth as it is now."""

from collections.abc import Callable
from functools import partial

from bot.domain.card import Card, CardKind
from bot.domain.incident import Incident, IncidentState
from bot.ports import Ports, Tx
from bot.slack.answers import sentence
from bot.slack.content import EYES, TICK, Content, HomeTab, Mark
from bot.slack.views.ending import ending_message
from bot.slack.views.execution import execution_message
from bot.slack.views.home import home_view
from bot.slack.views.incident import incident_message
from bot.slack.views.message import Message
from bot.slack.views.repeat import repeat_message
from bot.slack.views.request import request_message
from bot.usecases import cards


def render(ports: Ports, workspace: str, tx: Tx, card: Card) -> Content:
    """Return what is to be shown; `workspace` is the workspace's address, for links. Raises NotFound."""
    match card.kind:
        case CardKind.MARK:
            return _mark(tx.incidents.get(card.subject))
        case CardKind.HOME:
            return HomeTab(card.subject, home_view(cards.home(ports, tx, card.subject), partial(_link, workspace)))
        case CardKind.NOTICE:
            return sentence(card.text or "")
        case CardKind.REPEAT:
            incident = tx.incidents.get(card.subject.split("/")[0])
            return repeat_message(incident, _link(workspace, incident))
        case CardKind.REQUEST | CardKind.REQUEST_DM:
            return _request(ports, workspace, tx, *card.subject.split("/"))
    return _MESSAGES[card.kind](ports, tx, card.subject)


def _mark(incident: Incident) -> Mark:
    if incident.state is IncidentState.RESOLVED:
        return Mark(incident.root_ts, TICK, instead_of=EYES)
    return Mark(incident.root_ts, EYES, instead_of=None)


def _link(workspace: str, incident: Incident) -> str:
    """Return the address of the incident's first message, as Slack makes it."""
    return f"{workspace}archives/{incident.channel}/p{(incident.root_ts or incident.last_ts).replace('.', '')}"


def _incident(ports: Ports, tx: Tx, subject: str) -> Message:
    return incident_message(cards.incident_card(ports, tx, subject))


def _request(ports: Ports, workspace: str, tx: Tx, request: str, reader: str | None = None) -> Message:
    card = cards.request_card(ports, tx, request, reader=reader)
    return request_message(card, _link(workspace, card.incident) if card.incident else "")


def _execution(ports: Ports, tx: Tx, subject: str) -> Message:
    return execution_message(cards.execution_card(ports, tx, subject))


def _ending(ports: Ports, tx: Tx, subject: str) -> Message:
    return ending_message(cards.ending_card(ports, tx, subject.split("/")[0]))


_MESSAGES: dict[CardKind, Callable[[Ports, Tx, str], Message]] = {
    CardKind.INCIDENT: _incident,
    CardKind.EXECUTION: _execution,
    CardKind.ENDING: _ending,
}
