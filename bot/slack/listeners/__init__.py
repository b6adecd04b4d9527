"""One small file for each kind of thing that people and systems do in Slack."""

from slack_bolt.async_app import AsyncApp

from bot.slack.listeners import (
    alerts,
    commands,
    forms,
    home,
    incidents,
    looks,
    membership,
    mentions,
    mitigations,
    requests,
    shortcuts,
    status,
    unknown,
)
from bot.slack.tools import Tools


def register(app: AsyncApp, tools: Tools) -> None:
    """Register all of them; what is unknown comes last, since Bolt takes the first that matches."""
    people = (commands, mentions, home, incidents, requests, mitigations, status, looks, shortcuts, forms)
    for part in (alerts, membership, *people):
        part.register(app, tools)
    unknown.register(app, tools)
