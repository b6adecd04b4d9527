"""Somebody opened the Home tab."""

from slack_bolt.async_app import AsyncApp

from bot.domain.card import CardKind
from bot.ports import Ports
from bot.slack.deliveries import Body
from bot.slack.handling import handled
from bot.slack.tools import Tools


def register(app: AsyncApp, tools: Tools) -> None:
    """Listen for it."""
    app.event("app_home_opened")(handled(tools, opened))


async def opened(tools: Tools, body: Body) -> None:
    """Have the person's Home tab drawn, and from now on kept in step."""
    if body["event"].get("tab", "home") == "home":
        await tools.db(want_home, body["event"]["user"])


def want_home(ports: Ports, user: str) -> None:
    """Want one person's Home tab shown."""
    with ports.store.write() as tx:
        tx.cards.want(CardKind.HOME, user, user, ports.clock.now())
