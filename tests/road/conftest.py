"""The whole playground, started once for each test module: real processes, real sockets, real Redis."""

from collections.abc import AsyncIterator

import pytest_asyncio

from playground.demo import Demo
from tests.services.browser import browser

__all__ = ["browser", "demo"]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def demo() -> AsyncIterator[Demo]:
    """Return the playground with one bot on SQLite."""
    async with Demo(lambda _: None) as started:
        yield started
