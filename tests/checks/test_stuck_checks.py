"""The checks that runbooks of stuck and of failing tasks rest on: what waits by name, what is set aside, the cause."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from bot.checks.failures import Failures
from bot.checks.set_aside import SetAside
from bot.checks.slow_tasks import SlowTasks
from bot.checks.waiting import Waiting
from bot.domain.archive import Archive, ArchiveState, Census
from bot.domain.cluster import ClusterSnapshot, Queue
from bot.domain.errors import UnknownName
from bot.domain.live import FailureGroup
from bot.domain.run import Level
from bot.ports import Means, NoArchives, Target
from tests.checks.fakes import NOW, Asking, FakeLive, ago, cells, figures, snapshot, target, task, worker

FIVE_MINUTES_AGO = ago(minutes=5)


@dataclass
class KeptArchives(NoArchives):
    """Holds what a test sets."""

    counted: Census | None = None
    held: tuple[Archive, ...] = ()

    def census(self, queue: str, deadline: float = 1.0) -> Census:
        """Return what was set."""
        return self.counted or super().census(queue, deadline)

    def all(self, deadline: float = 1.0) -> tuple[Archive, ...]:
        """Return what was set."""
        return self.held


def broker(*held: Archive, counted: Census | None = None) -> Target:
    """Return a target whose broker holds these archives."""
    return target(means=Means(archives=KeptArchives(counted, held)))


def archive(id: str = "exe-1", *, made_at: datetime = FIVE_MINUTES_AGO, **given: object) -> Archive:
    """Return an archive of 60 messages of booking."""
    known = {"queue": "booking", "state": ArchiveState.HELD, "messages": 60, "ends_at": NOW + timedelta(hours=23)}
    return Archive.model_validate(known | {"id": id, "made_at": made_at} | given)


# --- what waits ---


@pytest.mark.parametrize(
    ("counted", "sentence"),
    [
        (Census(queue="booking", messages=0, looked_at=0, by_task={}), "Nothing waits in booking."),
        (
            Census(queue="booking", messages=3, looked_at=3, by_task={"shop.a": 1, "shop.b": 2}),
            "3 messages in booking; by task: 2 × shop.b, 1 × shop.a.",
        ),
        (
            Census(queue="booking", messages=9000, looked_at=10, by_task={"a": 4, "b": 3, "c": 2, "d": 1}),
            "9,000 messages in booking; by task of the next 10: 4 × a, 3 × b, 2 × c and 1 more name.",
        ),
    ],
)
def test_what_waits_is_told_by_task_name(counted: Census, sentence: str) -> None:
    """Most first; of a long queue it is said how many were looked at."""
    found = Asking(Waiting())(broker(counted=counted), queue="booking")
    assert (found.level, found.sentence) == (Level.OK, sentence)
    assert found.values["tasks"] == counted.by_task
    assert (found.estimated is None) == (counted.looked_at == counted.messages)


def test_a_queue_that_nobody_knows_is_refused() -> None:
    """It is misspelt, as a rule."""
    with pytest.raises(UnknownName):
        Asking(Waiting())(broker(), queue="bookin")


# --- what is set aside ---


def test_what_is_set_aside_is_told_with_the_way_back() -> None:
    """One that was put back is none; of other queues nothing is told when one is named."""
    there = broker(archive(), archive("exe-2", state=ArchiveState.RESTORED), archive("exe-3", queue="analytics"))
    found = Asking(SetAside())(there, queue="booking")
    assert (found.level, found.values["n"], found.values["archive"]) == (Level.WARN, 60, "exe-1")
    assert found.sentence == (
        "60 messages of booking are set aside in 1 archive: they do not run until they are put back, "
        "`/celery restore exe-1`."
    )
    assert cells(Asking(SetAside())(there)) == [("exe-1", "60", "5 min"), ("exe-3", "60", "5 min")]
    empty = Asking(SetAside())(broker(), queue="booking")
    assert (empty.level, empty.sentence) == (Level.OK, "Nothing of booking is set aside.")


@pytest.mark.parametrize(
    ("uptimes", "restarted"),
    [((60, 30), True), ((60, 900), False), ((60, None), False), ((), False)],
    ids=["all", "one is older", "one does not say", "no consumer"],
)
def test_a_restart_is_one_of_every_consumer_since_then(uptimes: tuple[int | None, ...], restarted: bool) -> None:
    """Before the fix is deployed everywhere, what is put back would hang again."""
    looked = snapshot(*(worker(f"w{i}@a", uptime_seconds=up) for i, up in enumerate(uptimes)))
    assert Asking(SetAside(), looked)(broker(archive())).values["restarted"] is restarted


# --- what hangs, and what fails ---


def mixed() -> ClusterSnapshot:
    """Return a worker with two tasks that hang in booking and one in analytics."""
    hung = [task(f"id-{i}", name, queue=queue, started_at=ago(minutes=9)) for i, (name, queue) in enumerate(
        [("shop.a", "booking"), ("shop.b", "analytics"), ("shop.a", "booking")]
    )]  # fmt: skip
    queues = (Queue(name="booking", depth=0), Queue(name="analytics", depth=0))
    return snapshot(worker("worker1@a", active=tuple(hung)), queues=queues)


def test_slow_tasks_name_the_task_that_most_of_them_are_also_of_one_queue() -> None:
    """It is what a purge takes out."""
    assert Asking(SlowTasks(), mixed())(target()).values["task"] == "shop.a"
    other = Asking(SlowTasks(), mixed())(target(), queue="analytics")
    assert (other.values["n"], other.values["task"]) == (1, "shop.b")
    assert Asking(SlowTasks(), snapshot(worker("worker1@a")))(target()).values["task"] == ""


def test_a_task_that_is_quick_as_a_rule_is_not_slow_before_the_least_that_was_said() -> None:
    """Nobody should set tasks aside that run for two seconds."""
    usual = FakeLive((figures("shop.a", runtimes=(0.02,) * 50),))
    looked = snapshot(worker("worker1@a", active=(task("id-1", "shop.a", started_at=ago(seconds=5)),)))
    assert Asking(SlowTasks(), looked)(target(live=usual)).values["n"] == 1
    assert Asking(SlowTasks(), looked)(target(live=usual), least="20s").values["n"] == 0


def test_failures_name_their_most_frequent_cause() -> None:
    """It is what is sent again, and whose queue is paused."""
    rare, most = (
        FailureGroup("shop.a", queue, exception, n, NOW, NOW, "", None, "1", None)
        for queue, exception, n in ((None, "KeyError", 2), ("booking", "MailDownError", 40))
    )
    found = Asking(Failures())(target(live=FakeLive(groups=(rare, most))))
    assert [found.values[k] for k in ("task", "exception", "queue")] == ["shop.a", "MailDownError", "booking"]
    assert Asking(Failures())(target(live=FakeLive())).values["task"] == ""
