"""What each event of a task does to the counts. Called for every event there is, so each does as little as it can."""

from bot.adapters.events.event import Event
from bot.adapters.events.failures import exception_type
from bot.adapters.events.hand import Hand
from bot.adapters.events.source import Source
from bot.adapters.events.state import State
from bot.adapters.events.windows import Series
from bot.domain.live import Phase
from bot.domain.window import UNNAMED, bucket_of

LONGEST_EXCEPTION = 500
"""Characters of an exception that are kept with its task."""


class Verbs:
    """One method for each event that workers send of tasks, and one for those of senders."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._held = state.tasks.held

    def sent(self, event: Event, heard_at: float) -> None:
        """A program sent a task; its host's clock is not ours."""
        state = self._state
        name = event.name or UNNAMED
        if event.queue and event.name and state.homes.saw(name, event.queue, heard_at):
            state.forget_routes()
        series = state.windows.series(name, event.queue)
        series.cell.sent += 1
        at = state.clocks.ours(event.hostname, event.timestamp, heard_at)
        held = self._held.get(event.uuid) or state.tasks.sent.get(event.uuid)
        if held is None:
            # A task with a time to begin at does not wait for a worker; nor does its waiting count.
            state.tasks.sent.put(Hand(event.uuid, series, Phase.SENT, sent=None if event.eta else at))
        else:  # overtaken by the worker's event, or sent again
            if held.series.queue is None and held.series.name == series.name:
                _move(held, series)
            held.sent = held.sent or (None if event.eta else at)

    def received(self, event: Event, source: Source, heard_at: float) -> None:
        """A worker took a task."""
        state, held = self._state, self._held
        sent = state.tasks.sent.pop(event.uuid)
        name = event.name or UNNAMED
        hand = held.get(event.uuid)
        before = sent or hand
        known = before is not None and before.series.queue is not None and before.series.name == name
        series = before.series if before is not None and known else state.route(source, name, heard_at)
        series.cell.received += 1
        if hand is None:
            hand = Hand(event.uuid, series, Phase.RECEIVED, source.name, 0, sent.sent if sent else None, heard_at)
            held.put(hand)
        else:  # delivered or tried again
            hand.series, hand.received = series, heard_at
            if hand.phase is Phase.RUNNING and (event.retries or 0) > hand.retries:
                hand.next = source.name
            if hand.phase is not Phase.RUNNING and hand.phase is not Phase.LOST:
                hand.phase, hand.worker = Phase.RECEIVED, source.name
        hand.retries = event.retries or 0

    def started(self, event: Event, source: Source, heard_at: float) -> None:
        """A worker began a task."""
        hand = self._held.get(event.uuid)
        if hand is None:
            hand = self._unexpected(event, source)
            self._held.put(hand)
        elif hand.phase is Phase.LOST:
            hand.series.cell.lost -= 1
        series, life = hand.series, source.life
        hand.next_began = hand.next is not None
        hand.phase, hand.worker, hand.life = Phase.RUNNING, source.name, life.number
        hand.started, hand.began = heard_at, event.timestamp
        cell = series.cell
        cell.started += 1
        life.ledger.started(series.name)
        if hand.sent is not None:
            bucket = bucket_of(max(0.0, event.timestamp + source.offset.seconds - hand.sent))
            cell.wait[bucket] = cell.wait.get(bucket, 0) + 1
            hand.sent = None

    def succeeded(self, event: Event, source: Source, heard_at: float) -> None:
        """A task returned."""
        hand = self._over(event, source, heard_at, Phase.SUCCEEDED)
        cell = hand.series.cell
        cell.succeeded += 1
        runtime = hand.runtime = event.runtime
        if runtime is not None:
            bucket = bucket_of(runtime)
            cell.runtime[bucket] = cell.runtime.get(bucket, 0) + 1

    def failed(self, event: Event, source: Source, heard_at: float) -> None:
        """A task raised, and is not tried again."""
        began_here = (held := self._held.get(event.uuid)) is not None and held.worker == source.name
        hand = self._over(event, source, heard_at, Phase.FAILED)
        cell = hand.series.cell
        cell.failed += 1
        if began_here and hand.began is not None:
            runtime = hand.runtime = max(0.0, event.timestamp - hand.began)
            bucket = bucket_of(runtime)
            cell.runtime[bucket] = cell.runtime.get(bucket, 0) + 1
        hand.exception = (event.exception or "")[:LONGEST_EXCEPTION] or None
        state = self._state
        state.failures.take(state.windows.count_failure(hand.series, exception_type(event.exception), heard_at), event)

    def retried(self, event: Event, source: Source, heard_at: float) -> None:
        """An attempt raised, and the task will be tried again under the same id.

        Its next attempt is published before that is told, and so may have been received, or begun, by now.
        """
        hand = self._held.get(event.uuid)
        if hand is not None and hand.next is not None:
            if not hand.next_began:
                hand.phase, hand.worker = Phase.RECEIVED, hand.next
            hand.next, hand.next_began = None, False
        else:
            hand = self._taken(event, source)
            hand.phase, hand.worker, hand.ended, hand.sent = Phase.RETRY, source.name, heard_at, None
            self._state.tasks.sent.put(hand)
        hand.series.cell.retried += 1
        hand.exception = (event.exception or "")[:LONGEST_EXCEPTION] or None

    def revoked(self, event: Event, source: Source, heard_at: float) -> None:
        """A task was cancelled, or came too late."""
        self._over(event, source, heard_at, Phase.REVOKED).series.cell.revoked += 1

    def rejected(self, event: Event, source: Source, heard_at: float) -> None:
        """A task was sent back."""
        self._over(event, source, heard_at, Phase.REJECTED).series.cell.rejected += 1

    def _over(self, event: Event, source: Source, heard_at: float, phase: Phase) -> Hand:
        """Take a task out of hand, and remember how it ended."""
        hand = self._taken(event, source)
        hand.phase, hand.worker, hand.ended = phase, source.name, heard_at
        self._state.tasks.end(hand)
        return hand

    def _taken(self, event: Event, source: Source) -> Hand:
        """Take a task out of hand; one that was called lost was not."""
        hand = self._held.pop(event.uuid)
        if hand is None:
            return self._unexpected(event, source)
        if hand.phase is Phase.LOST:
            hand.series.cell.lost -= 1
        return hand

    def _unexpected(self, event: Event, source: Source) -> Hand:
        """Return a task whose received event was missed, or that no worker could receive."""
        sent = self._state.tasks.sent.pop(event.uuid)
        series = sent.series if sent else self._state.unnamed
        return Hand(event.uuid, series, Phase.RECEIVED, source.name, 0, sent.sent if sent else None)


def _move(hand: Hand, series: Series) -> None:
    """Count a task in hand where it belongs, as its queue is only heard now: its sender was slower than its worker."""
    old, new = hand.series.cell, series.cell
    if hand.received is not None:
        old.received, new.received = old.received - 1, new.received + 1
    if hand.began is not None:
        old.started, new.started = old.started - 1, new.started + 1
    hand.series = series
