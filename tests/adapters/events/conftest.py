"""A recorder whose time stands until it is moved, with events like Celery's; and one that hears a real broker."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.clock import SystemClock
from bot.adapters.events.consumer import EventConsumer
from bot.adapters.events.event import event_of
from bot.adapters.events.recorder import Recorder
from bot.domain.window import Figures, Span

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


class SetClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        """Return the moment that was set."""
        return self.at


class Story:
    """Tells a recorder events at moments that the test chooses. `skew` is how far each worker's clock is ahead."""

    def __init__(self, listening: bool = True) -> None:
        self.clock = SetClock()
        self.recorder = Recorder(self.clock)
        self.skew: dict[str, float] = {}
        if listening:
            self.recorder.connected(self.now)

    @property
    def now(self) -> float:
        """The moment, in seconds since 1970."""
        return self.clock.at.timestamp()

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.at += timedelta(seconds=seconds)

    def tell(self, type: str, id: str = "", worker: str = "w1@a", **fields: Any) -> None:
        """One event, sent and heard now."""
        stamp = self.now + self.skew.get(worker, 0.0)
        self.recorder.take(
            [event_of({"type": type, "hostname": worker, "timestamp": stamp, "uuid": id, **fields})], self.now
        )

    def run(
        self, id: str, name: str = "shop.add", worker: str = "w1@a", end: str = "task-succeeded", **fields: Any
    ) -> None:
        """A task from received to its end."""
        self.tell("task-received", id, worker, name=name)
        self.tell("task-started", id, worker)
        self.tell(end, id, worker, **({"runtime": 0.5} if end == "task-succeeded" else {}) | fields)

    def beat(self, worker: str = "w1@a", processed: int = 0, pid: int = 1, **fields: Any) -> None:
        """A heartbeat."""
        beat = {"freq": 2.0, "active": 0, "sw_ident": "py-celery", "sw_ver": "5.7.0", **fields}
        self.tell("worker-heartbeat", "", worker, pid=pid, processed=processed, **beat)

    def total(self, span: Span = Span.MINUTE) -> Figures:
        """All tasks' figures of a window."""
        return self.recorder.window(span, self.clock.at).total()

    def gaps(self, span: Span = Span.MINUTE) -> list[str]:
        """Why a window is incomplete."""
        return [gap.why for gap in self.recorder.window(span, self.clock.at).gaps]


@pytest.fixture
def story() -> Story:
    """A recorder that hears nothing yet."""
    return Story()


class Listener:
    """A consumer and its recorder."""

    def __init__(self, url: str, options: dict[str, Any], settings: dict[str, Any]) -> None:
        self.recorder = Recorder(SystemClock())
        connection = ClusterConnection("shop", url, **options)
        self.consumer = EventConsumer(connection, self.recorder, SystemClock(), **settings)

    def total(self) -> Figures:
        """What was counted in the last hour."""
        return self.recorder.window(Span.HOUR, SystemClock().now()).total()

    @property
    def gaps(self) -> list[tuple[str, bool]]:
        """Why and whether closed, of each gap."""
        return [(gap.why, gap.until is not None) for gap in self.recorder.feed().gaps]


class Listen(Protocol):
    """What the `listen` fixture gives: a function that starts a consumer, connected unless `wait` is false."""

    def __call__(self, url: str, wait: bool = True, settings: dict[str, Any] | None = None, **options: Any) -> Listener:
        """`settings` go to EventConsumer, `options` to ClusterConnection."""


@pytest.fixture
def listen() -> Iterator[Listen]:
    """A function that starts consumers; they end with the test."""
    made: list[Listener] = []

    def start(url: str, wait: bool = True, settings: dict[str, Any] | None = None, **options: Any) -> Listener:
        made.append(Listener(url, options, settings or {}))
        made[-1].consumer.start()
        assert not wait or made[-1].consumer.wait_connected(10)
        return made[-1]

    yield start
    for listener in made:
        listener.consumer.close()
