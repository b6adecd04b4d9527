"""`/celery …`"""

from slack_bolt.async_app import AsyncApp

from bot.slack.answers import place_of
from bot.slack.asked import do
from bot.slack.deliveries import Body
from bot.slack.handling import handled
from bot.slack.tools import Tools

COMMAND = "/celery"


def register(app: AsyncApp, tools: Tools) -> None:
    """Listen for it."""
    app.command(COMMAND)(handled(tools, typed))


async def typed(tools: Tools, body: Body) -> None:
    """Do what was typed and answer the person alone."""
    place = place_of(body)
    assert place is not None  # noqa: S101 - a command always has a person
    await do(tools, place, body.get("text", ""))
