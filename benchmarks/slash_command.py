"""From typing `/celery …` to seeing the answer, on loopback: the whole way through Slack's sockets, the bot and back.

`help` costs nothing but the way; `status` counts a real cluster of three workers anew each time. What people do by hand
instead, for comparison in the same run: the celery command line that shows who consumes what.
"""

import asyncio
import statistics
import sys
import time

import aiohttp

from playground.celery_worker import child_environment
from playground.demo import Demo
from playground.slack.person import Person

CHANNEL, USER = "C0ONCALL", "U0ANA"
ROUNDS, BY_HAND = 500, 5


def main() -> None:
    """Run it and print median and p99 in milliseconds."""
    asyncio.run(_run())


async def _run() -> None:
    async with Demo(lambda _: None) as demo:
        ana = await demo.person(USER)
        by_hand = [await _celery(demo) for _ in range(BY_HAND)]
        theirs = statistics.median(by_hand)
        print(f"celery inspect active_queues, by hand: median {theirs:.0f} ms over {BY_HAND}")
        for line in ("/celery help", "/celery status"):
            ours = sorted(await _answers(demo, ana, line))
            median, p99 = statistics.median(ours), ours[int(len(ours) * 0.99)]
            ratio = theirs / median
            print(
                f"{line}: median {median:.1f} ms, p99 {p99:.1f} ms over {len(ours)}; {ratio:.0f}x faster than by hand"
            )


async def _answers(demo: Demo, person: Person, line: str) -> list[float]:
    """Return milliseconds from the command to its answer, seen on the person's own stream."""
    took = []
    address = f"{demo.slack.url}/people/stream?user={USER}"
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as stream:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            await person.command(line, CHANNEL)
            while (await stream.receive_json(timeout=10))["type"] != "ephemeral":
                pass
            took.append((time.perf_counter() - began) * 1000)
    return took


async def _celery(demo: Demo) -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "celery", "-A", "playground.cluster.app", "inspect", "active_queues",
        env=child_environment({"SAMPLE_BROKER_URL": demo.cluster.broker_url}),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    await process.wait()
    return (time.perf_counter() - began) * 1000
