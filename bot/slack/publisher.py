"""The one publisher: makes Slack show what the cards want, and goes on until it does."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError

from bot.domain.card import Card, CardKind
from bot.domain.errors import NotFound, StoreUnavailable
from bot.ports import Ports, Tx
from bot.slack.budget import Budget, Method, Outgoing, outgoing
from bot.slack.content import Content, Mark, digest, plain, posting, posting_since
from bot.slack.executors import Executors
from bot.slack.lease import Lease
from bot.slack.outcomes import Refusal, code_of, refusal, retry_after
from bot.slack.posting import Posted, Posting
from bot.slack.views.message import Message

log = structlog.get_logger(__name__)

LEASE_SECONDS = 6.0
POLL_SECONDS = 0.25
AT_ONCE = 6
"""Calls under way at the same time: a slow Slack must not make everybody wait behind one card."""
LONGEST_WAIT = 30.0
"""Cap in seconds of the growing pause between two tries of a card."""
REST_SECONDS = 1.0
ODD_TRIES = 5
"""Tries of a card that Slack refuses with an error we do not know."""

Render = Callable[[Tx, Card], Content]
"""Makes what a card is to show from the truth of one transaction; raises NotFound when there is none."""


class Publisher:
    """Publishes pending cards under the lease "publisher": newest state only, urgent ones first, within the budget."""

    def __init__(self, ports: Ports, posting: Posting, executors: Executors, render: Render) -> None:
        self._ports = ports
        self._posting = posting
        self._executors = executors
        self._render = render
        self._lease = Lease(ports, executors, "publisher", LEASE_SECONDS)
        self._budget = Budget()
        self._wake = asyncio.Event()
        self._flying: dict[str, asyncio.Task[None]] = {}
        self._posting_in: set[str] = set()
        self._not_posted: set[str] = set()
        self._plain: set[str] = set()
        self._tries: dict[str, int] = {}
        self._odd_tries: dict[str, int] = {}
        self._resting: dict[str, float] = {}

    def wake(self) -> None:
        """Look at once: cards may have changed."""
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            try:
                if await self._lease.held():
                    await self._pump()
            except StoreUnavailable as e:
                log.warning("publisher waits for the database", why=e.why)
                await asyncio.sleep(1.0)
            except Exception:
                log.exception("publisher stumbled")
                await asyncio.sleep(1.0)
            await self._pause()

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
        except TimeoutError:
            return
        self._wake.clear()

    async def close(self) -> None:
        """Finish the calls under way and give the lease back."""
        if self._flying:
            await asyncio.wait(self._flying.values(), timeout=5.0)
        for task in self._flying.values():
            task.cancel()
        await self._lease.release()

    async def _pump(self) -> None:
        """Start what may go out now, most urgent first, in each urgency the oldest wish first."""
        pending = await self._executors.db(self._pending)
        calls = sorted(((outgoing(c), c) for c in pending), key=lambda pair: (pair[0].urgency, pair[1].wanted_at))
        for call, card in calls:
            if len(self._flying) >= AT_ONCE:
                return
            if card.id not in self._flying and self._rested(card) and self._may_start(call):
                self._start(call, card)

    def _pending(self) -> list[Card]:
        with self._ports.store.read() as tx:
            return tx.cards.pending(self._ports.clock.now(), limit=1000)

    def _rested(self, card: Card) -> bool:
        return time.monotonic() >= self._resting.get(card.id, 0.0)

    def _may_start(self, call: Outgoing) -> bool:
        """One post at a time in a channel keeps the messages of a thread in order."""
        if call.method is Method.POST and call.channel in self._posting_in:
            return False
        return self._budget.take(call, time.monotonic())

    def _start(self, call: Outgoing, card: Card) -> None:
        if call.method is Method.POST:
            self._posting_in.add(call.channel)

        def landed(_: asyncio.Task[None]) -> None:
            del self._flying[card.id]
            if call.method is Method.POST:
                self._posting_in.discard(call.channel)
            self._wake.set()

        task = asyncio.create_task(self._fly(call, card))
        self._flying[card.id] = task
        task.add_done_callback(landed)

    async def _fly(self, call: Outgoing, card: Card) -> None:
        with structlog.contextvars.bound_contextvars(card=card.id):
            try:
                sent = await self._publish(card)
            except SlackApiError as e:
                await self._refused(call, card, e)
            except (aiohttp.ClientError, TimeoutError) as e:
                await self._later(card, code_of(e))
            except NotFound as e:
                await self._give_up(card, str(e))
            except StoreUnavailable as e:
                self._rest(card, e)
            except Exception:
                log.exception("card not published")
                await self._later(card, "an error of our own")
            else:
                for counts in (self._tries, self._odd_tries, self._resting):
                    counts.pop(card.id, None)
                if not sent:
                    self._budget.give_back(call, time.monotonic())

    async def _publish(self, card: Card) -> bool:
        """Make Slack show the card as it is true now; returns whether anything had to be sent."""
        card, content, channel = await self._executors.db(self._rendered, card)
        shown = digest(content)
        if card.id in self._plain:
            content = plain(content)
        if card.shown == shown:
            await self._save(card, published=card.wanted)
            return False
        if isinstance(content, Message):
            await self._say(card, channel, content, shown)
            return True
        await (self._posting.mark(card, content) if isinstance(content, Mark) else self._posting.home(content))
        await self._save(card, published=card.wanted, shown=shown, retry_at=None)
        return True

    def _rendered(self, card: Card) -> tuple[Card, Content, str]:
        """Return the card as stored now, what it is to show, and the conversation it stands in."""
        with self._ports.store.read() as tx:
            card = tx.cards.get(card.kind, card.subject) or card
            channel = (
                tx.note(_direct(card.channel)) or card.channel if card.kind is CardKind.REQUEST_DM else card.channel
            )
            return card, self._render(tx, card), channel

    async def _say(self, card: Card, channel: str, message: Message, shown: str) -> None:
        if card.ts is not None:
            await self._posting.update(card, channel, message)
            await self._save(card, published=card.wanted, shown=shown, retry_at=None)
            return
        since = posting_since(card.shown)
        if since is not None and card.id not in self._not_posted and card.kind is not CardKind.REQUEST_DM:
            ts = await self._posting.find(card, since)
            if ts is not None:
                log.info("own message found again", ts=ts)
                await self._save(card, ts=ts, shown="")
                return
        await self._save(card, shown=posting(self._ports.clock.now()))
        self._not_posted.discard(card.id)
        posted = await self._posted(card, message)
        await self._save(
            card, published=card.wanted, ts=posted.ts, shown=shown, retry_at=None, conversation=posted.channel
        )

    async def _posted(self, card: Card, message: Message) -> Posted:
        """Post; remember it when Slack says clearly that nothing was posted, so that nothing is looked for."""
        try:
            return await self._posting.post(card, message)
        except SlackApiError as e:
            if refusal(e) is not Refusal.LATER:
                self._not_posted.add(card.id)
            raise

    async def _refused(self, call: Outgoing, card: Card, error: SlackApiError) -> None:
        """Do what a refusal asks for."""
        meaning, why = refusal(error), code_of(error)
        match meaning:
            case Refusal.WAIT:
                wait = retry_after(error)
                log.info("Slack asks to wait", method=call.method.value, seconds=wait)
                self._budget.block(call, time.monotonic() + wait)
            case Refusal.NEVER:
                await self._give_up(card, why)
            case Refusal.DRAWN_BADLY if card.id not in self._plain:
                log.error(
                    "Slack refuses the blocks; shown as text from now on", why=why, answer=str(error.response.data)
                )
                self._plain.add(card.id)
            case Refusal.NOT_THERE if card.ts is not None:
                log.warning("message is gone, posted again", why=why)
                await self._stored(card, ts=None, shown=None)
            case Refusal.LATER:
                await self._later(card, why)
            case _:
                await self._odd(card, why)

    async def _odd(self, card: Card, why: str) -> None:
        self._odd_tries[card.id] = self._odd_tries.get(card.id, 0) + 1
        if self._odd_tries[card.id] > ODD_TRIES:
            await self._give_up(card, why)
        else:
            await self._later(card, why)

    async def _later(self, card: Card, why: str) -> None:
        """Try again after a pause that doubles each time."""
        tries = self._tries[card.id] = self._tries.get(card.id, 0) + 1
        wait = min(LONGEST_WAIT, 0.25 * 2**tries)
        log.warning("card not published, tried again", why=why, tries=tries, seconds=wait)
        await self._stored(card, retry_at=self._ports.clock.now() + timedelta(seconds=wait))

    async def _give_up(self, card: Card, why: str) -> None:
        sentence = f"The {card.kind.value} message for {card.subject} cannot stand in {card.channel}: {why}."
        log.error("card given up", why=sentence)
        await self._stored(card, dead=sentence)

    async def _stored(self, card: Card, **changes: Any) -> None:
        """Save what happened to a card; without the database it is simply tried again."""
        try:
            await self._save(card, **changes)
        except StoreUnavailable as e:
            self._rest(card, e)

    def _rest(self, card: Card, error: StoreUnavailable) -> None:
        """Leave a card alone for a moment whose state could not be stored."""
        log.warning("card waits for the database", why=error.why)
        self._resting[card.id] = time.monotonic() + REST_SECONDS

    async def _save(self, card: Card, conversation: str | None = None, **changes: Any) -> None:
        await self._executors.db(self._save_now, card, conversation, changes)

    def _save_now(self, card: Card, conversation: str | None, changes: dict[str, Any]) -> None:
        with self._ports.store.write() as tx:
            current = tx.cards.get(card.kind, card.subject) or card
            tx.cards.published(current.model_copy(update=changes))
            if conversation and conversation != card.channel:
                tx.set_note(_direct(card.channel), conversation)


def _direct(user: str) -> str:
    """Return the name of the note that keeps a person's conversation with us: edits need its id, not the person's."""
    return f"direct:{user}"
