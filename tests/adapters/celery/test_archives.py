"""Messages set aside and put back, each once, on a real Redis."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import redis

from bot.adapters.celery.archives import MOVES, PAGE, CeleryArchives
from bot.adapters.celery.census import counted
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.watched import WatchedCluster
from bot.domain.archive import Archive, ArchiveState, ArchiveWanted, QueueMoved
from bot.domain.broker import PUBLISHED_AT
from bot.domain.cluster import ClusterSpec, QueueSpec
from bot.domain.errors import BadInput, BrokerRefuses, OncallError
from playground.services import RedisServer

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
MANY = 10**9


class Stopped(OncallError):
    """The process that sorts is killed here."""


class Broker:
    """A Redis with a queue, written as kombu does, and the archives of its cluster."""

    def __init__(
        self,
        server: RedisServer,
        prefix: str = "",
        sep: str = "\x06\x16",
        queue: str = "mail",
        steps: tuple[int, ...] = (0, 3, 6, 9),
    ) -> None:
        connection = ClusterConnection("shop", server.url(), global_keyprefix=prefix, sep=sep, priority_steps=steps)
        watched = WatchedCluster(connection, ClusterSpec(name="shop", queues=(QueueSpec(name="mail"),)))
        self.queue = queue
        self.keys, self.client, self.archives = watched.keys, server.client(), CeleryArchives(watched)

    def put(self, ids: range, task: str = "mail.send", priority: int = 0, at: float | None = None) -> None:
        """Send messages, the first of them first."""
        lane = self.keys.lane(self.queue, priority)
        raw = [message(str(i), task, at) for i in ids]
        for start in range(0, len(raw), PAGE):
            self.client.lpush(lane, *raw[start : start + PAGE])

    def waiting(self) -> list[str]:
        """Return the ids in the order in which workers would take them."""
        found = [raw for lane in self.keys.lanes(self.queue) for raw in reversed(self.client.lrange(lane, 0, -1))]
        return [json.loads(raw)["headers"]["id"] for raw in found]


def message(id: str, task: str, at: float | None) -> bytes:
    """Return a message as it lies in a queue."""
    headers = {"id": id, "task": task} | ({PUBLISHED_AT: at} if at is not None else {})
    return json.dumps({"body": "W10=", "headers": headers, "properties": {"body_encoding": "base64"}}).encode()


def wanted(most: int = MANY, id: str = "a1", queue: str = "mail", **chosen: Any) -> ArchiveWanted:
    """Return what is to be made: of all messages, or those chosen by `task` or `before`."""
    return ArchiveWanted(id=id, queue=queue, made_at=NOW, ends_at=NOW + timedelta(days=1), most=most, **chosen)


def ids(numbers: range) -> list[str]:
    """Return the ids of these messages."""
    return [str(n) for n in numbers]


def quiet(line: str) -> None:
    """Say nothing."""


def stop_after(steps: int) -> Callable[[str], None]:
    """Return what dies at its so-manieth line."""
    left = [steps]

    def told(line: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Stopped

    return told


def held(result: Archive | QueueMoved) -> Archive:
    """Return the archive that was made."""
    assert isinstance(result, Archive)
    return result


@pytest.fixture
def broker(redis_server: RedisServer) -> Broker:
    """Return an empty one."""
    return Broker(redis_server)


@pytest.mark.parametrize(("prefix", "sep"), [("", "\x06\x16"), ("shop:", ":")])
def test_a_queue_is_set_aside_over_all_lanes_and_put_back_in_its_order(
    redis_server: RedisServer, prefix: str, sep: str
) -> None:
    """Nothing is left in the queue, and after the undo each message is there once, the urgent lane first."""
    broker = Broker(redis_server, prefix, sep)
    broker.put(range(5), priority=0)
    broker.put(range(5, 8), priority=9)
    archive = held(broker.archives.set_aside(wanted(most=MANY), quiet))
    assert (archive.state, archive.messages, archive.lying, broker.waiting()) == (ArchiveState.HELD, 8, 8, [])
    assert broker.archives.put_back("a1", quiet).state is ArchiveState.RESTORED
    assert broker.waiting() == ids(range(8))


def test_setting_aside_twice_under_one_id_does_it_once(broker: Broker) -> None:
    """What came in between stays in the queue."""
    broker.put(range(3))
    broker.archives.set_aside(wanted(most=MANY), quiet)
    broker.put(range(3, 5))
    assert held(broker.archives.set_aside(wanted(most=MANY), quiet)).messages == 3
    assert broker.waiting() == ids(range(3, 5))


def test_a_queue_that_moved_is_left_alone(broker: Broker) -> None:
    """More messages than people consented to: nothing is touched, and the count is told."""
    broker.put(range(10))
    assert broker.archives.set_aside(wanted(most=9), quiet) == QueueMoved(messages=10)
    assert (len(broker.waiting()), broker.archives.all()) == (10, ())


@pytest.mark.parametrize(("old", "new"), [(10, 3), (3, 2 * MOVES), (PAGE + 7, PAGE + 2 * MOVES), (PAGE, PAGE - 1)])
def test_what_came_since_stands_behind_what_is_put_back(broker: Broker, old: int, new: int) -> None:
    """Older before newer, whichever side is long; putting back again changes nothing."""
    broker.put(range(old))
    broker.archives.set_aside(wanted(most=MANY), quiet)
    broker.put(range(old, old + new))
    for _ in range(2):
        assert broker.archives.put_back("a1", quiet).state is ArchiveState.RESTORED
        assert broker.waiting() == ids(range(old + new))


@pytest.mark.parametrize("steps", range(1, 5))
def test_putting_back_that_broke_off_goes_on(broker: Broker, steps: int) -> None:
    """Killed after any step: whoever goes on brings back each message once."""
    broker.put(range(PAGE))
    broker.archives.set_aside(wanted(most=MANY), quiet)
    broker.put(range(PAGE, 2 * PAGE))
    try:
        broker.archives.put_back("a1", stop_after(steps))
    except Stopped:
        assert broker.archives.go_on("a1", quiet).state is ArchiveState.RESTORED
    assert sorted(broker.waiting(), key=int) == ids(range(2 * PAGE))


def test_one_task_is_sorted_out_and_the_others_stay_in_their_order(broker: Broker) -> None:
    """Of two names in two lanes the one is set aside; what came meanwhile stands behind what stayed."""
    for i in range(20):
        broker.put(range(i, i + 1), task="mail.send" if i % 2 else "mail.clean", priority=0 if i < 10 else 6)
    archive = held(broker.archives.set_aside(wanted(task="mail.send"), quiet))
    assert (archive.state, archive.messages, archive.kept) == (ArchiveState.HELD, 10, 10)
    assert broker.waiting() == ids(range(0, 20, 2))
    broker.archives.put_back("a1", quiet)
    assert sorted(broker.waiting(), key=int) == ids(range(20))


def test_only_messages_with_a_stamp_can_be_too_old(broker: Broker) -> None:
    """A message that does not say when it was published is never taken for an old one."""
    broker.put(range(2), at=NOW.timestamp() - 7200)
    broker.put(range(2, 4), at=NOW.timestamp() - 60)
    broker.put(range(4, 6))
    before = datetime.fromtimestamp(NOW.timestamp() - 3600, UTC)
    archive = held(broker.archives.set_aside(wanted(before=before), quiet))
    assert (archive.messages, archive.before, broker.waiting()) == (2, before, ids(range(2, 6)))


@pytest.mark.parametrize("steps", range(1, 9))
def test_sorting_that_broke_off_goes_on_and_loses_nothing(broker: Broker, steps: int) -> None:
    """Killed after any step, then finished or undone: each message is there once."""
    broker.put(range(3 * PAGE), task="mail.send")
    broker.put(range(3 * PAGE, 4 * PAGE), task="mail.clean", priority=9)
    try:
        broker.archives.set_aside(wanted(task="mail.send"), stop_after(steps))
    except Stopped:
        broker.put(range(4 * PAGE, 4 * PAGE + 5), task="mail.send")
    archive = broker.archives.go_on("a1", quiet)
    assert (archive.state, archive.messages, archive.kept) == (ArchiveState.HELD, 3 * PAGE, PAGE)
    before_undo = len(broker.waiting())
    broker.archives.put_back("a1", quiet)
    found = broker.waiting()
    assert (len(found), len(set(found))) == (before_undo + 3 * PAGE, len(found))


def test_two_who_sort_the_same_archive_sort_each_message_by_itself(broker: Broker) -> None:
    """The page that one has looked at was sorted by the other before it came to it: it looks anew."""
    for i in range(3 * PAGE):
        broker.put(range(i, i + 1), task="mail.send" if i % 3 or i > 2 * PAGE else "mail.clean")
    stay = [i for i in broker.waiting() if not int(i) % 3 and int(i) <= 2 * PAGE]
    others: list[str] = []

    def told(line: str) -> None:
        if "still to be looked at" in line and not others:
            others.append(line)
            with pytest.raises(Stopped):
                broker.archives.go_on("a1", stop_after(1))

    archive = held(broker.archives.set_aside(wanted(task="mail.send"), told))
    assert others
    assert (archive.messages, archive.lying, archive.kept) == (3 * PAGE - len(stay), 3 * PAGE - len(stay), len(stay))
    assert broker.waiting() == stay


@pytest.mark.parametrize("task", [None, "mail.send"])
def test_while_an_archive_is_made_or_put_back_no_other_is_made_of_its_queue(
    redis_server: RedisServer, broker: Broker, task: str | None
) -> None:
    """Its messages lie elsewhere, so that the other would set aside none, and say so."""
    other = Broker(redis_server, queue="other")
    broker.put(range(3 * PAGE))
    other.put(range(3))
    with pytest.raises(Stopped):
        broker.archives.set_aside(wanted(task="mail.clean"), stop_after(2))
    with pytest.raises(BadInput, match="`a1` of `mail` is just being made or put back"):
        broker.archives.set_aside(wanted(id="a2", task=task), quiet)
    assert held(other.archives.set_aside(wanted(id="a3", task=task, queue="other"), quiet)).messages == 3
    broker.archives.go_on("a1", quiet)
    assert held(broker.archives.set_aside(wanted(id="a2", task=task), quiet)).messages == 3 * PAGE
    broker.put(range(3 * PAGE, 6 * PAGE))
    with pytest.raises(Stopped):
        broker.archives.put_back("a2", stop_after(1))
    with pytest.raises(BadInput, match="`a2` of `mail`"):
        broker.archives.set_aside(wanted(id="a4", task=task), quiet)
    broker.archives.put_back("a2", quiet)
    assert held(broker.archives.set_aside(wanted(id="a4", task=task), quiet)).messages == 6 * PAGE


def test_a_dropped_archive_is_gone_and_cannot_be_put_back(broker: Broker) -> None:
    """Its keys are unlinked; what is said of it stays until it is forgotten."""
    broker.put(range(5))
    broker.archives.set_aside(wanted(most=MANY), quiet)
    archive = broker.archives.drop("a1")
    assert (archive.state, archive.lying, archive.undoable) == (ArchiveState.DROPPED, 0, False)
    assert broker.archives.put_back("a1", quiet).state is ArchiveState.DROPPED
    assert broker.waiting() == []
    broker.archives.forget("a1")
    assert broker.client.keys("*") == []


def test_a_restored_archive_is_not_dropped(broker: Broker) -> None:
    """What is back in its queue is no longer an archive's to delete."""
    broker.put(range(5))
    broker.archives.set_aside(wanted(most=MANY), quiet)
    broker.archives.put_back("a1", quiet)
    assert broker.archives.drop("a1").state is ArchiveState.RESTORED
    assert len(broker.waiting()) == 5


