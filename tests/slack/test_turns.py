"""One alert's messages are handled one at a time, in the order they were sent."""

import asyncio

import pytest

from bot.slack.turns import Turns


async def test_waiting_messages_are_let_in_by_their_timestamps() -> None:
    """Three that arrived in the wrong order while another was handled come out in order of ts."""
    turns, done = Turns(), []

    async def handle(ts: str) -> None:
        async with turns.of("alert", ts):
            await asyncio.sleep(0)
            done.append(ts)

    await asyncio.gather(*(handle(ts) for ts in ("10.000000", "9.000300", "9.000020", "9.000001")))
    assert done == ["10.000000", "9.000001", "9.000020", "9.000300"]


async def test_other_alerts_do_not_wait() -> None:
    """The lock is one for each alert."""
    turns = Turns()
    async with turns.of("one", "1.0"), asyncio.timeout(1), turns.of("other", "1.0"):
        pass


async def test_one_that_gives_up_waiting_does_not_hold_up_the_next() -> None:
    """A cancelled waiter is passed over, and so is one that is cancelled just as its turn comes."""
    turns = Turns()
    reached = asyncio.Event()

    async def wait(ts: str) -> None:
        async with turns.of("alert", ts):
            reached.set()

    async with turns.of("alert", "1.0"):
        early, next_one, last = (asyncio.create_task(wait(f"{n}.0")) for n in (2, 3, 4))
        await asyncio.sleep(0)
        early.cancel()
        await asyncio.sleep(0)
    next_one.cancel()
    await asyncio.wait_for(last, 1)
    assert reached.is_set()
    with pytest.raises(asyncio.CancelledError):
        await next_one


async def test_an_error_passes_the_turn_on() -> None:
    """A failing handler leaves the lock."""
    turns = Turns()

    async def fail() -> None:
        async with turns.of("alert", "1.0"):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await fail()
    async with asyncio.timeout(1), turns.of("alert", "2.0"):
        pass
