"""What pausing a queue or more slots would bring, by example."""

from datetime import UTC, datetime, timedelta

from bot.domain.cluster import ClusterSnapshot, ClusterSpec, Queue, QueueSpec, TaskInHand, Worker, WorkerGroup
from bot.domain.forecast import DepthSample, Prospect, Trend, trend
from bot.domain.what_if import what_ifs

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SPEC = ClusterSpec(
    name="prod",
    queues=(QueueSpec(name="booking", importance=10, alert_above=100), QueueSpec(name="analytics", importance=3)),
)


def running(queue: str, n: int) -> tuple[TaskInHand, ...]:
    """Running tasks of a queue."""
    return tuple(TaskInHand(id=f"{queue}{i}", name=f"tasks.{queue}", queue=queue) for i in range(n))


def snapshot(depth: int = 400, analytics: int = 2) -> ClusterSnapshot:
    """One worker of four slots: two run booking, and some analytics."""
    worker = Worker(
        name="w@a",
        slots=4,
        queues=("booking", "analytics"),
        active=(*running("booking", 2), *running("analytics", analytics)),
    )
    return ClusterSnapshot(
        cluster="prod", taken_at=NOW, queues=(Queue(name="booking", depth=depth),), workers=(worker,)
    )


def rates(net: float, service: float | None) -> Trend:
    """A trend over a minute."""
    return Trend(net_per_minute=net, service_per_minute=service, seconds=60)


def test_a_pause_and_one_more_worker_are_told_with_what_they_bring() -> None:
    """Two slots begin 60 a minute and 30 too few: two more turn +30 into -30, four more into -90."""
    pause, worker = what_ifs(snapshot(), SPEC, "booking", rates(30, 60))
    assert (pause.what, pause.forecast.prospect) == ("analytics paused", Prospect.DRAINS)
    assert round(pause.forecast.minutes or 0) == 10
    assert (worker.what, round(worker.forecast.minutes or 0)) == ("4 more slots", 3)


def test_how_many_slots_are_enough_is_told_when_one_worker_is_not() -> None:
    """300 a minute too many, at 30 a slot: ten keep it level, and eleven drain it within half an hour."""
    one, enough = what_ifs(snapshot(analytics=0), SPEC, "booking", rates(300, 60))
    assert (one.what, one.forecast.prospect) == ("4 more slots", Prospect.WILL_NOT_DRAIN)
    assert (enough.what, enough.forecast.prospect) == ("11 more slots", Prospect.DRAINS)
    assert (enough.forecast.minutes or 99) <= 30


def test_a_worker_has_the_slots_that_its_group_is_configured_with() -> None:
    """One slot more is counted in the singular."""
    spec = SPEC.model_copy(update={"worker_groups": (WorkerGroup(name="b*", queues=("booking",), concurrency=1),)})
    assert what_ifs(snapshot(analytics=0), spec, "booking", rates(-10, 60))[0].what == "1 more slot"


def test_nothing_is_promised_without_a_rate_or_below_the_goal() -> None:
    """An unknown rate gives no forecast, and a queue below its limit needs none."""
    assert what_ifs(snapshot(), SPEC, "booking", rates(30, None)) == ()
    assert what_ifs(snapshot(), SPEC, "booking", None) == ()
    assert what_ifs(snapshot(depth=99), SPEC, "booking", rates(30, 60)) == ()
    assert what_ifs(snapshot(), SPEC, "nowhere", rates(30, 60)) == ()


def test_a_paused_queue_is_no_offer_any_more() -> None:
    """What still runs of it goes on, but nobody can pause it twice."""
    assert [w.what for w in what_ifs(snapshot(), SPEC, "booking", rates(30, 60), paused=("analytics",))] == [
        "4 more slots"
    ]


def test_arrivals_are_what_grew_and_what_was_begun() -> None:
    """Six more in the queue and five begun each five seconds are 132 a minute; unknown starts make them unknown."""
    known = [DepthSample(at=NOW + timedelta(seconds=5 * i), depth=6 * i, started=5 * i) for i in range(5)]
    found = trend(known)
    assert found is not None
    assert (found.service_per_minute, round(found.arrival_per_minute or 0)) == (60, 132)
    unknown = trend([s.model_copy(update={"started": None}) for s in known])
    assert unknown is not None
    assert unknown.arrival_per_minute is None


def test_starts_counted_in_two_series_are_no_rate() -> None:
    """The later count began anew; only its own samples are read."""
    known = [DepthSample(at=NOW + timedelta(seconds=5 * i), depth=9, started=5 * i, series=0) for i in range(5)]
    anew = [s.model_copy(update={"at": s.at + timedelta(seconds=25), "series": 1}) for s in known]
    found = trend([*(s.model_copy(update={"started": 0}) for s in known), *anew])
    assert found is not None
    assert found.service_per_minute == 60
