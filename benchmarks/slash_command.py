"""From typing `/celery …` to seeing the answer, on loopback: the whole way through Slack's sockets, the bot and back.

`help` costs nothing but the way; `status` tells of a real cluster of three workers. What people do by hand instead, for
comparison in the same run: the celery command line that shows who consumes what. Slack gives a command 3 s.
"""

import asyncio
import statistics
import sys
import time

import aiohttp

from benchmarks._row import Row, at_least, at_most
from playground.celery_worker import child_environment
from playground.demo import Demo
from playground.slack.person import Person

CHANNEL, USER = "C0ONCALL", "U0ANA"
ROUNDS, BY_HAND = 500, 5


def rows() -> list[Row]:
    """Measure both commands; theirs is the same for both."""
    return asyncio.run(_rows())


async def _rows() -> list[Row]:
    found = []
    async with Demo(lambda _: None) as demo:
        ana = await demo.person(USER)
        theirs = statistics.median([await _celery(demo) for _ in range(BY_HAND)])
        for line in ("/celery help", "/celery status"):
            ours = sorted(await _answers(demo, ana, line))
            median, p99 = statistics.median(ours), ours[int(len(ours) * 0.99)]
            found.append(at_least(f"slash_command: {line}", median, theirs, "ms", 10))
            found.append(at_most(f"slash_command: {line}, 99 of 100 within", p99, theirs, "ms", 1000))
    return found


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
