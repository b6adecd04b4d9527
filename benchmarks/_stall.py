"""How long Redis answered nobody: the longest command, by Redis' own slow log. It runs one command at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from playground.services import RedisServer

LEAST = 0.05
"""Milliseconds. What a script calls is logged like any command; all of it would push out of the log what counts."""


@contextmanager
def stall(server: RedisServer) -> Iterator[list[float]]:
    """Watch meanwhile; at the end the list holds the longest command in milliseconds.

    A client that measures from outside would count its own waits for a processor that others use.
    """
    found: list[float] = []
    with server.client() as client:
        client.config_set("slowlog-log-slower-than", round(LEAST * 1000))
        client.config_set("slowlog-max-len", 100_000)
        client.slowlog_reset()
        yield found
        seen = [e for e in client.slowlog_get(100_000) if not e["command"].startswith(b"SLOWLOG")]
        found.append(max((entry["duration"] / 1000 for entry in seen), default=LEAST))
