"""One watched cluster as everything that asks it shares it: connections, key names, queues, and who answered lately."""

import time
from collections.abc import Mapping, Sequence

import redis

from bot.adapters.celery import answers
from bot.adapters.celery.broker import Broker
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.pidbox import Command, Pidbox, Replies
from bot.adapters.celery.roll import Absent, Roll
from bot.adapters.celery.topology import Topology
from bot.domain.cluster import ClusterSpec


class WatchedCluster:
    """Holds no opinion of its own. Connects on first use; safe to use from many threads."""

    def __init__(self, connection: ClusterConnection, spec: ClusterSpec) -> None:
        """Do no I/O."""
        self.connection, self.spec = connection, spec
        self.keys = connection.keys
        self.broker = Broker(connection)
        self.pidbox = Pidbox(self.keys)
        self.topology = Topology(self.keys, (q.name for q in spec.queues))
        self.roll = Roll()

    def close(self) -> None:
        """Close every connection."""
        self.broker.close()

    def ask(self, client: "redis.Redis", commands: Sequence[Command], until: float) -> Replies:
        """Ask every worker; a `ping` must be the last command. Ends when all have answered, or at `until`."""
        started = time.monotonic()

        def enough(replies: Replies) -> bool:
            done = (node for node, said in replies.by_node.items() if "ping" in said)
            missing = replies.listeners - replies.pongs
            return replies.everybody or self.roll.all_here(done, missing, time.monotonic() - started)

        return self.pidbox.ask(client, commands, until, enough)

    def call_roll(self, replies: Replies) -> Absent:
        """Record who answered, and return the known workers that did not."""
        return self.roll.call(workers_of(replies), max(0, replies.listeners - replies.pongs))


def workers_of(replies: Replies) -> Mapping[str, Mapping[str, object]]:
    """Return what each node that is a worker answered."""
    return {node: said for node, said in replies.by_node.items() if answers.is_worker(said)}
