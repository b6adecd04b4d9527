"""Counts what waits in each queue, straight from Redis: the independent figure that the bot's is checked against."""

from collections.abc import Sequence
from typing import Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from playground.celery_worker import BROKER_ERRORS
from playground.cluster.app import PRIORITY_STEPS, QUEUES

# The lanes of a queue besides the first are named `<queue>\x06\x16<step>`:
# https://docs.celeryq.dev/en/stable/userguide/routing.html#redis-message-priorities
_SEPARATOR = "\x06\x16"


class BrokerSilentError(Exception):
    """The broker did not answer in time, or refused."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("The sample cluster's Redis does not answer.")


def lanes(queue: str) -> list[str]:
    """The keys of one queue, the most urgent lane first."""
    return [queue if step == 0 else f"{queue}{_SEPARATOR}{step}" for step in PRIORITY_STEPS]


class Depths:
    """Reads the depths of the sample cluster's queues; one connection, kept open."""

    def __init__(self, url: str, queues: Sequence[str] = QUEUES, timeout: float = 1.0) -> None:
        """Connect on the first reading; `timeout` is in seconds."""
        self._queues = tuple(queues)
        self._redis = Redis.from_url(
            url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
        )

    async def __aenter__(self) -> Self:
        """Nothing to open yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connection."""
        await self.close()

    async def read(self) -> dict[str, int]:
        """Messages that wait in each queue, over all its lanes; raises BrokerSilentError."""
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for queue in self._queues:
                    for key in lanes(queue):
                        pipeline.llen(key)
                counts = await pipeline.execute()
        except BROKER_ERRORS as error:
            raise BrokerSilentError from error
        size = len(PRIORITY_STEPS)
        return {queue: sum(counts[i * size : (i + 1) * size]) for i, queue in enumerate(self._queues)}

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.aclose()
