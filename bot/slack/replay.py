"""What was received and never handled: a crash in between, or a database that was away."""

from datetime import timedelta

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.domain.card import CardKind
from bot.domain.errors import StoreUnavailable
from bot.ports import InboxEntry, Ports
from bot.slack.answers import place_of
from bot.slack.deliveries import Body, by_an_app, message_in
from bot.slack.executors import Executors
from bot.slack.inbox import DELIVERY, LATE, SlackInbox
from bot.slack.lease import Lease

log = structlog.get_logger(__name__)

ATTEMPTS = 3
LEASE_SECONDS = 6.0
PATIENCE = timedelta(seconds=60)
"""How old an unhandled entry must be to be taken up again while we run: another bot may have it in hand."""


class Replay:
    """Sends unhandled deliveries through Bolt again. One bot among several does it, under the lease "inbox"."""

    def __init__(self, ports: Ports, app: AsyncApp, inbox: SlackInbox, executors: Executors) -> None:
        self._ports = ports
        self._app = app
        self._inbox = inbox
        self._executors = executors
        self._lease = Lease(ports, executors, "inbox", LEASE_SECONDS)
        self._first = True

    async def take_up(self) -> None:
        """Handle what a crash left behind at the first call, and what failed a while ago at later ones."""
        if not await self._lease.held():
            return
        now = self._ports.clock.now()
        before = now if self._first else now - PATIENCE
        entries = await self._inbox.take_up(before)
        self._first = False
        for entry in entries:
            if entry.attempts >= ATTEMPTS:
                await self._give_up(entry)
            else:
                log.info("taken up again", delivery=entry.id, attempts=entry.attempts)
                await self.send(entry.id, entry.payload)

    async def send(self, id: str, body: Body) -> None:
        """Send one delivery through Bolt that is written down already."""
        request = AsyncBoltRequest(mode="socket_mode", body=dict(body), context={DELIVERY: id, LATE: True})
        await self._app.async_dispatch(request)

    async def _give_up(self, entry: InboxEntry) -> None:
        log.error("given up after several attempts", delivery=entry.id, kind=entry.kind, received_at=entry.received_at)
        await self._executors.db(self._say_so, entry)
        await self._inbox.done(entry.id)

    def _say_so(self, entry: InboxEntry) -> None:
        """Tell whoever waited, where they waited; below an alert, whoever reads it."""
        told = _told(entry)
        if told is None:
            return
        channel, thread_ts, text = told
        with self._ports.store.write() as tx:
            tx.cards.want(CardKind.NOTICE, entry.id, channel, self._ports.clock.now(), thread_ts=thread_ts, text=text)

    async def release(self) -> None:
        """Let the next bot do it."""
        try:
            await self._lease.release()
        except StoreUnavailable as e:
            log.warning("lease not given back", why=e.why)


def _told(entry: InboxEntry) -> tuple[str, str | None, str] | None:
    """Return channel, thread and words for an entry that was given up; None when there is nobody to tell."""
    place = place_of(entry.payload)
    if place is not None:
        asked = f"what you asked for at {entry.received_at:%H:%M:%S} UTC"
        text = f"<@{place.user}>, {asked} was not handled: the bot stumbled over it. Please ask again."
        return (place.channel, place.thread_ts, text) if place.channel else None
    message = message_in(entry.payload.get("event") or {})
    if message is None or "ts" not in message or not by_an_app(message):
        return None
    text = "The bot stumbled over this message and did nothing about it: look at it yourself. The bot's log says more."
    return message["channel"], message["ts"], text
