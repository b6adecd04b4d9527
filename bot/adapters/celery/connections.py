"""The connections of a broker as CLIENT LIST tells them, and CLIENT KILL for chosen ones.

Never by TYPE: `CLIENT KILL TYPE normal` takes workers and our own with it. Ids are never given again while the server
runs (https://redis.io/docs/latest/commands/client-id/), so an id that was shown can mean no other connection.
"""

from collections.abc import Mapping, Sequence

import redis

from bot.adapters.celery.connection import CLIENT_NAME
from bot.adapters.celery.keys import text
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.connections import Chosen, Connection, Sort, of_workers
from bot.ports.archives import Told

AT_ONCE = 200
"""Connections that one round trip closes."""

STEP_SECONDS = 2.0

_BLOCKING = frozenset(
    ("brpop", "blpop", "brpoplpush", "blmove", "blmpop", "bzpopmin", "bzpopmax", "bzmpop", "xread", "xreadgroup")
)
"""Commands that wait for something to take. A worker whose slots are full does not wait, and has it as its last."""

_FLAGS = {"M": Sort.REPLICA, "S": Sort.REPLICA, "O": Sort.MONITOR, "P": Sort.PUBSUB, "b": Sort.CONSUMER}
"""See https://redis.io/docs/latest/commands/client-list/; the first that fits."""


class CeleryConnections:
    """The connections of one cluster's broker. Used from many threads."""

    def __init__(self, watched: WatchedCluster) -> None:
        """Do no I/O."""
        self._broker = watched.broker

    def all(self, deadline: float = 2.0) -> tuple[Connection, ...]:
        """Return all. Raises ClusterUnreachable, as BrokerRefuses where the ACL does not allow CLIENT LIST."""
        return self._broker.read(lambda client, _: _listed(client), deadline)

    def close(self, some: Sequence[Connection], chosen: Chosen, told: Told) -> int:
        """Close these, each looked at again right before; returns how many were still there and may be closed.

        One that became a worker's since it was chosen is left alone, unless workers' are meant too. Raises
        ClusterUnreachable (nothing was sent) or EffectUncertain.
        """
        closed = 0
        for start in range(0, len(some), AT_ONCE):
            part = {c.id: c.address for c in some[start : start + AT_ONCE]}
            told(f"{closed:,} of {len(some):,} connections are closed.")

            def work(client: "redis.Redis", until: float, part: Mapping[int, str] = part) -> int:  # noqa: ARG001 - as above
                return _closed(client, part, chosen)

            closed += self._broker.effect("closing connections", work, STEP_SECONDS)
        return closed


def _closed(client: "redis.Redis", part: Mapping[int, str], chosen: Chosen) -> int:
    there = [c for c in _listed(client) if part.get(c.id) == c.address and chosen.means(c) and chosen.may_close(c)]
    if not there:
        return 0
    pipeline = client.pipeline(transaction=False)
    for c in there:
        pipeline.execute_command("CLIENT", "KILL", "ID", c.id, "ADDR", c.address)  # type: ignore[no-untyped-call]
    return sum(int(n) for n in pipeline.execute())


def _listed(client: "redis.Redis") -> tuple[Connection, ...]:
    """Return all connections; the one that asks is ours whatever it is called, and so is each of our name."""
    pipeline = client.pipeline(transaction=False)
    pipeline.execute_command("CLIENT", "LIST")  # type: ignore[no-untyped-call]  # one word each: the raw answer
    pipeline.execute_command("CLIENT", "ID")  # type: ignore[no-untyped-call]
    listed, mine = pipeline.execute(raise_on_error=False)
    if isinstance(listed, Exception):
        raise listed
    me = mine if isinstance(mine, int) else None  # an ACL may refuse it; our connections bear our name
    return of_workers(_connection(line, me) for line in text(listed).splitlines() if line)


def _connection(line: str, me: int | None) -> Connection:
    said = dict(pair.partition("=")[::2] for pair in line.split(" "))
    number, name = int(said["id"]), said.get("name", "")
    return Connection(
        id=number,
        address=said.get("addr", ""),
        name=name,
        age=int(said.get("age") or 0),
        idle=int(said.get("idle") or 0),
        db=int(said.get("db") or 0),
        command=said.get("cmd", ""),
        sort=Sort.OURS if name == CLIENT_NAME or number == me else _sort(said),
    )


def _sort(said: Mapping[str, str]) -> Sort:
    flags, command = said.get("flags", ""), said.get("cmd", "").partition("|")[0].lower()
    found = next((sort for letter, sort in _FLAGS.items() if letter in flags), Sort.OTHER)
    return Sort.CONSUMER if found is Sort.OTHER and command in _BLOCKING else found
