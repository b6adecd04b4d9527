"""One at a time for each alert, oldest message first: RESOLVED and FIRING may arrive together and in any order."""

import heapq
from asyncio import Future, get_running_loop
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.domain.alert import order_of

_Waiting = list[tuple[tuple[int, int], int, "Future[None]"]]


class Turns:
    """A lock for each key whose waiters are let in by order of their message's `ts`, not of their arrival."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._count = 0

    @asynccontextmanager
    async def of(self, key: str, ts: str) -> AsyncIterator[None]:
        """Hold the lock of `key`."""
        await self._enter(key, ts)
        try:
            yield
        finally:
            self._leave(key)

    async def _enter(self, key: str, ts: str) -> None:
        if key not in self._waiting:
            self._waiting[key] = []
            return
        self._count += 1
        turn = get_running_loop().create_future()
        heapq.heappush(self._waiting[key], (order_of(ts), self._count, turn))
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._leave(key)  # it was our turn, and we are going
            raise

    def _leave(self, key: str) -> None:
        waiting = self._waiting[key]
        while waiting:
            turn = heapq.heappop(waiting)[2]
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[key]
