"""Replies of workers, also of those that say odd things."""

from datetime import UTC, datetime

import pytest

from bot.adapters.celery import answers
from bot.adapters.celery.keys import Keys
from bot.adapters.celery.topology import Topology

TOPOLOGY = Topology(Keys("", 0, "\x06\x16", (0, 3, 6, 9)), ())
SOUND: dict[str, object] = {
    "active_queues": [{"name": "booking", "exchange": {"name": "booking", "type": "direct"}, "routing_key": "booking"}],
    "active": [],
    "reserved": [],
    "scheduled": [],
    "stats": {"total": {}, "uptime": 3, "pool": {"implementation": "x.prefork:TaskPool", "processes": [1, 2]}},
    "ping": {"ok": "pong"},
}


def test_a_sound_worker_leaves_nothing_unknown() -> None:
    """Everything was said."""
    assert answers.unsaid("w@h", SOUND) == []
    assert answers.worker("w@h", SOUND, TOPOLOGY).slots == 2


@pytest.mark.parametrize("reply", [None, 7, "text", {"error": "KeyError('x')"}, {}])
@pytest.mark.parametrize("method", ["active_queues", "active", "reserved", "scheduled", "stats"])
def test_an_odd_reply_is_unknown_and_never_an_error(method: str, reply: object) -> None:
    """Whatever stands there, the rest of the worker is told."""
    said = SOUND | {method: reply}
    assert answers.worker("w@h", said, TOPOLOGY).answered
    assert [u.what for u in answers.unsaid("w@h", said)] == ["w@h"]


def test_odd_entries_are_left_out() -> None:
    """A list keeps what makes sense of it."""
    odd: list[object] = [None, 7, {"request": None}]
    worker = answers.worker("w@h", SOUND | {"active_queues": odd, "scheduled": odd}, TOPOLOGY)
    assert (worker.queues, worker.scheduled) == ((), ())


def test_an_error_is_passed_on() -> None:
    """In the worker's words."""
    (unknown,) = answers.unsaid("w@h", SOUND | {"active": {"error": "KeyError('active')"}})
    assert unknown.why == "it did not say the tasks it runs: KeyError('active')"


@pytest.mark.parametrize(
    ("pool", "name", "slots"),
    [
        (
            {"implementation": "celery.concurrency.prefork:TaskPool", "processes": [1], "max-concurrency": 4},
            "prefork",
            1,
        ),
        ({"implementation": "celery.concurrency.thread:TaskPool", "max-concurrency": 4, "threads": 1}, "threads", 4),
        ({"implementation": "celery.concurrency.gevent:TaskPool", "max-concurrency": 100}, "gevent", 100),
        ({"implementation": "celery.concurrency.solo:TaskPool", "processes": [9], "max-concurrency": 1}, "solo", 1),
        ({}, None, None),
    ],
)
def test_pools_by_their_statistics(pool: dict[str, object], name: str | None, slots: int | None) -> None:
    """The name as `--pool` spells it, and the size now."""
    worker = answers.worker("w@h", SOUND | {"stats": {"pool": pool}}, TOPOLOGY)
    assert (worker.pool, worker.slots) == (name, slots)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T03:00:00+00:00", datetime(2026, 3, 1, 3, tzinfo=UTC)),
        ("2026-03-01T05:00:00+02:00", datetime(2026, 3, 1, 3, tzinfo=UTC)),
        ("2026-03-01T03:00:00", datetime(2026, 3, 1, 3, tzinfo=UTC)),
        (None, None),
        ("soon", None),
    ],
)
def test_an_eta_is_read_with_and_without_a_zone(text: str | None, moment: datetime | None) -> None:
    """Aware in any case, so that it can be compared."""
    request = {"id": "t", "name": "book", "delivery_info": {"exchange": "", "routing_key": "booking"}}
    worker = answers.worker("w@h", SOUND | {"scheduled": [{"eta": text, "request": request}]}, TOPOLOGY)
    (task,) = worker.scheduled or ()
    assert (task.eta, task.queue) == (moment, "booking")


def test_a_worker_s_queues_decide_what_bindings_leave_open() -> None:
    """One exchange and key lead to two queues; the worker consumes one of them."""
    topology = Topology(Keys("", 0, "\x06\x16", (0, 3, 6, 9)), ())
    topology.learn(
        {"name": q, "exchange": {"name": "celery", "type": "direct"}, "routing_key": "celery"} for q in ("one", "two")
    )
    assert topology.queue_of("celery", "celery") is None
    assert topology.queue_of("celery", "celery", ("two", "three")) == "two"
    assert topology.queue_of("celery", "celery", ("one", "two")) is None


def test_beat_is_no_worker() -> None:
    """It answers the ping alone."""
    assert not answers.is_worker({"ping": {"ok": "pong"}})
    assert answers.is_worker(SOUND)
