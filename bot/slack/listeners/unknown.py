"""What no other listener knows: buttons of older versions, links, other apps' business."""

import re

import structlog
from slack_bolt.async_app import AsyncApp

from bot.slack.answers import Click
from bot.slack.deliveries import Body
from bot.slack.handling import clicked, handled
from bot.slack.ids import ActionId
from bot.slack.tools import Tools

log = structlog.get_logger(__name__)

ANYTHING = re.compile(".*")


def register(app: AsyncApp, tools: Tools) -> None:
    """Listen for all the rest, so that nothing stays unacknowledged or unhandled."""
    app.action(ActionId.LINK.value)(handled(tools, ignore))
    app.action(ANYTHING)(clicked(tools, outdated))
    app.event(ANYTHING)(handled(tools, ignore))
    app.view(ANYTHING)(handled(tools, ignore))
    app.shortcut(ANYTHING)(handled(tools, ignore))
    app.command(ANYTHING)(handled(tools, ignore))


async def ignore(_tools: Tools, body: Body) -> None:
    """Nothing is to be done."""
    log.debug("ignored", type=body.get("type"))


async def outdated(tools: Tools, click: Click) -> None:
    """A button that this version does not know."""
    await tools.tell(click.place, "This button is from another version of the bot. Use `/celery status` instead.")
