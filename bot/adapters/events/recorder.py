"""The live state of one cluster, kept from its events."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from bot.adapters.events import catching_up
from bot.adapters.events.counting import Cell
from bot.adapters.events.event import Event
from bot.adapters.events.failures import worded
from bot.adapters.events.gaps import NOT_RUNNING, Missing
from bot.adapters.events.hand import Hand
from bot.adapters.events.source import Source
from bot.adapters.events.state import State
from bot.adapters.events.verbs import Verbs
from bot.adapters.events.windows import TICK, Frame, Key
from bot.domain.cluster import ClusterSnapshot
from bot.domain.live import FailureGroup, Feed, LiveWorker, Presence, TaskEvents, TaskTrace
from bot.domain.window import Gap, Slice, Span, Window
from bot.ports import Clock

UNREAD_FOR = 300.0
"""Seconds for which it is told that events came which cannot be read."""

SET_BACK = "the clock was set back"

STOOD_STILL = 10.0
"""Seconds without `attend` after which nobody was listening: the process was stopped, or its clock was set."""

_SEAM = 0.5
"""Seconds by which slices may be apart and still follow each other."""


class Recorder:
    """Counts and remembers what events tell of one cluster; implements `bot.ports.Live`. Safe to use from many threads.

    An event counts at the moment it is heard, by our clock: no other clock bends a window. Tasks that began unheard are
    counted as started, at the moment that is found out, when workers tell their names; their ends are never guessed.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin with nothing; nothing is heard until `connected`."""
        self._clock = clock
        self._lock = threading.Lock()
        self._state = State(self._now())
        verbs = Verbs(self._state)
        self._sent = verbs.sent
        self._task_verbs = {
            "task-received": verbs.received,
            "task-started": verbs.started,
            "task-succeeded": verbs.succeeded,
            "task-failed": verbs.failed,
            "task-retried": verbs.retried,
            "task-cancelled": verbs.retried,  # by Celery itself, when it lost the broker: it will be delivered again
            "task-revoked": verbs.revoked,
            "task-rejected": verbs.rejected,
        }
        self._attended: float | None = None
        self._began: float | None = None
        self._connected_at: float | None = None
        self._cut: Missing | None = None
        self._back_at: float | None = None
        self._trouble: str | None = None
        self._unread: tuple[float, str] | None = None
        self._heard, self._last_at = 0, 0.0

    def take(self, events: Sequence[Event], heard_at: float) -> None:
        """Count these events, all heard at `heard_at` (seconds since 1970 by our clock). The hot path: one lock a call.

        Whoever has dicts, such as kombu's own receiver, makes events of them by `event_of`.
        """
        verbs, source = self._task_verbs, None
        with self._lock:
            state = self._state
            if not state.windows.begun <= heard_at < state.windows.until:
                self._turn(heard_at)
            for event in events:
                verb = verbs.get(event.type)
                if verb is None:
                    self._take_other(event, heard_at)
                    continue
                if source is None or event.hostname != source.name:
                    source = state.source(event, heard_at)
                    source.task_event_at = heard_at
                    source.task_events = TaskEvents.ON
                verb(event, source, heard_at)
            if source is not None and event.hostname == source.name:
                source.offset.see(heard_at - event.timestamp, heard_at)  # the last of a batch waited least
            self._heard += len(events)
            self._last_at = heard_at

    def attend(self, at: float) -> None:
        """Note that the listener is awake; it says so several times a second.

        While it stood still, no worker was silent: what they said still lies in the socket.
        """
        if self._attended is not None and at - self._attended > STOOD_STILL:
            with self._lock:
                self._state.since = max(self._state.since, at)
        self._attended = at

    def connected(self, at: float) -> None:
        """Note that events are heard from now on; `resynced` ends the gap before."""
        with self._lock:
            self._connected_at = self._back_at = self._state.since = at
            self._trouble = None
            if self._began is None:
                self._began = at

    def disconnected(self, heard_until: float, why: str) -> None:
        """Note that no event was heard since `heard_until`; `why` is a clause."""
        with self._lock:
            self._connected_at, self._trouble = None, why
            if self._began is not None and self._cut is None:
                self._cut = self._state.gaps.begin(heard_until, why)
            for source in self._state.sources.values():
                source.unheard()

    def resynced(self, snapshot: ClusterSnapshot | None) -> None:
        """Fill in what was missed from what workers answered since (None: nobody was asked), and end the gap."""
        with self._lock:
            if snapshot is not None:
                catching_up.learn(self._state, snapshot)
                catching_up.take_stock(self._state, snapshot)
            if self._cut is not None and self._connected_at is not None:
                self._cut.until = self._back_at
                self._cut = None

    def learn(self, snapshot: ClusterSnapshot) -> None:
        """Note what any snapshot tells of queues and of tasks counted by name; wanted every few seconds."""
        with self._lock:
            catching_up.learn(self._state, snapshot)

    def events_confirmed(self, worker: str) -> None:
        """Note that a worker said that it sends task events; heartbeats of it may tell otherwise later."""
        with self._lock:
            source = self._state.sources.get(worker)
            if source is not None:
                source.task_events = TaskEvents.ON

    def unread(self, at: float, why: str) -> None:
        """Note that an event came which cannot be read; `why` is a clause that says what to set."""
        with self._lock:
            self._unread = (at, why)

    def window(self, span: Span, now: datetime) -> Window:
        """Return the figures of every task name in the last minute, quarter, hour or day."""
        at = now.timestamp()
        with self._lock:
            since, frame = self._frame(span, at)
            rows = self._state.housed(frame).rows()
            return Window(span, _moment(since), now, rows, self._state.gaps.between(since, at))

    def failures(self, span: Span, now: datetime) -> tuple[FailureGroup, ...]:
        """Return the failures of a window by task and exception, most first, with secrets taken out."""
        with self._lock:
            _, frame = self._frame(span, now.timestamp())
        # Outside the lock: redacting some hundred tracebacks takes seconds, and events go on coming.
        groups = [self._state.failures.group(key, failed) for key, failed in frame.failed.items()]
        return tuple(sorted(groups, key=lambda group: (-group.n, group.task, group.exception)))

    def workers(self, now: datetime) -> tuple[LiveWorker, ...]:
        """Return the workers heard of lately, by name. While nothing is heard they are as they were then."""
        with self._lock:
            at = now.timestamp()
            self._turn(at)
            if self._cut is not None and self._connected_at is None:
                at = self._cut.since
            return tuple(self._state.sources[name].shown(at, self._state.since) for name in sorted(self._state.sources))

    def task(self, id: str) -> TaskTrace | None:
        """Return what is remembered of one task: those in hand, and the last few thousand that ended."""
        with self._lock:
            found = self._state.tasks.find(id)
            return _trace(found) if found else None

    def feed(self) -> Feed:
        """Return how events reach us, and the gaps of the last day."""
        with self._lock:
            return Feed(
                connected=self._connected_at is not None,
                since=None if self._connected_at is None else _moment(self._connected_at),
                trouble=self._why_nothing(),
                heard=self._heard,
                last_at=_moment(self._last_at) if self._heard else None,
                gaps=self._state.gaps.between(0.0, float("inf")),
            )

    def slices(self, after: datetime) -> Sequence[Slice]:
        """Return the five-second slices of the last two minutes that are complete and began at `after` or later."""
        now, found = self._now(), []
        with self._lock:
            self._turn(now)
            frames = self._state.windows.ticks.frames
            for number in self._state.windows.kept_ticks() if self._began is not None else ():
                since, until = max(number * TICK, self._began or 0.0), (number + 1) * TICK
                if since < until and since >= after.timestamp():
                    rows = frames.get(number, Frame()).rows(exact=True)
                    gaps = self._state.gaps.between(since, until)
                    found.append(Slice(_moment(since), _moment(until), rows, gaps))
        return found

    def restore(self, slices: Sequence[Slice]) -> None:
        """Take back what was kept before a restart, oldest first; the time since then is a gap."""
        if not slices:
            return
        with self._lock:
            gaps: list[Gap] = []
            for slice_ in slices:
                seconds = (slice_.until - slice_.since).total_seconds()
                self._state.windows.restore(slice_.since.timestamp(), seconds, _cells(slice_))
                gaps.extend(slice_.gaps)
            for before, after in pairwise(slices):
                if (after.since - before.until).total_seconds() > _SEAM:
                    gaps.append(Gap(before.until, after.since, NOT_RUNNING))
            ended = slices[-1].until.timestamp()
            self._state.gaps.restore(gaps, ended)
            self._began = slices[0].since.timestamp()
            until = self._connected_at
            gap = self._state.gaps.begin(ended, NOT_RUNNING, until=until)
            self._cut = gap if until is None else self._cut

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _turn(self, now: float) -> None:
        """Put away the last five seconds when they are over, and do what is done as often."""
        if now < self._state.windows.begun:  # what was counted since lies in the future, and is dropped
            self._began = min(self._began or now, now)
            self._state.gaps.begin(self._began, SET_BACK, until=now)
        if self._state.windows.roll(now):
            self._state.forget(now)
            awake = self._attended is None or now - self._attended <= STOOD_STILL
            if self._connected_at is not None and awake:
                catching_up.find_lost(self._state, now)

    def _frame(self, span: Span, now: float) -> tuple[float, Frame]:
        self._turn(now)
        since, frame = self._state.windows.of(span, now)
        return max(since, now if self._began is None else self._began), frame

    def _take_other(self, event: Event, heard_at: float) -> None:
        if event.type == "task-sent":
            self._sent(event, heard_at)
        elif event.type in ("worker-heartbeat", "worker-online"):
            source = self._state.source(event, heard_at)
            if missed := source.beat(event, heard_at):
                catching_up.note_missed(self._state, source, missed, heard_at)
        elif event.type == "worker-offline":
            self._state.source(event, heard_at).leave(event, heard_at)

    def _why_nothing(self) -> str | None:
        if self._connected_at is None:
            return self._trouble or "not connected yet"
        if self._unread is not None and self._now() - self._unread[0] < UNREAD_FOR:
            return self._unread[1]
        now, since = self._now(), self._state.since
        online = [s for s in self._state.sources.values() if s.presence(now, since) is Presence.ONLINE]
        if online and all(_keeps_to_itself(source) for source in online):
            return "workers send heartbeats and no task events; start them with -E, or let the bot switch them on"
        return None


def _keeps_to_itself(source: Source) -> bool:
    return source.task_events is TaskEvents.OFF


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _cells(slice_: Slice) -> dict[Key, Cell]:
    found: dict[Key, Cell] = {}
    for row in slice_.tasks:
        found.setdefault((row.name, row.queue), Cell()).add(row.figures)
    return found


def _trace(hand: Hand) -> TaskTrace:
    received, started, ended = (None if at is None else _moment(at) for at in (hand.received, hand.started, hand.ended))
    return TaskTrace(
        id=hand.id,
        name=hand.name,
        queue=hand.series.queue,
        phase=hand.phase,
        worker=hand.worker,
        received_at=received,
        started_at=started,
        ended_at=ended,
        runtime=hand.runtime,
        retries=hand.retries,
        exception=worded(hand.exception) if hand.exception else None,
    )
