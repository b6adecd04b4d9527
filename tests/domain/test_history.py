"""Records merged by the minute: nothing is counted twice, and nothing is lost."""

from datetime import UTC, datetime, timedelta

from bot.domain.forecast import DepthSample
from bot.domain.history import Record, WorkerThen, merged, minute_of
from bot.domain.window import Figures, Gap, Histogram, Slice, TaskFigures

MINUTE = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """A moment after the full minute."""
    return MINUTE + timedelta(seconds=seconds)


def piece(since: float, begun: int = 1, *gaps: Gap) -> Slice:
    """Five seconds in which tasks began."""
    figures = Figures(started=begun, runtime=Histogram({5: begun}))
    return Slice(at(since), at(since + 5), (TaskFigures("t", "q", figures),), gaps)


def test_a_full_minute_belongs_to_the_one_it_ends() -> None:
    """As a record that ends then holds what came before."""
    assert minute_of(at(0)) == at(0)
    assert minute_of(at(0.001)) == minute_of(at(59)) == minute_of(at(60)) == at(60)


def test_slices_are_joined_by_the_minute_they_began_in() -> None:
    """A record may hold the end of the minute before; no slice is longer than a minute."""
    records = [Record(at=at(s + 8), slices=(piece(s, 2),)) for s in range(-5, 55, 5)]
    found = merged(records, at(60))
    assert [(s.since, s.until) for s in found.slices] == [(at(-5), at(0)), (at(0), at(55))]
    assert [s.tasks[0].figures.started for s in found.slices] == [2, 22]
    assert found.slices[1].tasks[0].figures.runtime == Histogram({5: 22})


def test_a_gap_that_went_on_is_one_gap_as_it_was_last_seen() -> None:
    """It was open at first, and its missed tasks were counted in the end."""
    earlier, later = Gap(at(3), None, "cut off"), Gap(at(3), at(12), "cut off", 7)
    other = Gap(at(20), at(21), "cut off")
    records = [Record(at=at(20), slices=(piece(0, 1, earlier), piece(5, 1, earlier), piece(10, 1, later, other)))]
    assert merged(records, at(60)).slices[0].gaps == (later, other)


def test_of_depths_the_deepest_the_last_and_the_last_count_stay() -> None:
    """In order, and once each."""
    samples = [
        DepthSample(at=at(n * 5), depth=depth, started=started)
        for n, (depth, started) in enumerate([(1, 0), (9, 3), (2, 5), (4, 6), (3, None)])
    ]
    records = [Record(at=at(15), depths={"q": tuple(samples[:3])}), Record(at=at(25), depths={"q": tuple(samples[2:])})]
    assert merged(records, at(60)).depths == {"q": (samples[1], samples[3], samples[4])}


def test_of_workers_and_troubles_the_last_known_stay() -> None:
    """A minute in which the broker failed says so, also when it came back."""
    worker = WorkerThen("w", answered=True, slots=4, busy=1)
    records = [
        Record(at=at(5), workers=(worker,), workers_at=at(4), complete=True),
        Record(at=at(10), trouble="refused", deaf="cut off", complete=True),
        Record(at=at(15), complete=False),
    ]
    found = merged(records, at(60))
    assert (found.workers, found.workers_at) == ((worker,), at(4))
    assert (found.trouble, found.deaf, found.complete, found.slices) == ("refused", "cut off", False, ())
