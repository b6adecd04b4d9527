"""How a form that was sent is answered: within Slack's three seconds, or by a view that waits and is replaced later."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.slack.answers import Place, sentence
from bot.slack.deliveries import Body
from bot.slack.forms.opening import show
from bot.slack.tools import Tools
from bot.slack.views.blocks import Block
from bot.slack.views.forms import note_view, waiting_view
from bot.slack.views.message import Message

PATIENCE = 1.5
"""Seconds that Slack's acknowledgement waits for the answer itself, of the three there are."""

SETTLING = 0.5
"""Seconds after a late acknowledgement before its view is replaced: the two reach Slack on different ways."""


@dataclass(frozen=True)
class Answer:
    """What comes of a form: `view` stands in its place.

    While the form can still be acknowledged, `errors` stand beside its fields (by block id) instead, and `closes` takes
    it away. `instead` is said to the person, at `place`, where they have closed it meanwhile.
    """

    view: Block
    errors: Mapping[str, str] = field(default_factory=dict)
    closes: bool = False
    instead: Message | None = None
    place: Place | None = None

    def as_ack(self) -> dict[str, Any]:
        """Return it as an acknowledgement."""
        if self.errors:
            return {"response_action": "errors", "errors": dict(self.errors)}
        return {"response_action": "clear"} if self.closes else {"response_action": "update", "view": self.view}


Sending = Callable[[Tools, Body], Awaitable[Answer]]
"""Makes an answer of a form that was sent; raises nothing in words."""


async def acknowledge(tools: Tools, ack: AsyncAck, body: Body, work: Sending, *, late: bool = False) -> None:
    """Answer a form. `late`: nobody waits for the acknowledgement any more, as after a restart."""
    working = asyncio.ensure_future(work(tools, body))
    done, _ = await asyncio.wait({working}, timeout=0 if late else PATIENCE)
    if done:
        await ack(**working.result().as_ack())
        return
    await ack(response_action="update", view=waiting_view("Looking at the cluster …"))
    told = asyncio.get_running_loop().time()
    try:
        answer = await working
    except Exception:
        await show(tools, body["view"]["id"], note_view("Something went wrong, and nothing was done. Open it again."))
        raise
    await asyncio.sleep(max(0.0, told + SETTLING - asyncio.get_running_loop().time()))
    if not await show(tools, body["view"]["id"], answer.view) and answer.place is not None:
        await tools.answers.alone(answer.place, answer.instead or sentence("The form was closed; nothing was done."))
