"""Around every listener: acknowledge, do the work, turn errors into words, mark the delivery handled."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.domain.errors import OncallError, StoreUnavailable
from bot.slack.answers import Click, Place, click_of, place_of
from bot.slack.deliveries import Body
from bot.slack.forms.answering import Sending, acknowledge
from bot.slack.inbox import DELIVERY, LATE
from bot.slack.outcomes import UNREACHABLE
from bot.slack.tools import Tools

log = structlog.get_logger(__name__)

LONGEST_WAIT = 30.0
"""Cap in seconds of the growing pause before something is tried again that the database could not take."""

Work = Callable[[Tools, Body], Awaitable[None]]
"""What a listener does with a delivery that is written down and acknowledged."""

ClickWork = Callable[[Tools, Click], Awaitable[None]]
"""The same for a click."""

Listener = Callable[..., Awaitable[None]]


def handled(tools: Tools, work: Work) -> Listener:
    """Make a Bolt listener of a piece of work."""

    async def listener(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        await ack()
        await _handle(tools, context[DELIVERY], body, work)

    return listener


def clicked(tools: Tools, work: ClickWork) -> Listener:
    """Make a Bolt listener of a piece of work that begins with a click."""

    async def begin(tools: Tools, body: Body) -> None:
        click = click_of(body)
        await tools.people.know(click.user)
        await work(tools, click)

    return handled(tools, begin)


def submitted(tools: Tools, work: Sending) -> Listener:
    """Make a Bolt listener of what becomes of a form: its acknowledgement says that already, where it is quick."""

    async def listener(ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext) -> None:
        late = bool(context.get(LATE))

        async def answer(tools: Tools, body: Body) -> None:
            await acknowledge(tools, ack, body, work, late=late)

        await _handle(tools, context[DELIVERY], body, answer)

    return listener


async def _handle(tools: Tools, delivery: str, body: Body, work: Work) -> None:
    """Do the work. What no person waits on and did not come through is left in the inbox, to be tried again."""
    place = place_of(body)
    with structlog.contextvars.bound_contextvars(delivery=delivery):
        try:
            if place is None:
                await _without_words(tools, work, body)
            else:
                await _in_words(tools, place, work, body)
        except Exception:
            tools.inbox.let_go(delivery)
            log.exception("not handled, it will be tried again")
        else:
            await tools.inbox.done(delivery)


async def _without_words(tools: Tools, work: Work, body: Body) -> None:
    """Handle what nobody waits on. It waits for the database; any other error in words is final."""
    wait = 1.0
    while True:
        try:
            await work(tools, body)
        except StoreUnavailable as e:
            log.warning("waiting for the database", why=e.why, seconds=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
            continue
        except OncallError as e:
            log.warning("refused", why=str(e))
        return


async def _in_words(tools: Tools, place: Place, work: Work, body: Body) -> None:
    """Handle what a person waits on. Whatever happens they are told, and it is not tried again behind their back."""
    try:
        await work(tools, body)
    except OncallError as e:
        log.info("refused in words", why=str(e))
        await _tell(tools, place, str(e))
    except Exception:
        trouble = secrets.token_hex(4)
        log.exception("trouble while handling", trouble=trouble)
        await _tell(
            tools, place, f"Something went wrong, and it may not have been done. The bot's log says more: `{trouble}`."
        )


async def _tell(tools: Tools, place: Place, text: str) -> None:
    try:
        await tools.tell(place, text)
    except UNREACHABLE:
        log.exception("the person could not be told", user=place.user, text=text)
