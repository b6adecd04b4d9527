"""What the checks of Redis say, level by level."""

from typing import Any

import pytest

from bot.checks.redis_clients import RedisClients
from bot.checks.redis_memory import RedisMemory
from bot.checks.redis_ping import RedisPing
from bot.domain.broker import BrokerInfo
from bot.domain.run import Level
from tests.checks.fakes import DEAD, NOW, Asking, FakeDiagnostics, ago, cells, target

MB = 1 << 20


def info(**given: Any) -> FakeDiagnostics:
    """Return the account of a Redis that is well."""
    well: dict[str, Any] = {
        "version": "Redis 7.0.15",
        "uptime": 7200,
        "role": "master",
        "connected_clients": 12,
        "blocked_clients": 3,
        "max_clients": 10_000,
        "clients": {"celery-oncall": 2, "": 10},
        "pubsub_buffer": 0,
        "used_memory": 100 * MB,
        "max_memory": 0,
        "policy": "noeviction",
        "evicted": 0,
        "appendonly": True,
        "save": "",
        "last_save_ok": True,
        "append_ok": True,
    }
    return FakeDiagnostics(info=BrokerInfo(at=NOW, **({"ping_seconds": 0.0012} | well | given)))


@pytest.mark.parametrize(
    ("given", "params", "level", "sentence"),
    [
        ({}, {}, Level.OK, "Redis 7.0.15 answers in 1 ms, up for 2 h."),
        ({"ping_seconds": 0.24}, {}, Level.WARN, "Redis answers in 240 ms, slower than 100 ms: look at its load"),
        ({"ping_seconds": 0.24}, {"slow": 0.5}, Level.OK, "Redis 7.0.15 answers in 240 ms"),
        ({"role": "slave"}, {}, Level.BAD, "This Redis is a replica, so nothing can be sent or taken: point"),
        ({"loading": True}, {}, Level.BAD, "Redis answers but still loads its data, and takes no commands: wait"),
    ],
    ids=["well", "slow", "slow is fine", "replica", "loading"],
)
def test_ping_is_ok_slow_or_of_no_use(
    given: dict[str, Any], params: dict[str, Any], level: Level, sentence: str
) -> None:
    """An answer alone is not enough: it must come in time, and be of a Redis that takes writes."""
    found = Asking(RedisPing())(target(info(**given)), **params)
    assert found.level is level
    assert found.sentence.startswith(sentence)
    assert found.values["up"] is True


def test_ping_without_an_answer_is_bad_and_not_merely_unknown() -> None:
    """That is what was asked."""
    found = Asking(RedisPing())(target(FakeDiagnostics(error=DEAD)))
    assert (found.level, found.sentence, found.values) == (Level.BAD, str(DEAD), {"up": False})


@pytest.mark.parametrize(
    ("given", "level", "sentence"),
    [
        ({}, Level.OK, "12 of 10,000 connections, 3 of them waiting for messages."),
        ({"max_clients": None}, Level.OK, "12 connections, 3 of them waiting for messages."),
        ({"max_clients": 14}, Level.WARN, "12 of 14 connections, 3 of them waiting for messages (85.71 %): beyond"),
        ({"max_clients": 12}, Level.BAD, "12 of 12 connections, 3 of them waiting for messages (100 %): beyond"),
        ({"rejected_connections": 7}, Level.WARN, "7 connections refused since Redis started"),
        ({"pubsub_buffer": 9 * MB}, Level.WARN, "A subscriber is 9 MB behind: at 8 MB for a minute, or 32 MB"),
        ({"pubsub_buffer": 30 * MB}, Level.BAD, "A subscriber is 30 MB behind"),
        ({"connected_clients": None}, Level.UNKNOWN, "Redis does not say how many clients it has."),
    ],
)
def test_clients_against_their_limit_and_the_buffers_of_subscribers(
    given: dict[str, Any], level: Level, sentence: str
) -> None:
    """Too many connections, and an event consumer that is about to be cut off."""
    found = Asking(RedisClients())(target(info(**given)))
    assert found.level is level
    assert found.sentence.startswith(sentence)


def test_clients_are_counted_by_name_most_first() -> None:
    """Those without a name are the cluster's own, mostly."""
    assert cells(Asking(RedisClients())(target(info()))) == [("(no name)", "10"), ("celery-oncall", "2")]


@pytest.mark.parametrize(
    ("given", "level", "sentence"),
    [
        ({}, Level.OK, "100 MB used, without a limit; kept on disk by an append-only file."),
        ({"max_memory": 400 * MB}, Level.OK, "100 MB of 400 MB used (25 %); kept on disk by an append-only file."),
        ({"max_memory": 120 * MB}, Level.WARN, "100 MB of 120 MB used (83.33 %): when it is full, nothing can be sent"),
        ({"max_memory": 100 * MB}, Level.BAD, "100 MB of 100 MB used (100 %): when it is full"),
        (
            {"max_memory": 400 * MB, "policy": "allkeys-lru"},
            Level.WARN,
            "The eviction policy is allkeys-lru: when memory is full, Redis deletes whole queues without a word. "
            "Set `CONFIG SET maxmemory-policy noeviction`",
        ),
        (
            {"max_memory": 400 * MB, "policy": "volatile-lru"},
            Level.WARN,
            "The eviction policy is volatile-lru: when memory is full, Redis deletes results and other keys",
        ),
        (
            {"max_memory": 400 * MB, "policy": "allkeys-lru", "evicted": 3},
            Level.BAD,
            "3 keys evicted since Redis started: messages or results may be lost.",
        ),
        ({"policy": "allkeys-lru"}, Level.OK, "100 MB used, without a limit"),
        ({"last_save_ok": False}, Level.BAD, "The last save to disk failed, after which Redis may refuse writes"),
        ({"append_ok": False}, Level.BAD, "Writing the append-only file failed"),
        ({"appendonly": False}, Level.WARN, "Nothing is kept on disk: a restart of Redis loses every waiting message."),
        ({"appendonly": False, "save": "3600 1"}, Level.OK, "100 MB used, without a limit; kept on disk by snapshots."),
        (
            {"appendonly": None, "save": None},
            Level.OK,
            "100 MB used, without a limit; whether it is kept on disk is not known.",
        ),
        ({"used_memory": None}, Level.UNKNOWN, "Redis does not say how much memory it uses."),
    ],
)
def test_memory_policy_and_persistence(given: dict[str, Any], level: Level, sentence: str) -> None:
    """Full, evicting, forgetting: each says what it threatens and what to do."""
    found = Asking(RedisMemory())(target(info(**given)))
    assert (found.level, found.sentence[: len(sentence)]) == (level, sentence)


def test_memory_says_what_the_server_keeps_to_itself() -> None:
    """A managed server refuses CONFIG; that nothing is wrong there is not claimed."""
    silent = info(policy=None, max_memory=None, refused=("CONFIG GET: the user may not do this",))
    found = Asking(RedisMemory())(target(silent))
    assert found.unknown == (
        "Redis does not tell CONFIG GET: the user may not do this.",
        "Redis does not say the eviction policy.",
        "Redis does not say its memory limit.",
    )
    assert ("limit", "not known") in cells(found)


def test_last_save_is_told_with_its_age() -> None:
    """A moment alone would have to be worked out at night."""
    found = Asking(RedisMemory())(target(info(save="3600 1", last_save_at=ago(minutes=12))))
    assert ("snapshots", "on, last 12 min ago") in cells(found)
