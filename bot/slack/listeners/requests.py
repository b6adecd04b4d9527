"""Approve, Deny, Withdraw; and what its author does with a draft."""

from slack_bolt.async_app import AsyncApp

from bot.domain.approval import Answer
from bot.slack.answers import Click, said
from bot.slack.handling import ClickWork, clicked
from bot.slack.ids import ActionId
from bot.slack.tools import Tools
from bot.usecases import approvals, requests

ANSWERS = {ActionId.APPROVE: Answer.APPROVE, ActionId.DENY: Answer.DENY, ActionId.WITHDRAW: Answer.WITHDRAW}


def register(app: AsyncApp, tools: Tools) -> None:
    """Listen for the buttons of requests and drafts."""
    for action, answer in ANSWERS.items():
        app.action(action.value)(clicked(tools, _answering(answer)))
    app.action(ActionId.SUBMIT_DRAFT.value)(clicked(tools, submit))
    app.action(ActionId.DISCARD_DRAFT.value)(clicked(tools, discard))


def _answering(answer: Answer) -> ClickWork:
    async def take(tools: Tools, click: Click) -> None:
        await tools.refused(click.place, await tools.db(approvals.answer, click.value, click.user, answer))

    return take


async def submit(tools: Tools, click: Click) -> None:
    """Send a draft on its way; the draft's own message is done with."""
    result = await tools.db(requests.submit, click.value, click.user)
    await tools.answers.remove(click.place)
    await tools.refused(click.place, result)
    if isinstance(result, requests.Submitted) and result.request.channel != click.place.channel:
        await tools.answers.alone(click.place, said(f"It goes on in <#{result.request.channel}>."))


async def discard(tools: Tools, click: Click) -> None:
    """Throw a draft away."""
    await tools.refused(click.place, await tools.db(requests.discard, click.value, click.user))
    await tools.answers.remove(click.place)
