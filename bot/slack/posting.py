"""The calls that make Slack show a card."""

from dataclasses import dataclass
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.card import Card
from bot.slack.content import HomeTab, Mark
from bot.slack.ids import METADATA_EVENT
from bot.slack.outcomes import code_of
from bot.slack.views.message import Message

_LONGEST = 4000
"""Most characters that `chat.update` takes as text."""


@dataclass(frozen=True)
class Posted:
    """Where a new message stands: for a direct message `channel` is the conversation, not the person."""

    channel: str
    ts: str


class Posting:
    """Slack's API as the publisher uses it. Every call raises SlackApiError, aiohttp.ClientError or TimeoutError."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def post(self, card: Card, message: Message) -> Posted:
        """Post a new message that can be found again by its metadata."""
        answer = await self._client.chat_postMessage(
            channel=card.channel,
            thread_ts=card.thread_ts,
            unfurl_links=False,
            unfurl_media=False,
            metadata=_metadata(card),
            **_said(message),
        )
        return Posted(str(answer["channel"]), str(answer["ts"]))

    async def update(self, card: Card, channel: str, message: Message) -> None:
        """Edit it in place. That notifies nobody."""
        assert card.ts is not None  # noqa: S101 - only what was posted is updated
        await self._client.chat_update(channel=channel, ts=card.ts, metadata=_metadata(card), **_said(message))

    async def find(self, card: Card, since: int) -> str | None:
        """Return the `ts` of this card's message, if an earlier post came through after all."""
        cursor: str | None = None
        while True:
            page = await self._page(card, since, cursor)
            for message in page["messages"]:
                if (message.get("metadata") or {}).get("event_payload", {}).get("card") == card.id:
                    return str(message["ts"])
            cursor = page["cursor"]
            if not cursor:
                return None

    async def _page(self, card: Card, since: int, cursor: str | None) -> dict[str, Any]:
        asked: dict[str, Any] = {"channel": card.channel, "include_all_metadata": True, "limit": 200, "cursor": cursor}
        oldest = str(since - 60)  # our clock and Slack's may differ
        if card.thread_ts:
            answer = await self._client.conversations_replies(ts=card.thread_ts, oldest=oldest, **asked)
        else:
            answer = await self._client.conversations_history(oldest=oldest, **asked)
        return {"messages": answer["messages"], "cursor": (answer.get("response_metadata") or {}).get("next_cursor")}

    async def mark(self, card: Card, mark: Mark) -> None:
        """Put the reaction on and take the other away, whichever of them is there already."""
        if mark.ts is None:
            return
        where: dict[str, Any] = {"channel": card.channel, "timestamp": mark.ts}
        try:
            await self._client.reactions_add(name=mark.name, **where)
        except SlackApiError as e:
            if code_of(e) != "already_reacted":
                raise
        if mark.instead_of is None:
            return
        try:
            await self._client.reactions_remove(name=mark.instead_of, **where)
        except SlackApiError as e:
            if code_of(e) != "no_reaction":
                raise

    async def home(self, tab: HomeTab) -> None:
        """Publish somebody's Home tab."""
        await self._client.views_publish(user_id=tab.user, view=tab.view)


def _said(message: Message) -> dict[str, Any]:
    return {"text": message.text[:_LONGEST], "blocks": message.blocks}


def _metadata(card: Card) -> dict[str, Any]:
    return {"event_type": METADATA_EVENT, "event_payload": {"card": card.id}}
