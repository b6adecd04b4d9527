"""What was said while nobody listened: Slack repeats an event for some minutes only, a channel's history keeps it."""

import time
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.alert import order_of
from bot.ports import Ports
from bot.slack.deliveries import Body, Identity, concerns, delivery_of, message_id
from bot.slack.executors import Executors
from bot.slack.inbox import SlackInbox
from bot.slack.outcomes import UNREACHABLE, code_of
from bot.slack.replay import Replay
from bot.slack.typed import storable

log = structlog.get_logger(__name__)

MOST_PAGES = 10
PAGE = 200


class LastSeen:
    """The newest message we know of in each channel, kept as the note "last_seen:<channel>"."""

    def __init__(self, ports: Ports, executors: Executors) -> None:
        self._ports = ports
        self._executors = executors
        self._newest: dict[str, str] = {}
        self._stored: dict[str, str] = {}
        self._caught_up: set[str] = set()

    def saw(self, channel: str, ts: str) -> None:
        """Take note of a message, in memory."""
        if order_of(ts) > order_of(self._newest.get(channel, "0")):
            self._newest[channel] = ts

    async def remember(self) -> None:
        """Store what is new in channels without a gap. What a crash forgets is read twice then, and recognised."""
        newest = {channel: ts for channel, ts in self._newest.items() if channel in self._caught_up}
        if newest != self._stored:
            await self._executors.db(self._store, newest)

    def _store(self, newest: dict[str, str]) -> None:
        with self._ports.store.write() as tx:
            for channel, ts in newest.items():
                tx.set_note(_note(channel), ts)
        self._stored = newest

    def caught_up(self, channel: str) -> None:
        """From here on nothing is missing in this channel."""
        self._caught_up.add(channel)

    async def before_us(self, channel: str) -> str | None:
        """Return up to which message a channel was seen by an earlier process; None for a channel that is new."""
        return await self._executors.db(self._read, channel)

    def _read(self, channel: str) -> str | None:
        with self._ports.store.read() as tx:
            return tx.note(_note(channel))


def _note(channel: str) -> str:
    return f"last_seen:{channel}"


class Backfill:
    """Hands over what a channel's history holds since we last listened, as if Slack had delivered it."""

    def __init__(
        self,
        client: AsyncWebClient,
        inbox: SlackInbox,
        replay: Replay,
        seen: LastSeen,
        me: Identity,
        channels: tuple[str, ...],
    ) -> None:
        self._client = client
        self._inbox = inbox
        self._replay = replay
        self._seen = seen
        self._me = me
        self._channels = channels
        self._left = list(channels)
        self._complained: dict[str, str] = {}

    async def run(self) -> None:
        """Read the channels that were not read yet; one that cannot be read now is left for the next call."""
        for channel in tuple(self._left):
            try:
                await self._channel(channel)
            except UNREACHABLE as e:
                self._complain(channel, code_of(e))
            else:
                self._left.remove(channel)
                self._seen.caught_up(channel)

    def _complain(self, channel: str, why: str) -> None:
        if self._complained.get(channel) != why:
            log.warning("history not read; alerts of the last downtime are missing", channel=channel, why=why)
        self._complained[channel] = why

    async def _channel(self, channel: str) -> None:
        since = await self._seen.before_us(channel)
        if since is None:
            self._seen.saw(channel, f"{time.time():.6f}")
            return
        for message in reversed(await self._history(channel, since)):
            self._seen.saw(channel, message["ts"])
            await self._hand_over(_as_delivered(channel, storable(message)))

    async def _history(self, channel: str, since: str) -> list[dict[str, Any]]:
        """Return what stands there since, newest first."""
        found: list[dict[str, Any]] = []
        cursor = None
        for _ in range(MOST_PAGES):
            page = await self._client.conversations_history(channel=channel, oldest=since, limit=PAGE, cursor=cursor)
            found += page["messages"]
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return found
        log.warning("history too long, its older part was not read", channel=channel, read=len(found))
        return found

    async def _hand_over(self, body: Body) -> None:
        delivery = delivery_of(body)
        if delivery and concerns(body, self._me, self._channels) and await self._inbox.record(delivery, body):
            log.info("found in the history", delivery=delivery.id)
            await self._replay.send(delivery.id, body)


def _as_delivered(channel: str, message: dict[str, Any]) -> Body:
    """Return a message of the history as the event that we missed; one edited since as the event of that edit."""
    event: dict[str, Any] = {"type": "message", **message, "channel": channel}
    if message.get("edited"):
        event = {
            "type": "message",
            "subtype": "message_changed",
            "message": message,
            "channel": channel,
            "ts": message["edited"]["ts"],
        }
    return {"type": "event_callback", "event_id": f"history:{message_id(event)}", "event": event}
