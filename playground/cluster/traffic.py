"""What the watched application's users cause: a steady trickle of jobs into each queue, and floods on demand."""

import asyncio
import itertools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from celery import Celery

from playground.celery_worker import BROKER_ERRORS
from playground.cluster.depths import BrokerSilentError, Depths

RESTING_RATES = {
    "booking": 0.5,
    "voice_synthesis": 0.3,
    "notifications": 1.0,
    "ai_generation": 1.0,
    "image_processing": 0.3,
    "analytics": 0.05,
}
"""Jobs per second in quiet times, by queue; beat feeds `default`."""

TRICKLE_LIMIT = 1500
"""Waiting messages above which a queue gets no more from the trickle: a forgotten playground stays small."""

BURST_LIMIT = 5000
"""Waiting messages beyond which no burst fills a queue."""

_TICK_SECONDS = 0.25
_SILENCE_SECONDS = 1.0
# A few jobs are published with a lower priority, as the free plan's are: the other lanes are never quite empty.
_PRIORITIES = (0,) * 17 + (3, 3, 6)


_NOTIFIED = itertools.count(1)


@dataclass(frozen=True)
class Job:
    """A task to publish; its route decides the queue."""

    task: str
    kwargs: dict[str, Any]
    priority: int = 0


def _booking(rng: random.Random) -> tuple[str, dict[str, Any]]:
    order = rng.randrange(10_000, 99_999)
    if rng.random() < 0.7:
        return "booking.process_payment", {"order": order, "cents": rng.randrange(900, 25_000)}
    return "booking.confirm_reservation", {"order": order}


def _voice(rng: random.Random) -> tuple[str, dict[str, Any]]:
    return "voice.synthesize", {"text": "Once upon a time", "voice": rng.choice(["alto", "tenor"])}


def _notification(rng: random.Random) -> tuple[str, dict[str, Any]]:
    to = f"guest{rng.randrange(1000)}@example.com"
    return "notifications.send", {"to": to, "subject": "Your story is ready", "number": next(_NOTIFIED)}


def _story(rng: random.Random) -> tuple[str, dict[str, Any]]:
    prompt = f"a {rng.choice(['dragon', 'robot', 'baker'])} who learns to {rng.choice(['sing', 'sail', 'wait'])}"
    return "stories.generate_story_with_status", {"story": rng.randrange(100_000), "prompt": prompt}


def _image(rng: random.Random) -> tuple[str, dict[str, Any]]:
    return "images.optimize", {"image": rng.randrange(100_000), "width": rng.choice([320, 640, 1280])}


def _analytics(rng: random.Random) -> tuple[str, dict[str, Any]]:
    return "analytics.aggregate_batch", {"day": "yesterday", "batch": rng.randrange(1000)}


def _maintenance(_: random.Random) -> tuple[str, dict[str, Any]]:
    return "maintenance.clean_expired_sessions", {}


_MAKERS: Mapping[str, Callable[[random.Random], tuple[str, dict[str, Any]]]] = {
    "booking": _booking,
    "voice_synthesis": _voice,
    "notifications": _notification,
    "ai_generation": _story,
    "image_processing": _image,
    "analytics": _analytics,
    "default": _maintenance,
}


@dataclass
class Traffic:
    """Publishes jobs through the application, as its web pages would.

    `rates` are jobs per second and `failing` is the share (0 to 1) of a queue's jobs that will fail, both by queue;
    both may be replaced at any time.
    """

    app: Celery
    depths: Depths
    rates: Mapping[str, float]
    failing: Mapping[str, float] = field(default_factory=dict)
    rng: random.Random = field(default_factory=random.Random)

    async def run(self) -> None:
        """Publish for ever; while the broker is silent, what would have been published is not made up for."""
        due = dict.fromkeys(_MAKERS, 0.0)
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            for queue, rate in self.rates.items():
                due[queue] += rate * _TICK_SECONDS
            wanted = {queue: int(count) for queue, count in due.items() if count >= 1}
            if not wanted:
                continue
            for queue, count in wanted.items():
                due[queue] -= count
            try:
                await self.publish(wanted, limit=TRICKLE_LIMIT)
            except BrokerSilentError:
                await asyncio.sleep(_SILENCE_SECONDS)

    async def publish(self, wanted: Mapping[str, int], limit: int = BURST_LIMIT) -> dict[str, int]:
        """Publish so many jobs by queue until `limit` wait there; answers how many. Raises BrokerSilentError."""
        waiting = await self.depths.read()
        allowed = {queue: max(0, min(count, limit - waiting[queue])) for queue, count in wanted.items()}
        jobs = [self._job(queue) for queue, count in allowed.items() for _ in range(count)]
        await self.send(jobs)
        return allowed

    async def send(self, jobs: list[Job]) -> None:
        """Publish these jobs in this order, whatever waits. Raises BrokerSilentError."""
        await asyncio.to_thread(self._send, jobs)

    def _job(self, queue: str) -> Job:
        task, kwargs = _MAKERS[queue](self.rng)
        if self.rng.random() < self.failing.get(queue, 0.0):
            kwargs["fault"] = "upstream did not answer within 30 s"
        # Nobody pays less for a report: analytics goes without a priority, like most of what is published.
        return Job(task, kwargs, 0 if queue == "analytics" else self.rng.choice(_PRIORITIES))

    def _send(self, jobs: list[Job]) -> None:
        try:
            with self.app.producer_pool.acquire(block=True, timeout=10) as producer:
                for job in jobs:
                    self.app.send_task(job.task, kwargs=job.kwargs, priority=job.priority, producer=producer)
        except BROKER_ERRORS as error:
            raise BrokerSilentError from error
