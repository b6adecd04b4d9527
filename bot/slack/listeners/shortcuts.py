"""“Treat as an alert”, on any message."""

from slack_bolt.async_app import AsyncApp

from bot.slack.alerts import parse
from bot.slack.answers import place_of
from bot.slack.deliveries import Body
from bot.slack.handling import handled
from bot.slack.ids import CallbackId
from bot.slack.listeners.alerts import take_in
from bot.slack.tools import Tools


def register(app: AsyncApp, tools: Tools) -> None:
    """Listen for it."""
    app.shortcut(CallbackId.TREAT_AS_ALERT.value)(handled(tools, treat_as_alert))


async def treat_as_alert(tools: Tools, body: Body) -> None:
    """Open an incident for a message, whoever wrote it."""
    place, message, channel = place_of(body), body["message"], body["channel"]["id"]
    assert place is not None  # noqa: S101 - a shortcut always has a person
    if channel not in tools.config.channels:
        await tools.tell(place, "The bot works in its own channels only. Share the message there and try again.")
        return
    alert = parse(message, channel)
    if alert is None:
        await tools.tell(place, "This message holds no text to go by, so no incident was opened.")
        return
    await take_in(tools, alert)
    await tools.tell(place, f"Treated as an alert: “{alert.name}”. What is found stands in its thread.")
