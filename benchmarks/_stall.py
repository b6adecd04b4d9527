"""How long Redis answers nobody: asked by a process of its own, since two threads of one Python wait for one another.

`python -m benchmarks._stall PORT` asks for a pong again and again until its input ends, then prints in milliseconds the
longest wait since the line it was sent, less the usual one.
"""

import select
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from playground.services import connect


@contextmanager
def stall(port: int) -> Iterator[list[float]]:
    """Ask meanwhile; at the end the list holds the stall in milliseconds."""
    command = [sys.executable, "-m", "benchmarks._stall", str(port)]
    found: list[float] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()  # it knows the usual wait
        yield found
        process.stdin.close()
        found.append(float(process.stdout.readline()))


def main() -> None:
    """Ask, and print."""
    client = connect(int(sys.argv[1]), timeout=60)
    usual = statistics.median(_wait(client) for _ in range(500))
    print("ready", flush=True)
    longest = 0.0
    while not select.select([sys.stdin], [], [], 0)[0]:
        longest = max(longest, _wait(client))
    print(longest - usual, flush=True)


def _wait(client: "redis.Redis") -> float:
    began = time.perf_counter()
    client.ping()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
