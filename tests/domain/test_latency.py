"""Waits estimated from depths and starts, held against a simulated queue that knows the truth."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.forecast import DepthSample
from bot.domain.latency import Bound, age_of_oldest, waits

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
EVERY = 5.0


def at(seconds: float) -> datetime:
    """A moment after the start."""
    return NOW + timedelta(seconds=seconds)


def samples(*rows: tuple[int, int | None]) -> list[DepthSample]:
    """Samples five seconds apart: depth, and how many had begun."""
    return [DepthSample(at=at(i * EVERY), depth=d, started=s) for i, (d, s) in enumerate(rows)]


class Fifo:
    """A queue with a simulated past: when each message came, and when it began."""

    def __init__(self, arrivals: Sequence[float], service: Sequence[float]) -> None:
        """Serve the messages one after the other, each for so many seconds."""
        self.came = sorted(arrivals)
        self.began: list[float] = []
        free = 0.0
        for came, seconds in zip(self.came, service, strict=False):
            self.began.append(max(free, came))
            free = self.began[-1] + seconds

    def sampled(self, until: float) -> list[DepthSample]:
        """What is seen of it every five seconds."""
        moments = [i * EVERY for i in range(int(until / EVERY) + 1)]
        counts = [(bisect_right(self.came, m), bisect_right(self.began, m)) for m in moments]
        return [
            DepthSample(at=at(m), depth=came - began, started=began)
            for m, (came, began) in zip(moments, counts, strict=True)
        ]

    def oldest(self, moment: float) -> float | None:
        """How long the message has waited that is next at this moment."""
        began = bisect_right(self.began, moment)
        waiting = began < len(self.came) and self.came[began] <= moment
        return moment - self.came[began] if waiting else None


TIMES = st.lists(st.floats(0.1, 290), min_size=1, max_size=200)
SERVICE = st.lists(st.floats(0.01, 8), min_size=200, max_size=200)


@given(TIMES, SERVICE)
def test_the_age_of_the_oldest_is_right_within_the_time_between_two_samples(
    arrivals: list[float], service: list[float]
) -> None:
    """Whatever came and however long each took."""
    queue = Fifo(arrivals, service)
    seen = queue.sampled(300)
    for n in range(2, len(seen) + 1):
        truth, found = queue.oldest((n - 1) * EVERY), age_of_oldest(seen[:n])
        assert (truth is None) == (found is None)
        if truth is not None and found is not None:
            assert abs(found.seconds - truth) <= EVERY + 1e-6
            assert found.bound is Bound.ABOUT


@given(TIMES, SERVICE)
def test_every_task_that_began_has_a_wait_that_is_right_within_two_samples(
    arrivals: list[float], service: list[float]
) -> None:
    """A task begins somewhere between two samples, and came somewhere between two others."""
    queue = Fifo(arrivals, service)
    found = waits(queue.sampled(300))
    assert found is not None
    began = [b for b in queue.began if b <= 300]
    assert found.n == len(began)
    truth = sorted(b - c for b, c in zip(began, queue.came, strict=False))
    for q in (0.5, 0.95):
        estimate = found.quantile(q)
        if not began:
            assert estimate is None
            continue
        assert estimate is not None
        k = min(len(truth) - 1, max(0, -(-int(q * 1000) * len(truth) // 1000) - 1))
        slack = 2 * EVERY + 8  # a service may last longer than the time between two samples
        assert truth[k] - slack <= estimate.seconds <= truth[k] + slack


def test_an_even_queue_by_example() -> None:
    """One a second comes in, none begins for ten seconds, then one a second: the oldest is about ten seconds old."""
    seen = samples((0, 0), (5, 0), (10, 0), (10, 5), (10, 10))
    age = age_of_oldest(seen)
    assert age is not None
    assert round(age.seconds) == 9
    assert "depths and starts" in age.how
    found = waits(seen)
    assert found is not None
    assert found.n == 10


def test_an_empty_queue_has_no_oldest_and_a_wait_below_the_time_between_samples() -> None:
    """How far below is not known, and not told."""
    seen = samples((0, 0), (0, 50), (0, 100))
    assert age_of_oldest(seen) is None
    found = waits(seen)
    assert found is not None
    median = found.quantile(0.5)
    assert median is not None
    assert (median.bound, median.seconds) == (Bound.AT_MOST, 5.0)
    assert "5 s apart" in median.how


def test_what_came_before_the_first_sample_is_at_least_that_old() -> None:
    """A thousand waited already; ten have begun since."""
    age = age_of_oldest(samples((1000, 0), (995, 5), (990, 10)))
    assert age is not None
    assert (age.bound, age.seconds) == (Bound.AT_LEAST, 10.0)


def test_what_was_purged_stands_before_nobody() -> None:
    """A hundred came and were taken out; the oldest is of those that came after."""
    seen = samples((0, 0), (100, 0), (100, 0), (0, 0), (0, 0), (5, 0), (10, 0))
    age = age_of_oldest(seen)
    assert age is not None
    assert age.seconds <= 10


def test_a_count_that_lags_behind_is_carried_on() -> None:
    """The newest probe asked no worker."""
    known = samples((50, 0), (50, 5), (50, 10), (50, 15), (50, 20), (50, None))
    assert age_of_oldest(known) is not None


def test_counts_of_two_series_are_not_compared() -> None:
    """The bot began to count anew: what it counted before has another beginning."""
    old = [s.model_copy(update={"started": 10_000 + i}) for i, s in enumerate(samples((5, 0), (5, 0), (5, 0)))]
    new = [s.model_copy(update={"series": 1, "at": s.at + timedelta(seconds=15)}) for s in samples((5, 0), (10, 0))]
    age = age_of_oldest([*old, *new])
    assert age is not None
    assert (age.bound, age.seconds) == (Bound.AT_LEAST, 5.0)


def test_without_counts_a_rate_gives_the_mean_wait_and_nothing_gives_none() -> None:
    """Little's law: sixty that wait, at sixty a minute, wait a minute."""
    seen = samples((60, None), (60, None), (60, None), (60, None))
    assert age_of_oldest(seen) is None
    assert waits(seen) is None
    age = age_of_oldest(seen, service_per_minute=60)
    assert age is not None
    assert round(age.seconds) == 60
    assert "mean depth" in age.how
