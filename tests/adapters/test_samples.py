"""Samples: what is kept for how long, and how many tasks of a queue were begun."""

import threading
from datetime import UTC, datetime, timedelta

from bot.adapters.clock import SystemClock
from bot.adapters.samples import KEPT, MemorySamples
from bot.domain.cluster import ClusterSnapshot, Queue, TaskInHand, Worker
from bot.domain.forecast import DepthSample
from bot.domain.window import Figures, Gap, Slice, TaskFigures

START = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """A moment after the start."""
    return START + timedelta(seconds=seconds)


def worker(total: int, *queues: str, uptime: int = 1000, task: str = "book", name: str = "w1@h") -> Worker:
    """A worker that has accepted `total` tasks of one name, and runs one of each of the queues now."""
    active = tuple(TaskInHand(id=q, name=task, queue=q) for q in queues)
    return Worker(name=name, active=active, totals={task: total}, uptime_seconds=uptime)


def snapshot(seconds: float, *workers: Worker, depth: int | None = 7, cluster: str = "shop") -> ClusterSnapshot:
    """A snapshot with the queues `booking` and `analytics`."""
    queues = (Queue(name="booking", depth=depth), Queue(name="analytics", depth=0))
    return ClusterSnapshot(cluster=cluster, taken_at=at(seconds), queues=queues, workers=workers)


def started(samples: MemorySamples, queue: str = "booking") -> list[int | None]:
    """The counts of begun tasks in the samples of a queue."""
    return [s.started for s in samples.of("shop", queue)]


def test_depths_are_kept_in_order_by_cluster_and_queue() -> None:
    """Two clusters do not mix, an unknown depth is no sample, and an unknown queue has none."""
    samples = MemorySamples()
    samples.take(snapshot(0, depth=5))
    samples.take(snapshot(5, depth=None))
    samples.take(snapshot(10, depth=6))
    samples.take(snapshot(10, depth=99, cluster="other"))
    assert [(s.at, s.depth) for s in samples.of("shop", "booking")] == [(at(0), 5), (at(10), 6)]
    assert [s.depth for s in samples.of("other", "booking")] == [99]
    assert samples.of("shop", "nothing") == ()


def test_the_ring_is_bounded_in_number_and_time() -> None:
    """However often it is sampled; and queues that are no more are forgotten."""
    samples = MemorySamples()
    for n in range(KEPT + 50):
        samples.take_depths("shop", at(n), {"booking": n, "gone": n})
    kept = samples.of("shop", "booking")
    assert (len(kept), kept[-1].depth) == (KEPT, KEPT + 49)
    samples.take_depths("shop", at(KEPT + 700), {"booking": 1})
    assert [s.depth for s in samples.of("shop", "booking")] == [1]
    assert samples.of("shop", "gone") == ()


def test_what_comes_late_is_left_out() -> None:
    """Two threads may come in either order; a trend needs time to go forward, and totals too."""
    samples = MemorySamples()
    samples.take(snapshot(0, worker(100, "booking")))
    samples.take(snapshot(10, worker(110, "booking"), depth=1))
    samples.take(snapshot(5, worker(105, "booking"), depth=2))
    samples.take_depths("shop", at(7), {"booking": 3})
    assert [s.depth for s in samples.of("shop", "booking")] == [7, 1]
    samples.take(snapshot(15, worker(112, "booking")))
    assert started(samples) == [0, 10, 12]


def test_begun_tasks_are_counted_by_the_queue_they_were_seen_in() -> None:
    """Over all workers; unknown until a task of the queue was seen."""
    samples = MemorySamples()
    samples.take(snapshot(0, worker(100), worker(50, name="w2@h")))
    samples.take(snapshot(5, worker(104, "booking"), worker(50, name="w2@h")))
    samples.take(snapshot(10, worker(106), worker(53, name="w2@h")))
    assert started(samples) == [None, 4, 9]
    assert started(samples, "analytics") == [None, None, None]


def test_a_restart_does_not_count_backwards() -> None:
    """Totals begin anew with the process: seen by its age, or by a total that fell."""
    samples = MemorySamples()
    samples.take(snapshot(0, worker(100, "booking", uptime=1000)))
    samples.take(snapshot(5, worker(3, "booking", uptime=2)))
    samples.take(snapshot(10, worker(9, "booking", uptime=7)))
    samples.take(snapshot(15, worker(20, "booking", uptime=1)))
    assert started(samples) == [0, 3, 9, 29]


def test_a_silent_worker_counts_when_it_answers_again() -> None:
    """What it began meanwhile is added then."""
    samples = MemorySamples()
    samples.take(snapshot(0, worker(100, "booking")))
    samples.take(snapshot(5, Worker(name="w1@h", answered=False)))
    samples.take(snapshot(10, worker(110, "booking")))
    assert started(samples) == [0, 0, 10]


