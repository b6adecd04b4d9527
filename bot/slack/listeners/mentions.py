"""`@celery-oncall …`: the same grammar where slash commands do not work, in threads."""

import re

from slack_bolt.async_app import AsyncApp

from bot.slack.answers import place_of
from bot.slack.asked import do
from bot.slack.deliveries import Body
from bot.slack.handling import handled
from bot.slack.tools import Tools


def register(app: AsyncApp, tools: Tools) -> None:
    """Listen for it."""
    app.event("app_mention")(handled(tools, mentioned))


async def mentioned(tools: Tools, body: Body) -> None:
    """Do what follows the mention, and answer the person in the thread."""
    place = place_of(body)
    if place is None or by_a_program(body):
        return
    await do(tools, place, re.sub(f"<@{tools.me.user}(\\|[^>]*)?>", "", body["event"].get("text", "")).strip())


def by_a_program(body: Body) -> bool:
    """Return whether an app wrote the mention: programs do not command us."""
    return bool(body["event"].get("bot_id"))