@pytest.mark.parametrize("task", [None, "mail.send"])
def test_lanes_that_were_changed_since_lose_no_message(redis_server: RedisServer, task: str | None) -> None:
    """The settings of the lanes changed between the purge and its undo: what is in no lane now goes to the next."""
    then, now = Broker(redis_server), Broker(redis_server, sep=":", steps=(0, 5))
    for i, priority in enumerate((0, 3, 6, 9)):
        then.put(range(i, i + 1), priority=priority)
        then.put(range(i + 10, i + 11), priority=priority, task="mail.clean")
    then.archives.set_aside(wanted(task=task), quiet)
    then.client.delete(*then.keys.lanes("mail"))
    (archive,) = now.archives.all()
    assert (archive.lying, archive.messages) == (4 if task else 8, 4 if task else 8)
    assert now.archives.put_back("a1", quiet).state is ArchiveState.RESTORED
    assert sorted(now.waiting(), key=int) == ids(range(4)) + ([] if task else ids(range(10, 14)))


def test_sorting_ends_when_redis_evicted_what_was_said_of_the_archive(broker: Broker) -> None:
    """Nobody goes on for ever with an archive that nobody knows."""
    broker.put(range(3 * PAGE))
    with pytest.raises(Stopped):
        broker.archives.set_aside(wanted(task="mail.send"), stop_after(2))
    about = broker.archives._about("a1")

    def evict(line: str) -> None:
        told.append(line)
        assert len(told) < 20, "it goes on and on"
        broker.client.delete(about)

    told: list[str] = []
    with pytest.raises(OncallError, match="archive"):
        broker.archives.go_on("a1", evict)


