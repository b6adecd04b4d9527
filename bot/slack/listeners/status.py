"""The buttons below a status."""

from slack_bolt.async_app import AsyncApp

from bot.slack.answers import Click
from bot.slack.handling import clicked
from bot.slack.ids import ActionId
from bot.slack.tools import Tools
from bot.slack.views.status import status_message
from bot.usecases.status import status


def register(app: AsyncApp, tools: Tools) -> None:
    """Listen for them."""
    app.action(ActionId.STATUS_SHARE.value)(clicked(tools, share))
    app.action(ActionId.STATUS_REFRESH.value)(clicked(tools, refresh))


async def refresh(tools: Tools, click: Click) -> None:
    """Put fresh numbers where the old ones stood."""
    await tools.answers.replace(click.place, status_message(await tools.cluster(status, click.value, fresh=True)))


async def share(tools: Tools, click: Click) -> None:
    """Show fresh numbers to all."""
    view = await tools.cluster(status, click.value, fresh=True)
    await tools.answers.openly(click.place, status_message(view, shared=True))
