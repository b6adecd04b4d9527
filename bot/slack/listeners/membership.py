"""Somebody joined a channel; it concerns us when it was the bot itself."""

from slack_bolt.async_app import AsyncApp

from bot.domain.card import CardKind
from bot.ports import Ports
from bot.slack.deliveries import Body
from bot.slack.handling import handled
from bot.slack.tools import Tools

MESSAGES = tuple(k for k in CardKind if k not in (CardKind.HOME, CardKind.REQUEST_DM))


def register(app: AsyncApp, tools: Tools) -> None:
    """Listen for it."""
    app.event("member_joined_channel")(handled(tools, joined))


async def joined(tools: Tools, body: Body) -> None:
    """Say now in this channel what could not be said before we were in it."""
    if body["event"]["user"] == tools.me.user:
        await tools.db(revive, body["event"]["channel"])


def revive(ports: Ports, channel: str) -> None:
    """Take up the cards again that were given up in a channel."""
    with ports.store.write() as tx:
        for card in (c for kind in MESSAGES for c in tx.cards.of_kind(kind)):
            if card.channel == channel and card.dead:
                tx.cards.published(card.model_copy(update={"dead": None, "retry_at": None}))
