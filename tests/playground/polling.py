"""Waiting for something that real processes do in their own time."""

import asyncio
import time
from collections.abc import Awaitable, Callable

GENEROUS_SECONDS = 45.0
"""Two slow cores that other tests share."""


async def eventually(condition: Callable[[], Awaitable[object]], seconds: float = GENEROUS_SECONDS) -> None:
    """Poll until the condition holds, or fail."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "the condition never came true"
        await asyncio.sleep(0.05)
