"""Forecasts and reliefs: what a pause would free, and when a queue drains."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.cluster import ClusterSnapshot, ClusterSpec, Queue, QueueSpec, TaskInHand, Worker, redis_priority
from bot.domain.forecast import DepthSample, Prospect, forecast, recent, reliefs, trend

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def samples(*depths: int, every: float = 5.0, started: int | None = None) -> list[DepthSample]:
    """Return samples a few seconds apart; `started` tasks begin between two of them."""
    return [
        DepthSample(at=NOW + timedelta(seconds=i * every), depth=d, started=None if started is None else i * started)
        for i, d in enumerate(depths)
    ]


def test_too_few_or_too_close_samples_carry_no_forecast() -> None:
    """Noise of one probe must not become a promise."""
    assert trend(samples(100, 200)) is None
    assert trend(samples(100, 200, 300, 400, every=1.0)) is None
    assert forecast(1284, 500, None).prospect is Prospect.TOO_EARLY


def test_a_growing_queue_will_not_drain() -> None:
    """Three more messages each five seconds are 36 a minute."""
    now = trend(samples(100, 103, 106, 109))
    assert now is not None
    assert round(now.net_per_minute) == 36
    assert forecast(1284, 500, now).prospect is Prospect.WILL_NOT_DRAIN


def test_one_burst_does_not_pass_for_a_trend() -> None:
    """A thousand messages published at once are a step; before and after it the queue grew by 12 a minute."""
    now = trend(samples(10, 11, 1012, 1013, 1014, 1015, 1016, 1017, 1018, 1019))
    assert now is not None
    assert round(now.net_per_minute) == 12


def test_a_burst_that_two_samples_saw_does_not_pass_for_a_trend_either() -> None:
    """Publishing it took longer than the time between two samples."""
    now = trend(samples(0, 0, 700, 1240, 1238, 1236, 1234, 1232, 1230))
    assert now is not None
    assert now.net_per_minute <= 0


def test_a_queue_that_gets_batches_grows_by_their_mean() -> None:
    """Six messages with every second sample are 36 a minute."""
    now = trend(samples(0, 6, 6, 12, 12, 18, 18, 24, 24))
    assert now is not None
    assert 30 <= now.net_per_minute <= 42


def test_what_was_counted_before_a_pause_says_nothing_of_how_it_goes_now() -> None:
    """Only samples since then count."""
    many = samples(*range(10))
    assert recent(many, many[-1].at, since=many[6].at) == many[6:]


def test_samples_that_asked_no_worker_do_not_bend_the_service_rate() -> None:
    """A light probe knows depths alone; the rate is read between those that know more."""
    full = samples(1000, 1000, 1000, 1000, 1000, started=5)
    light = [s if i in (0, 3) else s.model_copy(update={"started": None}) for i, s in enumerate(full)]
    now = trend(light)
    assert now is not None
    assert now.service_per_minute == 60


def test_freed_slots_work_at_the_rate_of_those_that_serve_the_queue_now() -> None:
    """Two slots begin 60 tasks a minute between them; two more make it 60 a minute fewer in the queue."""
    now = trend(samples(1000, 1002, 1004, 1006, started=5))
    assert now is not None
    assert round(now.net_per_minute) == 24
    with_pause = forecast(1220, 500, now, slots_now=2, slots_freed=2)
    assert with_pause.prospect is Prospect.DRAINS
    assert with_pause.minutes is not None
    assert round(with_pause.minutes) == 20


def test_without_a_service_rate_nothing_is_promised_for_freed_slots() -> None:
    """An unknown rate gives no forecast, not a guess."""
    now = trend(samples(1000, 1002, 1004, 1006))
    assert forecast(1220, 500, now, slots_now=2, slots_freed=2).prospect is Prospect.TOO_EARLY


def test_old_samples_are_left_out() -> None:
    """A trend is read from the last minute."""
    many = samples(*range(100), every=5.0)
    assert len(recent(many, many[-1].at)) == 13


@given(st.lists(st.integers(0, 10_000), min_size=4, max_size=30), st.integers(1, 9_000))
def test_a_forecast_is_never_negative_and_never_drains_what_grows(depths: list[int], goal: int) -> None:
    """Whatever was sampled, minutes are positive and only a falling depth drains."""
    now = trend(samples(*depths))
    assert now is not None
    found = forecast(depths[-1], goal, now)
    if found.prospect is Prospect.DRAINS:
        assert found.minutes is not None
        assert found.minutes > 0
        assert now.net_per_minute < 0
    if depths[-1] < goal:
        assert found.prospect is Prospect.ALREADY_BELOW


def running(queue: str, n: int) -> tuple[TaskInHand, ...]:
    """Return running tasks of a queue."""
    return tuple(TaskInHand(id=f"{queue}{i}", name=f"tasks.{queue}", queue=queue) for i in range(n))


SPEC = ClusterSpec(
    name="prod",
    queues=(
        QueueSpec(name="booking", importance=10),
        QueueSpec(name="ai_generation", importance=5),
        QueueSpec(name="image_processing", importance=4),
        QueueSpec(name="analytics", importance=3),
    ),
)


def cluster(*workers: Worker) -> ClusterSnapshot:
    """Return a snapshot of these workers."""
    return ClusterSnapshot(cluster="prod", taken_at=NOW, workers=workers)


def test_a_relief_is_less_important_shares_a_worker_and_uses_slots_there() -> None:
    """Booking is more important, image_processing runs elsewhere: only analytics helps, and frees two of four."""
    shared = Worker(
        name="worker1@a",
        slots=4,
        queues=("booking", "ai_generation", "analytics"),
        active=(*running("analytics", 2), *running("ai_generation", 1), *running("booking", 1)),
    )
    elsewhere = Worker(name="image@a", slots=2, queues=("image_processing",), active=running("image_processing", 2))
    (relief,) = reliefs(cluster(shared, elsewhere), SPEC, "ai_generation")
    assert (relief.queue, relief.frees, relief.of, relief.serving) == ("analytics", 2, 4, 1)


def test_an_offer_does_not_come_and_go_with_single_tasks() -> None:
    """Seen over a minute it takes two slots; that nothing of it runs at this very moment does not hide it."""
    queues = ("ai_generation", "analytics")

    def look(seconds: int, analytics: int) -> ClusterSnapshot:
        worker = Worker(name="worker1@a", slots=4, queues=queues, active=running("analytics", analytics))
        return cluster(worker).model_copy(update={"taken_at": NOW - timedelta(seconds=seconds)})

    earlier = [look(200, 4), look(40, 2), look(30, 3), look(20, 2), look(10, 3)]
    (relief,) = reliefs(look(0, 0), SPEC, "ai_generation", earlier)
    assert relief.frees == 2
    assert reliefs(look(0, 0), SPEC, "ai_generation", [look(200, 4)]) == ()


def test_a_queue_that_runs_nothing_there_is_no_relief() -> None:
    """Pausing it would free no slot."""
    idle = Worker(name="worker1@a", slots=4, queues=("ai_generation", "analytics"), active=running("ai_generation", 4))
    assert reliefs(cluster(idle), SPEC, "ai_generation") == ()


def test_a_queue_nobody_declared_counts_as_most_important() -> None:
    """It is never offered for a pause."""
    shared = Worker(name="w@a", slots=4, queues=("ai_generation", "mystery"), active=running("mystery", 3))
    assert reliefs(cluster(shared), SPEC, "ai_generation") == ()


def test_messages_without_a_consumer_come_deepest_first() -> None:
    """An empty queue nobody consumes is no emergency."""
    snapshot = ClusterSnapshot(
        cluster="prod",
        taken_at=NOW,
        queues=(Queue(name="a", depth=1), Queue(name="b", depth=9), Queue(name="c", depth=0), Queue(name="d", depth=5)),
        workers=(Worker(name="w@a", queues=("d",)),),
    )
    assert [q.name for q in snapshot.without_consumer()] == ["b", "a"]


def test_peoples_importance_is_turned_round_for_redis() -> None:
    """On Redis 0 is the most urgent; importance 10 is priority 0."""
    assert [redis_priority(i) for i in (10, 5, 1)] == [0, 5, 9]
