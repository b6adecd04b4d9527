"""Names of keys, held against kombu's own."""

import pytest
from kombu import Connection, Exchange, Queue

from bot.adapters.celery.keys import Binding, Keys, prefix_of
from playground.services import RedisServer

PLAIN = Keys("", 0, "\x06\x16", (0, 3, 6, 9))
ODD = Keys("shop[1]:", 2, ":", (0, 5), "control")


@pytest.mark.service
@pytest.mark.parametrize("keys", [PLAIN, ODD, Keys("", 0, "\x06\x16", (2, 4))])
@pytest.mark.parametrize("priority", [0, 1, 3, 5, 9])
def test_a_message_lands_in_the_lane_we_name(redis_server: RedisServer, keys: Keys, priority: int) -> None:
    """By its priority, where kombu puts it, for usual and odd steps."""
    options = {"global_keyprefix": keys.prefix, "sep": keys.sep, "priority_steps": list(keys.steps)}
    with Connection(redis_server.url(keys.db), transport_options=options) as connection:
        queue = connection.SimpleQueue("booking")
        queue.producer.publish({}, priority=priority)
        queue.close()
    with redis_server.client(keys.db) as client:
        assert client.llen(keys.lane("booking", priority)) == 1
        assert sum(client.llen(lane) for lane in keys.lanes("booking")) == 1


@pytest.mark.service
@pytest.mark.parametrize("keys", [PLAIN, ODD])
def test_bindings_of_kombu_are_read(redis_server: RedisServer, keys: Keys) -> None:
    """Tables of exchanges are found by pattern and read row by row, topics with their patterns."""
    options = {"global_keyprefix": keys.prefix, "sep": keys.sep}
    with Connection(redis_server.url(keys.db), transport_options=options) as connection:
        Queue("booking", Exchange("travel", "topic"), "travel.#")(connection.default_channel).declare()
    with redis_server.client(keys.db) as client:
        (key,) = client.scan_iter(keys.any_bindings)
        (row,) = client.smembers(keys.bindings("travel"))
    assert (keys.exchange_of(key.decode()), prefix_of(key.decode())) == ("travel", keys.prefix)
    binding = keys.binding("travel", row.decode())
    assert binding is not None
    assert binding.queue == "booking"
    assert binding.takes("travel.rome.hotel")
    assert not binding.takes("food.rome")


def test_internal_exchanges_and_mailboxes_are_no_queues() -> None:
    """Remote control, events and Broadcast use bindings too, and are not shown."""
    for exchange in ("celery.pidbox", "reply.celery.pidbox", "celeryev", "reply.celery-oncall.h.1.ab"):
        assert PLAIN.exchange_of(PLAIN.bindings(exchange)) is None
    assert PLAIN.exchange_of("_kombu.binding_permanent.celery") is None
    assert PLAIN.binding("x", PLAIN.row("", "w1@host.celery.pidbox")) is None
    assert PLAIN.binding("x", PLAIN.row("", "bcast.1234")) is None
    assert PLAIN.binding("x", "written with another separator") is None
    assert PLAIN.binding("x", PLAIN.row("key", "q")) == Binding("x", "key", "", "q")
