"""CLIENT LIST read and CLIENT KILL by id, on a real Redis."""

import socket
from collections.abc import Iterator

import pytest
import redis

from bot.adapters.celery.connection import CLIENT_NAME, ClusterConnection
from bot.adapters.celery.connections import CeleryConnections
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.cluster import ClusterSpec
from bot.domain.connections import Chosen, Connection, Sort
from playground.services import RedisServer

ALL = Chosen(host="127.0.0.1", workers=True)


@pytest.fixture
def watched(redis_server: RedisServer) -> Iterator[WatchedCluster]:
    """A cluster on the test's server."""
    cluster = WatchedCluster(ClusterConnection("prod", redis_server.url()), ClusterSpec(name="prod"))
    yield cluster
    cluster.close()


def connected(server: RedisServer, name: str = "") -> "tuple[redis.Redis, int]":
    """Return a client with one connection of its own, and that connection's id."""
    client = redis.Redis(port=server.port, client_name=name or None, single_connection_client=True)
    return client, int(client.client_id())


def told(server: RedisServer, command: str) -> tuple[socket.socket, int]:
    """Return a plain connection after a command that keeps it, and its id."""
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    plain.sendall(b"CLIENT ID\r\n")
    number = int(plain.recv(100).strip(b":\r\n"))
    plain.sendall(f"{command}\r\n".encode())
    plain.recv(100)
    return plain, number


def by_id(watched: WatchedCluster) -> dict[int, Connection]:
    """Return what is listed."""
    return {c.id: c for c in CeleryConnections(watched).all()}


def test_each_connection_is_listed_with_what_it_is_for(redis_server: RedisServer, watched: WatchedCluster) -> None:
    """Ours by their name; who waits for messages; who subscribes; who debugs."""
    ours, our_id = connected(redis_server, CLIENT_NAME)
    web, web_id = connected(redis_server, "web")
    consumer, consumer_id = connected(redis_server)
    consumer.brpop(["nothing"], timeout=0.01)
    listener, listener_id = told(redis_server, "SUBSCRIBE here")
    monitor, monitor_id = told(redis_server, "MONITOR")
    found = by_id(watched)
    assert {i: found[i].sort for i in (our_id, web_id, consumer_id, listener_id, monitor_id)} == {
        our_id: Sort.OURS,
        web_id: Sort.OTHER,
        consumer_id: Sort.CONSUMER,
        listener_id: Sort.PUBSUB,
        monitor_id: Sort.MONITOR,
    }
    assert (found[web_id].name, found[web_id].host, found[web_id].command) == ("web", "127.0.0.1", "client|id")
    assert all(found[i].worker for i in (web_id, consumer_id, listener_id)), "web was used just now at a worker's host"
    for client in (ours, web, consumer, listener, monitor):
        client.close()


def test_what_was_chosen_is_closed_and_ours_and_monitors_stay(
    redis_server: RedisServer, watched: WatchedCluster
) -> None:
    """Also when somebody chose all there are, with workers."""
    (ours, our_id), (web, web_id) = (connected(redis_server, name) for name in (CLIENT_NAME, "web"))
    monitor, monitor_id = told(redis_server, "MONITOR")
    connections = CeleryConnections(watched)
    assert connections.close(connections.all(), ALL, lambda _: None) == 1
    assert by_id(watched).keys() & {our_id, web_id, monitor_id} == {our_id, monitor_id}
    for client in (ours, web, monitor):
        client.close()


def test_one_that_became_a_workers_since_it_was_chosen_is_left_alone(
    redis_server: RedisServer, watched: WatchedCluster
) -> None:
    """It is looked at again right before it is closed: by its address, by what was chosen, by what it does."""
    client, number = connected(redis_server)
    connections, chosen = CeleryConnections(watched), Chosen(ids=(number,))
    (then,) = (c for c in connections.all() if c.id == number)
    client.brpop(["nothing"], timeout=0.01)
    assert connections.close([then], chosen, lambda _: None) == 0
    elsewhere = then.model_copy(update={"address": "10.0.0.7:1"})
    assert connections.close([elsewhere], ALL, lambda _: None) == 0
    assert connections.close([then], Chosen(idle=60, workers=True), lambda _: None) == 0
    assert number in by_id(watched)
    client.close()
