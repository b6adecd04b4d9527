"""Written down before acknowledged: every delivery is in the database before Slack hears that we have it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.domain.errors import StoreUnavailable
from bot.ports import InboxEntry, Ports
from bot.slack.deliveries import Body, Delivery, Identity, concerns, delivery_of
from bot.slack.executors import Executors
from bot.slack.typed import storable

log = structlog.get_logger(__name__)

DELIVERY = "oncall_delivery"
"""Key in Bolt's context: the id under which this request stands in the inbox."""

LATE = "oncall_late"
"""Key in Bolt's context: set when nobody waits for the acknowledgement of this request any more."""


class SlackInbox:
    """Bolt's middleware for it. Bolt acknowledges events by itself before a listener runs: a listener is too late."""

    def __init__(
        self,
        ports: Ports,
        executors: Executors,
        me: Identity,
        channels: tuple[str, ...],
        saw: Callable[[str, str], None],
    ) -> None:
        self._ports = ports
        self._executors = executors
        self._me = me
        self._channels = channels
        self._saw = saw
        self._in_hand: set[str] = set()
        self._finished: set[str] = set()

    async def write_down(
        self,
        req: AsyncBoltRequest,
        next: Callable[[], Awaitable[None]],
    ) -> BoltResponse | None:
        """Let new deliveries through, once each. No 200 when it could not be stored: Slack then sends it again.

        Slack repeats events alone; to a person who clicked or typed a command it says itself that we did not answer.
        """
        if DELIVERY in req.context:  # replayed from the inbox
            await next()
            return None
        req.body = storable(req.body)
        self._note_message(req.body)
        delivery = delivery_of(req.body)
        if delivery is None or not concerns(req.body, self._me, self._channels):
            return BoltResponse(status=200)
        try:
            new = await self._executors.db(self._record, delivery, req.body)
        except StoreUnavailable as e:
            log.error("not written down, so not acknowledged", delivery=delivery.id, why=e.why)
            return BoltResponse(status=503)
        if not new:
            log.info("repeated delivery dropped", delivery=delivery.id)
            return BoltResponse(status=200)
        req.context[DELIVERY] = delivery.id
        await next()
        return None

    def _note_message(self, body: Body) -> None:
        event = body.get("event") or {}
        if event.get("type") == "message":
            self._saw(event["channel"], event["ts"])

    def _record(self, delivery: Delivery, body: Body) -> bool:
        now = self._ports.clock.now()
        payload = {key: value for key, value in body.items() if key != "token"}  # a secret nobody needs
        with self._ports.store.write() as tx:
            if delivery.also and not tx.inbox.record(delivery.also, delivery.kind, {}, now):
                return False
            if delivery.also:
                tx.inbox.done(delivery.also, now)
            new = tx.inbox.record(delivery.id, delivery.kind, payload, now)
        if new:
            self._in_hand.add(delivery.id)
        return new

    async def record(self, delivery: Delivery, body: Body) -> bool:
        """Write down something found otherwise (in a channel's history); returns whether it is new."""
        return await self._executors.db(self._record, delivery, body)

    async def done(self, id: str) -> None:
        """Mark a delivery handled. Should the database be away, it is remembered and marked later, not done again."""
        self._finished.add(id)
        try:
            await self._executors.db(self._mark_done, id)
        except StoreUnavailable as e:
            log.warning("handled, but not yet marked so", delivery=id, why=e.why)
        else:
            self._finished.discard(id)
        self._in_hand.discard(id)

    def _mark_done(self, id: str) -> None:
        with self._ports.store.write() as tx:
            tx.inbox.done(id, self._ports.clock.now())

    def let_go(self, id: str) -> None:
        """Stop working on a delivery without having handled it: it will be taken up again."""
        self._in_hand.discard(id)

    async def take_up(self, before: datetime) -> list[InboxEntry]:
        """Take in hand what was received before that moment and is unhandled, and count the attempt."""
        return await self._executors.db(self._take_up, before)

    def _take_up(self, before: datetime) -> list[InboxEntry]:
        with self._ports.store.read() as tx:
            if not any(e.id not in self._in_hand for e in tx.inbox.unhandled(before)):
                return []
        with self._ports.store.write() as tx:
            unhandled = tx.inbox.unhandled(before)
            finished = self._finished & {e.id for e in unhandled}
            for entry_id in finished:
                tx.inbox.done(entry_id, self._ports.clock.now())
            found = [e for e in unhandled if e.id not in self._in_hand | finished]
            for entry in found:
                tx.inbox.attempt(entry.id)
        self._finished -= finished
        self._in_hand.update(e.id for e in found)
        return found

    async def idle(self, seconds: float = 5.0) -> None:
        """Wait until nothing is in hand any more, at most so long."""
        deadline = time.monotonic() + seconds
        while self._in_hand and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