def test_a_task_of_two_queues_tells_nothing_of_either() -> None:
    """Until one of them was long not seen."""
    samples = MemorySamples()
    samples.take(snapshot(0, worker(100, "booking")))
    samples.take(snapshot(5, worker(105, "booking", "analytics")))
    assert (started(samples)[-1], started(samples, "analytics")[-1]) == (None, None)
    samples.take(snapshot(500, worker(200, "booking")))
    samples.take(snapshot(700, worker(210, "booking")))
    assert isinstance(started(samples)[-1], int)


def test_many_threads_may_take_and_read() -> None:
    """Nothing is lost or torn."""
    samples = MemorySamples()

    def take(queue: str) -> None:
        for n in range(100):
            samples.take_depths("shop", at(n), {queue: n})
            samples.of("shop", queue)

    threads = [threading.Thread(target=take, args=(f"q{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {len(samples.of("shop", f"q{n}")) for n in range(8)} == {100}


def test_the_clock_is_aware_and_in_utc() -> None:
    """Times are compared with stored ones, so a naive one would raise far from here."""
    assert SystemClock().now().utcoffset() == timedelta(0)


def piece(since: float, until: float, begun: int = 0, queue: str | None = "booking", *, missed: bool = False) -> Slice:
    """What events told of some seconds."""
    gaps = (Gap(at(since), at(until), "cut off"),) if missed else ()
    return Slice(at(since), at(until), (TaskFigures("book", queue, Figures(started=begun)),), gaps)


def test_events_give_samples_their_starts_between_two_slices_too() -> None:
    """Ten began evenly in the first five seconds, twenty in the next; a queue without events had none."""
    samples = MemorySamples()
    for seconds in (0, 2.5, 5, 7.5, 11):
        samples.take_depths("shop", at(seconds), {"booking": 9, "analytics": 1})
    samples.heard("shop", [piece(0, 5, 10), piece(5, 10, 20)], complete=True)
    assert started(samples) == [None, 5, 10, 20, None]
    assert started(samples, "analytics") == [None, 0, 0, 0, None]
    assert samples.heard_until("shop") == at(10)
    samples.heard("shop", [piece(5, 10, 20), piece(10, 15, 5)], complete=True)
    assert started(samples)[-1] == 31


def test_counts_begin_anew_after_what_was_not_heard() -> None:
    """A gap, a slice that is missing, a worker without events, a task of no known queue: each ends a series."""
    for broken in ([piece(5, 10, 1, missed=True)], [], [piece(5, 10, 1, queue=None)]):
        samples = MemorySamples()
        for seconds in (5, 10, 15):
            samples.take_depths("shop", at(seconds), {"booking": 9})
        samples.heard("shop", [piece(0, 5, 10), *broken, piece(10, 15, 5)], complete=True)
        first, between, last = samples.of("shop", "booking")
        assert (first.started, between.started, last.started) == (10, None, 5)
        assert first.series != last.series
    samples.heard("shop", [piece(15, 20, 5)], complete=False)
    samples.take_depths("shop", at(20), {"booking": 9})
    samples.heard("shop", [piece(15, 20, 5)], complete=True)
    assert started(samples)[-1] is None


def test_workers_totals_count_only_while_events_do_not() -> None:
    """Two ways of counting do not compare, so that a sample has one of them, and tells which."""
    samples = MemorySamples()
    samples.take(snapshot(0, worker(100, "booking")))
    samples.heard("shop", [piece(-5, 0, 3)], complete=True)
    samples.take(snapshot(5, worker(110, "booking")))
    samples.heard("shop", [piece(0, 5, 10)], complete=True)
    samples.take(snapshot(100, worker(200, "booking")))
    counted = samples.of("shop", "booking")
    assert [s.started for s in counted] == [3, 13, 100]
    assert counted[0].series == counted[1].series != counted[2].series


def test_what_was_kept_before_a_restart_comes_back_and_is_counted_on_apart() -> None:
    """The depths are one row; the starts of either kind begin anew."""
    before = [
        DepthSample(at=at(0), depth=5, started=1000, series=0),
        DepthSample(at=at(5), depth=6, started=70, series=4),
        DepthSample(at=at(10), depth=7),
    ]
    samples = MemorySamples()
    samples.restore("shop", {"booking": before})
    assert list(samples.of("shop", "booking")) == before
    assert samples.queues("shop") == ("booking",)
    samples.take(snapshot(15, worker(5, "booking"), depth=8))
    samples.take(snapshot(20, worker(9, "booking"), depth=8))
    assert {s.series for s in samples.of("shop", "booking")[3:]} == {-1}
    samples.heard("shop", [piece(15, 20, 6)], complete=True)
    last = samples.of("shop", "booking")[-1]
    assert (last.started, last.series) == (6, 5)
