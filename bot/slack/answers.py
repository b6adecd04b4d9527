"""Answers to one person: where they asked, and only for their eyes unless they share them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.slack.deliveries import Body, value_of
from bot.slack.outcomes import UNREACHABLE, Refusal, code_of, refusal, retry_after
from bot.slack.views import blocks
from bot.slack.views.formatting import prose
from bot.slack.views.message import Message

log = structlog.get_logger(__name__)

LONGEST_WAIT = 10.0
"""Seconds that an answer to a person may wait for a limit of Slack's."""


@dataclass(frozen=True)
class Place:
    """Who asked and where: `thread_ts` when it was inside a thread; no channel means the Home tab.

    `response_url` is Slack's address for answering (five times in 30 minutes); `hidden` says that the message clicked
    on is an ephemeral one, which only that address can change. `trigger` is Slack's leave to open a view, for three
    seconds and once; a mention gives none.
    """

    user: str
    channel: str | None
    thread_ts: str | None = None
    response_url: str | None = None
    hidden: bool = False
    trigger: str | None = None


@dataclass(frozen=True)
class Click:
    """A click on a button, or a choice from a menu. Believed of it is who did it and which id it carries."""

    place: Place
    value: str

    @property
    def user(self) -> str:
        """Return who clicked."""
        return self.place.user


def place_of(body: Body) -> Place | None:
    """Return where a delivery can be answered; None for an event that no person waits on."""
    event = body.get("event")
    if event is not None:
        return _mention(event) if event.get("type") == "app_mention" else None
    if "command" in body:
        return Place(
            body["user_id"],
            body["channel_id"],
            response_url=body.get("response_url"),
            trigger=body.get("trigger_id"),
        )
    container = body.get("container") or {}
    return Place(
        user=body["user"]["id"],
        channel=(body.get("channel") or {}).get("id") or container.get("channel_id"),
        thread_ts=_thread(body.get("message") or {}, container),
        response_url=body.get("response_url"),
        hidden=bool(container.get("is_ephemeral")),
        trigger=body.get("trigger_id"),
    )


def _thread(message: Body, container: Body) -> str | None:
    """Return the thread that a clicked message stands in. A thread's first message is seen in the channel itself."""
    thread_ts = message.get("thread_ts") or container.get("thread_ts")
    return None if thread_ts in (message.get("ts"), container.get("message_ts")) else thread_ts


def _mention(event: Body) -> Place:
    return Place(event["user"], event["channel"], thread_ts=event.get("thread_ts") or event["ts"])


def click_of(body: Body) -> Click:
    """Return the click of a block action."""
    place = place_of(body)
    assert place is not None  # noqa: S101 - a block action always has a person
    return Click(place, value_of(body["actions"][0]))


def sentence(text: str) -> Message:
    """Return a message of one sentence that may hold words from outside: nothing in it but mentions of people acts."""
    return said(prose(text))


def said(mrkdwn: str) -> Message:
    """Return a message of one sentence made by a view."""
    return blocks.message(mrkdwn, blocks.section(mrkdwn))


class Answers:
    """Says things to people at once, past the publisher's queue: somebody is waiting."""

    def __init__(self, client: AsyncWebClient, session: aiohttp.ClientSession) -> None:
        self._client = client
        self._session = session

    async def alone(self, place: Place, message: Message) -> None:
        """Show it to the person who asked and to nobody else."""
        if place.channel is None:
            await self._client.chat_postMessage(channel=place.user, **_content(message))
        elif place.response_url and place.thread_ts is None:
            await self._respond(place, message)
        else:
            await self._whisper(place, message)

    async def _respond(self, place: Place, message: Message) -> None:
        answer = {**_content(message), "response_type": "ephemeral", "replace_original": False}
        if not await self._post_back(place, answer):
            await self._whisper(place, message)

    async def _whisper(self, place: Place, message: Message) -> None:
        assert place.channel is not None  # noqa: S101 - see alone()
        whisper = partial(
            self._client.chat_postEphemeral,
            channel=place.channel,
            user=place.user,
            thread_ts=place.thread_ts,
            **_content(message),
        )
        try:
            await _patiently(whisper)
        except SlackApiError as e:
            log.warning("ephemeral answer refused, sent as a direct message", user=place.user, why=code_of(e))
            await self._client.chat_postMessage(channel=place.user, **_content(message))

    async def openly(self, place: Place, message: Message) -> None:
        """Show it to the whole channel, in the thread where it was asked for."""
        post = partial(
            self._client.chat_postMessage,
            channel=place.channel or place.user,
            thread_ts=place.thread_ts,
            unfurl_links=False,
            unfurl_media=False,
            **_content(message),
        )
        await _patiently(post)

    async def replace(self, place: Place, message: Message) -> None:
        """Put it where the clicked ephemeral message stood; below it when that can no longer be reached."""
        if not (place.hidden and await self._post_back(place, {**_content(message), "replace_original": True})):
            await self.alone(place, message)

    async def remove(self, place: Place) -> None:
        """Take the clicked ephemeral message away."""
        if place.hidden:
            await self._post_back(place, {"delete_original": True})

    async def _post_back(self, place: Place, body: dict[str, Any]) -> bool:
        """Use the response_url; returns whether Slack took it (it may have expired, or been used up)."""
        if not place.response_url:
            return False
        try:
            answer = await AsyncWebhookClient(place.response_url, session=self._session).send_dict(body)
        except UNREACHABLE as e:
            log.warning("response_url failed", why=code_of(e))
            return False
        if answer.status_code != 200:
            log.warning("response_url refused", status=answer.status_code, why=answer.body[:200])
        return answer.status_code == 200


async def _patiently(call: Callable[[], Awaitable[object]]) -> None:
    """Make a call, and once more after the time that Slack asks for, if that is short."""
    try:
        await call()
    except SlackApiError as e:
        if refusal(e) is not Refusal.WAIT or retry_after(e) > LONGEST_WAIT:
            raise
        await asyncio.sleep(retry_after(e))
        await call()


def _content(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": message.blocks}
