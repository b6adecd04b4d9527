"""The two thread pools in which everything that blocks runs, so that nothing blocks the event loop."""

import asyncio
import contextvars
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

DB_THREADS = 8
CLUSTER_THREADS = 4
BACKGROUND = 2
"""How many of the cluster's threads the bot's own duties may take: the rest are for people who wait."""


class Executors:
    """`db` for what Slack waits for, `cluster` for what talks to a broker, `background` for the bot's own duties.

    Python's default executor has six threads on two cores: six slow inspects would starve every click.
    """

    def __init__(self) -> None:
        self._db = ThreadPoolExecutor(DB_THREADS, thread_name_prefix="db")
        self._cluster = ThreadPoolExecutor(CLUSTER_THREADS, thread_name_prefix="cluster")
        self._background = asyncio.Semaphore(BACKGROUND)
        self._running: set[Future[Any]] = set()

    async def db(self, f: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `f`, which talks to the database alone."""
        return await self._in(self._db, f, *args, **kwargs)

    async def cluster(self, f: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `f`, which may wait for a cluster, for a person."""
        return await self._in(self._cluster, f, *args, **kwargs)

    async def background(self, f: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `f`, which may wait for a cluster, for nobody in particular."""
        async with self._background:
            return await self._in(self._cluster, f, *args, **kwargs)

    async def close(self, seconds: float = 5.0) -> None:
        """Start nothing more, and give what runs so long to end: after that its database is closed under it."""
        for pool in (self._db, self._cluster):
            pool.shutdown(wait=False, cancel_futures=True)
        deadline = time.monotonic() + seconds
        while self._running and time.monotonic() < deadline:
            await asyncio.sleep(0.02)

    async def _in(self, pool: ThreadPoolExecutor, f: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        context = contextvars.copy_context()  # the ids bound to log lines go along
        future: Future[R] = pool.submit(partial(context.run, f, *args, **kwargs))
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return await asyncio.wrap_future(future)