def test_messages_that_redis_evicted_are_missed(broker: Broker) -> None:
    """An archive of which fewer lie there than were set aside says so."""
    broker.put(range(5))
    broker.archives.set_aside(wanted(most=MANY), quiet)
    broker.client.delete(broker.keys.lane("oncall.archive.a1", 0))
    (archive,) = broker.archives.all()
    assert (archive.messages, archive.lying) == (5, 0)


def test_a_census_counts_by_task_and_reads_no_more_than_its_bound(broker: Broker) -> None:
    """The counts are of what is next; how many were looked at is told."""
    broker.put(range(10), task="mail.clean", at=NOW.timestamp() - 100)
    broker.put(range(10, 6010), task="mail.send")
    census = broker.archives.census("mail", deadline=30)
    assert (census.messages, census.looked_at, census.stamped) == (6010, 5000, 10)
    assert census.by_task == {"mail.send": 4990, "mail.clean": 10}
    assert census.oldest is not None
    assert (NOW - census.oldest).total_seconds() == 100


class Taking:
    """A client of Redis beside a worker that takes a message right before the queue is read."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker.client, name)

    def lrange(self, lane: str, start: int, end: int) -> Any:
        """Read what is left."""
        self._broker.client.rpop(self._broker.keys.lane("mail", 0))
        return self._broker.client.lrange(lane, start, end)


def test_a_census_of_all_counts_what_it_saw(broker: Broker) -> None:
    """A message that a worker takes meanwhile is no part of the queue that was not looked at."""
    broker.put(range(10))
    taking = cast("redis.Redis", Taking(broker))
    census = counted(taking, broker.keys, "mail", time.monotonic() + 30)
    assert (census.messages, census.looked_at) == (9, 9)


@pytest.mark.parametrize("stamp", [NOW.timestamp() * 1000, 10**400, -1.0, 0.0])
def test_a_stamp_that_is_none_tells_no_age(broker: Broker, stamp: float) -> None:
    """In milliseconds, say: such a message has no age, and no census, purge or view breaks on it."""
    broker.put(range(3), at=stamp)
    census = broker.archives.census("mail")
    assert (census.messages, census.stamped, census.oldest) == (3, 0, None)
    archive = held(broker.archives.set_aside(wanted(before=NOW), quiet))
    assert (archive.messages, archive.kept) == (0, 3)


def test_a_message_that_is_nested_without_end_is_only_kept(broker: Broker) -> None:
    """Whatever lies in a queue, sorting goes on to its end."""
    broker.client.lpush(broker.keys.lane("mail", 0), '{"headers": ' + "[" * 100_000)
    broker.put(range(2))
    archive = held(broker.archives.set_aside(wanted(before=NOW), quiet))
    assert (archive.state, archive.kept) == (ArchiveState.HELD, 3)


@pytest.mark.parametrize("task", [None, "mail.send"])
@pytest.mark.parametrize("renames", [False, True])
def test_a_redis_that_refuses_half_way_leaves_all_as_it_was(
    redis_server: RedisServer, task: str | None, renames: bool
) -> None:
    """Its user may rename nothing, or not the second lane: nothing is set aside, and no archive says so."""
    broker = Broker(redis_server)
    broker.put(range(3))
    broker.put(range(3, 5), priority=3)
    may_not_rename = ["+@all", "-rename"]
    broker.client.acl_setuser(
        "bot",
        enabled=True,
        passwords=["+pw"],
        keys=["*"],
        channels=["*"],
        commands=may_not_rename,
        selectors=[("+rename", "~mail ~oncall.*")] if renames else None,
    )
    archives = archives_of(redis_server.url().replace("//", "//bot:pw@"))
    with pytest.raises(BrokerRefuses):
        archives.set_aside(wanted(task=task), quiet)
    assert (broker.waiting(), archives.all(), archives.get("a1")) == (ids(range(5)), (), None)
    broker.client.acl_setuser("bot", enabled=True, commands=["+@all"], keys=["*"], channels=["*"], passwords=["+pw"])
    made = archives.set_aside(wanted(task=task), quiet)
    assert isinstance(made, Archive)
    assert (made.state, made.lying, broker.waiting()) == (ArchiveState.HELD, 5, [])


def archives_of(url: str) -> CeleryArchives:
    """Return those that are reached by this address."""
    spec = ClusterSpec(name="shop", queues=(QueueSpec(name="mail"),))
    return CeleryArchives(WatchedCluster(ClusterConnection("shop", url), spec))
