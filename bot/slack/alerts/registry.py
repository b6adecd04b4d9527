"""Which parsers there are, and in which order they are tried."""

from bot.domain.alert import Alert
from bot.slack.alerts import alertmanager, generic, plain_text
from bot.slack.alerts.reading import Message

KNOWN_FORMS = (alertmanager.parse, plain_text.parse)
"""Forms that are alerts beyond doubt, whoever sent them."""


def parse(message: Message, channel: str) -> Alert | None:
    """Return the alert in a listed sender's message; None when the message says nothing.

    `message` is a Slack message as it reads now: of an edit, the message inside the event.
    """
    for form in (*KNOWN_FORMS, generic.parse):
        if alert := form(message, channel):
            return alert
    return None


def looks_like_alert(message: Message) -> bool:
    """Return whether an unlisted sender's message has the form of an alert, so that somebody should list it."""
    return any(form(message, "") for form in KNOWN_FORMS)
