"""Connections to the watched Redis: whose they are, which look leaked, and which may be closed."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from bot.domain.cluster import Value

LEAKED_SECONDS = 3600
"""Idle for so long, a plain connection looks leaked: Redis itself ends none unless `timeout` is set."""

IN_USE_SECONDS = 60
"""A connection from a worker's host that was used so lately may be the worker's own."""


class Sort(StrEnum):
    """What a connection is for, as far as it shows."""

    OURS = "ours"
    REPLICA = "replica or master"
    MONITOR = "monitor"
    CONSUMER = "takes messages: a worker"
    PUBSUB = "pub/sub: a worker's control, or a listener"
    OTHER = "ordinary"


SPARED = (Sort.OURS, Sort.REPLICA, Sort.MONITOR)
"""Never closed: we would cut ourselves off, break replication, or take the screen from somebody who debugs."""


class Connection(Value):
    """One line of CLIENT LIST; `age` and `idle` in seconds, `command` the last one.

    `id` is never given to another connection while the server runs. `worker`: closing it may make a task run twice.
    """

    id: int
    address: str
    name: str = ""
    age: int = 0
    idle: int = 0
    db: int = 0
    command: str = ""
    sort: Sort = Sort.OTHER
    worker: bool = False

    @property
    def host(self) -> str:
        """Return the address without its port."""
        return self.address.rpartition(":")[0] or self.address

    @property
    def leaked(self) -> bool:
        """Return whether it looks leaked; only its program knows."""
        return self.sort is Sort.OTHER and self.idle >= LEAKED_SECONDS


class Chosen(Value):
    """Which connections are meant: by `ids`, or all that were idle for `idle` seconds, come from `host`, are `named`.

    With several of these, those for which all hold. Those of workers only with `workers`.
    """

    ids: tuple[int, ...] = ()
    idle: int | None = None
    host: str | None = None
    named: str | None = None
    workers: bool = False

    def means(self, one: Connection) -> bool:
        """Return whether a connection is meant, whether or not it may be closed."""
        if self.ids:
            return one.id in self.ids
        return (
            (self.idle is None or one.idle >= self.idle)
            and (self.host is None or self.host in (one.host, one.host.strip("[]"), one.address))
            and (self.named is None or self.named == one.name)
        )

    def may_close(self, one: Connection) -> bool:
        """Return whether one that is meant may be closed."""
        return one.sort not in SPARED and (self.workers or not one.worker)


class Group(Value):
    """Connections of one name from one host that are for the same."""

    name: str
    host: str
    sort: Sort
    connections: tuple[Connection, ...]

    @property
    def leaked(self) -> int:
        """Return how many look leaked."""
        return sum(c.leaked for c in self.connections)


def of_workers(found: Iterable[Connection]) -> tuple[Connection, ...]:
    """Return them with `worker` set where closing one may make a task run twice.

    Redis does not say which connection is a worker's. One that takes messages is; a subscriber may be its control; and
    a worker has five to ten more on its host, of which those used lately count.
    """
    every = tuple(found)
    hosts = {c.host for c in every if c.sort is Sort.CONSUMER}
    return tuple(
        c.model_copy(update={"worker": True})
        if c.sort in (Sort.CONSUMER, Sort.PUBSUB)
        or (c.sort is Sort.OTHER and c.host in hosts and c.idle < IN_USE_SECONDS)
        else c
        for c in every
    )


def grouped(found: Iterable[Connection]) -> tuple[Group, ...]:
    """Return the groups, worst first: most that look leaked, then most; in each the longest idle first."""
    together: dict[tuple[str, str, Sort], list[Connection]] = {}
    for c in found:
        together.setdefault((c.name, c.host, c.sort), []).append(c)
    groups = [
        Group(name=name, host=host, sort=sort, connections=tuple(longest_idle(some)))
        for (name, host, sort), some in together.items()
    ]
    return tuple(sorted(groups, key=lambda g: (-g.leaked, -len(g.connections), g.name, g.host)))


def longest_idle(found: Iterable[Connection]) -> Sequence[Connection]:
    """Return them, the longest idle first."""
    return sorted(found, key=lambda c: (-c.idle, c.id))
