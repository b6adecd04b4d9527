"""What Redis says of itself, held against Redis; and what is left when it refuses to say it."""

import time

import pytest
from redis import Redis

from bot.adapters.celery.control import CeleryClusterControl
from bot.domain.broker import PUBLISHED_AT
from playground.services import RedisServer
from tests.adapters.celery.conftest import Diagnose, MakeControl, wait_for
from tests.services.sample_app import make_app

pytestmark = pytest.mark.service


def test_clients_are_counted_by_name_and_kind(
    redis_server: RedisServer, control: CeleryClusterControl, diagnose: Diagnose
) -> None:
    """Ours have a name; subscribers are told from others."""
    with redis_server.client() as one, redis_server.client() as two:
        one.client_setname("shop")
        listener = two.pubsub()
        listener.subscribe("news")
        wait_for(lambda: two.pubsub_numsub("news")[0][1] == 1)
        info = diagnose(control).broker_info()
        assert info.clients["shop"] == 1
        assert info.clients["celery-oncall"] >= 1
        assert info.client_kinds["pubsub"] == 1
        assert info.connected_clients == sum(info.clients.values()) == sum(info.client_kinds.values())
        assert (info.pubsub_buffer, info.refused) == (0, ())


def test_memory_and_persistence_are_as_configured(
    redis_server: RedisServer, control: CeleryClusterControl, diagnose: Diagnose
) -> None:
    """Limit, policy, append-only file, rules of snapshots, keys of our database alone."""
    with redis_server.client() as client, redis_server.client(1) as other:
        client.mset({"a": 1, "b": 2})
        other.set("c", 3)
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("save", "3600 1")
        info = diagnose(control).broker_info()
        assert (info.max_memory, info.policy, info.appendonly, info.save) == (100 << 20, "allkeys-lru", False, "3600 1")
        assert (info.keys, info.role, info.loading, info.last_save_ok) == (2, "master", False, True)
        assert info.version is not None
        assert info.version.split()[0] in ("Redis", "Valkey")
        assert 0 < info.ping_seconds < 1
        assert abs((info.used_memory or 0) - client.info("memory")["used_memory"]) < 1 << 20


def test_a_user_who_may_not_use_config_and_client_is_told_the_rest(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose
) -> None:
    """As with managed servers: policy and append-only file from INFO, and what was refused is said."""
    with redis_server.client() as client:
        client.acl_setuser(
            "bot",
            enabled=True,
            passwords=["+pw"],
            keys=["*"],
            channels=["*"],
            commands=["+@all", "-config", "-client|list"],
        )
    control = make_control(f"redis://bot:pw@127.0.0.1:{redis_server.port}/0", ["booking"])
    info = diagnose(control).broker_info()
    assert (info.policy, info.appendonly, info.save) == ("noeviction", False, None)
    assert (info.clients, info.client_kinds, info.pubsub_buffer) == ({}, {}, None)
    assert info.connected_clients is not None
    assert info.refused == (
        "CLIENT LIST: its ACL refuses `client|list` to the bot's user",
        "CONFIG GET: its ACL refuses `config|get` to the bot's user",
    )


def test_a_user_who_may_ask_nothing_still_gets_a_pong(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose
) -> None:
    """Unknown is None, and three refusals."""
    with redis_server.client() as client:
        client.acl_setuser(
            "bot",
            enabled=True,
            passwords=["+pw"],
            keys=["*"],
            commands=["+ping", "+client|setname", "+client|setinfo", "+select"],
        )
    info = diagnose(make_control(f"redis://bot:pw@127.0.0.1:{redis_server.port}/0")).broker_info()
    assert info.ping_seconds > 0
    assert (info.version, info.used_memory, info.keys, info.policy, info.appendonly) == (None,) * 5
    assert [r.partition(":")[0] for r in info.refused] == ["INFO", "CLIENT LIST", "CONFIG GET"]


# --- the oldest message ----------------------------------------------------------------------------------------------


def test_the_next_message_is_the_head_of_the_most_urgent_lane_and_its_age_is_its_stamp(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose
) -> None:
    """Of two in the urgent lane the first sent is next; the age is that of the oldest stamp at any lane's head."""
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url(), "SAMPLE_PREFIX": "eu:", "SAMPLE_STEPS": "0,5"})
    now = time.time()
    for name, priority, age in (("slow", 9, 300), ("next", 0, 20), ("behind", 0, 10)):
        app.send_task(
            f"shop.{name}", queue="booking", task_id=name, priority=priority, headers={PUBLISHED_AT: now - age}
        )
    app.send_task("shop.plain", queue="analytics", task_id="plain")
    odd = {"global_keyprefix": "eu:", "priority_steps": (0, 5)}
    found = diagnose(make_control(redis_server.url(), ["booking", "analytics", "empty"], **odd)).oldest()
    assert set(found) == {"booking", "analytics"}
    booking, analytics = found["booking"], found["analytics"]
    assert (booking.task, booking.task_id) == ("shop.next", "next")
    assert booking.age is not None
    assert 300 <= booking.age < 330
    assert booking.tasks == ("shop.behind", "shop.next", "shop.slow")
    assert (analytics.task_id, analytics.age, analytics.tasks) == ("plain", None, ("shop.plain",))


def test_the_ends_of_all_queues_are_read_in_one_round_trip(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose
) -> None:
    """Once the queues are known: 800 commands arrive in a few reads of the socket, as the server counts them."""
    names = [f"q{n}" for n in range(100)]
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url()})
    app.send_task("shop.one", queue="q0")
    diagnostics = diagnose(make_control(redis_server.url(), names))
    wait_for(lambda: set(diagnostics.oldest()) == {"q0"})
    with redis_server.client() as client:
        before = reads(client)
        own = reads(client) - before
        start = reads(client)
        assert set(diagnostics.oldest()) == {"q0"}
        assert reads(client) - start - own < 20


def reads(client: "Redis") -> int:
    """How often the server read from a socket."""
    return int(client.info("stats")["total_reads_processed"])


def test_what_is_no_message_has_no_age(
    redis_server: RedisServer, control: CeleryClusterControl, diagnose: Diagnose
) -> None:
    """Rubbish in a queue is a message without a name; a key that is no list is no queue."""
    with redis_server.client() as client:
        client.lpush("booking", "rubbish", "[]", '{"headers": {"oncall_published_at": "yesterday", "task": 7}}')
        client.set("analytics", "x")
    found = diagnose(control).oldest()
    assert [(m.queue, m.task, m.task_id, m.age, m.tasks) for m in found.values()] == [("booking", None, None, None, ())]
