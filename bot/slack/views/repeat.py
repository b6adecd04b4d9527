"""One line under an alert that was sent again."""

from bot.domain.incident import Incident
from bot.slack.views.blocks import context, message
from bot.slack.views.formatting import linked, name, when
from bot.slack.views.message import Message


def repeat_message(incident: Incident, link: str) -> Message:
    """Return where the incident of this repeated alert is; `link` is the address of its first message."""
    subject = incident.queue or incident.alert.name
    line = f"Same alert as before: {linked(subject, link)}, since {when(incident.opened_at)}."
    return message(f"Same alert as before: {name(subject)}.", context(line))
