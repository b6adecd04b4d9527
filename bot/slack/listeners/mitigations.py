"""Undo, resume, extend: the buttons of what was done and of what is in force."""

from slack_bolt.async_app import AsyncApp

from bot.slack.answers import Click
from bot.slack.handling import clicked
from bot.slack.ids import ActionId
from bot.slack.tools import Tools
from bot.usecases import buttons


def register(app: AsyncApp, tools: Tools) -> None:
    """Listen for them."""
    app.action(ActionId.UNDO.value)(clicked(tools, undo))
    app.action(ActionId.RESUME.value)(clicked(tools, resume))
    app.action(ActionId.EXTEND.value)(clicked(tools, extend))


async def undo(tools: Tools, click: Click) -> None:
    """Undo an execution."""
    await tools.refused(click.place, await tools.cluster(buttons.undo, click.value, click.user))


async def resume(tools: Tools, click: Click) -> None:
    """End a pause early."""
    await tools.refused(click.place, await tools.cluster(buttons.resume, click.value, click.user))


async def extend(tools: Tools, click: Click) -> None:
    """Move a pause's end."""
    mitigation_id, _, seen_end = click.value.partition("/")
    await tools.refused(click.place, await tools.cluster(buttons.extend, mitigation_id, click.user, int(seen_end)))
