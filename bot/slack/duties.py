"""What the bot does by itself, again and again."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.domain.errors import OncallError

log = structlog.get_logger(__name__)

Duty = Callable[[], Awaitable[object]]


class Duties:
    """Runs each duty in a task of its own; a failure is logged and the duty goes on at its next turn."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def every(self, seconds: float, name: str, duty: Duty) -> None:
        """Run a duty now and then again, each time `seconds` after it has ended."""
        self._tasks.append(asyncio.create_task(_again(seconds, name, duty), name=name))

    async def close(self) -> None:
        """End all of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _again(seconds: float, name: str, duty: Duty) -> None:
    trouble = ""
    while True:
        try:
            await duty()
        except OncallError as e:
            if str(e) != trouble:  # said once, not every few seconds
                log.warning("duty failed, tried again and again", duty=name, why=str(e))
            trouble = str(e)
        except Exception:
            log.exception("duty failed, tried again", duty=name)
        else:
            if trouble:
                log.info("duty works again", duty=name)
            trouble = ""
        await asyncio.sleep(seconds)
