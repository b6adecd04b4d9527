"""The buttons below what only looks: queues, workers, tasks, failures, checks, targets."""

from slack_bolt.async_app import AsyncApp

from bot.slack.answers import Click
from bot.slack.handling import clicked
from bot.slack.ids import ActionId
from bot.slack.looked import look_of, looked
from bot.slack.tools import Tools


def register(app: AsyncApp, tools: Tools) -> None:
    """Listen for them."""
    app.action(ActionId.LOOK_SHARE.value)(clicked(tools, share))
    app.action(ActionId.LOOK_REFRESH.value)(clicked(tools, refresh))


async def refresh(tools: Tools, click: Click) -> None:
    """Put fresh numbers where the old ones stood."""
    message = await looked(tools, look_of(tools.ports, click.value), fresh=True)
    await tools.answers.replace(click.place, message)


async def share(tools: Tools, click: Click) -> None:
    """Show fresh numbers to all."""
    message = await looked(tools, look_of(tools.ports, click.value), fresh=True, shared=True)
    await tools.answers.openly(click.place, message)
