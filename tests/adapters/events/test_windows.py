"""Counts of the last minute, quarter, hour and day, as time goes by and over restarts."""

from datetime import timedelta
from itertools import pairwise

import pytest

from bot.adapters.events.windows import MOST_SERIES
from bot.domain.window import OTHER_TASKS, Figures, Gap, Slice, Span, TaskFigures
from tests.adapters.events.conftest import START, Story


@pytest.mark.parametrize(
    ("span", "seconds"), [(Span.MINUTE, 60), (Span.QUARTER, 900), (Span.HOUR, 3600), (Span.DAY, 86400)]
)
def test_what_happened_is_in_a_window_until_it_is_too_old(story: Story, span: Span, seconds: int) -> None:
    """A window may hold a little more than its span, and says from when on it counts; never less."""
    story.run("a")
    story.later(seconds - 1)
    assert story.total(span).succeeded == 1
    story.later(seconds * 0.05 + 70 + (900 if span is Span.DAY else 0))
    window = story.recorder.window(span, story.clock.at)
    assert window.total().succeeded == 0
    assert window.since <= story.clock.at - span.length


def test_every_window_holds_what_just_happened(story: Story) -> None:
    """Also before the first five seconds are over, and across the edges of minutes and quarters."""
    for minutes in range(40):
        story.run(f"a{minutes}")
        assert [story.total(span).succeeded for span in Span] == [
            1 if minutes == 0 else 2, min(minutes + 1, 16), minutes + 1, minutes + 1
        ]  # fmt: skip
        story.later(60)


def test_a_window_begins_when_the_bot_began_to_listen(story: Story) -> None:
    """Nobody is told of an hour after a minute."""
    story.later(60)
    window = story.recorder.window(Span.HOUR, story.clock.at)
    assert (window.since, window.whole) == (START, False)
    story.later(3600)
    assert story.recorder.window(Span.HOUR, story.clock.at).whole


def test_durations_are_counted_by_the_workers_own_clock(story: Story) -> None:
    """The runtime of a success is measured by its worker; that of a failure is the time between its two events."""
    story.run("a", runtime=7.5)
    story.tell("task-received", "b", name="shop.add")
    story.tell("task-started", "b")
    story.later(40)
    story.tell("task-failed", "b", exception="ValueError('x')")
    runtime = story.total().runtime
    assert (runtime.n, runtime.above(6), runtime.above(8), runtime.above(30), runtime.above(50)) == (2, 2, 1, 1, 0)


def test_a_thousand_names_are_counted_apart_and_the_rest_together(story: Story) -> None:
    """Names made up for each task must not fill the memory; the total stays right."""
    for n in range(MOST_SERIES + 50):
        story.run(str(n), name=f"made.up{n}")
    rows = story.recorder.window(Span.MINUTE, story.clock.at).tasks
    others = sum(row.figures.succeeded for row in rows if row.name == OTHER_TASKS)
    assert (len(rows), others, story.total().succeeded) == (MOST_SERIES, 51, MOST_SERIES + 50)


def test_slices_follow_each_other_and_add_up(story: Story) -> None:
    """History keeps them: quiet ones are among them, and the current one is not yet."""
    for n in range(20):
        story.run(f"{n}")
        story.later(3)
    slices = story.recorder.slices(START)
    assert all(a.until == b.since for a, b in pairwise(slices))
    assert (slices[0].since, slices[-1].until) == (START, START + timedelta(seconds=60))
    assert sum(row.figures.succeeded for s in slices for row in s.tasks) == 20
    assert story.recorder.slices(START + timedelta(seconds=31))[0].since == START + timedelta(seconds=35)


def test_restored_slices_fill_the_windows_and_the_time_since_is_a_gap() -> None:
    """After a restart the last hour is known again, and what nobody heard is marked."""
    before = Story()
    for n in range(24):
        before.run(f"{n}", runtime=2.0)
        before.later(5)
    after = Story(listening=False)
    after.clock.at = before.clock.at + timedelta(seconds=30)
    after.recorder.restore(before.recorder.slices(START))
    after.recorder.connected(after.now)
    after.recorder.resynced(None)
    after.run("x")
    window = after.recorder.window(Span.HOUR, after.clock.at)
    assert (window.total().succeeded, window.total().runtime.above(1.5), window.since) == (25, 24, START)
    assert window.gaps == (Gap(before.clock.at, after.clock.at, "the bot was not running"),)
    assert after.total().succeeded == 7


def test_restored_gaps_are_shown_and_holes_between_slices_are_gaps() -> None:
    """A gap that was still open when it was kept ended at the latest when the bot did."""
    minute, story = timedelta(minutes=1), Story(listening=False)
    rows = (TaskFigures("shop.add", "mail", Figures(succeeded=3)),)
    cut = Gap(START - 9 * minute, None, "gone")
    slices = [
        Slice(START - 10 * minute, START - 9 * minute, rows),
        Slice(START - 9 * minute, START - 8 * minute, rows, (cut,)),
        Slice(START - 6 * minute, START - 5 * minute, rows),
    ]
    story.recorder.restore(slices)
    story.recorder.connected(story.now)
    story.recorder.resynced(None)
    window = story.recorder.window(Span.HOUR, story.clock.at)
    assert window.total().succeeded == 9
    assert [(gap.since, gap.until, gap.why) for gap in window.gaps] == [
        (START - 9 * minute, START - 5 * minute, "gone"),
        (START - 8 * minute, START - 6 * minute, "the bot was not running"),
        (START - 5 * minute, START, "the bot was not running"),
    ]


def test_a_clock_that_is_set_back_does_not_stop_the_counting(story: Story) -> None:
    """By an hour: what is counted from then on leaves the window in its time."""
    story.run("a")
    story.later(-3600)
    for id_ in ("b", "c"):
        story.run(id_)
    assert story.total().succeeded == 2
    story.later(70)
    assert story.total().succeeded == 0


def test_a_clock_that_is_set_back_leaves_no_window_whole_that_lost_its_counts(story: Story) -> None:
    """What was counted by the later clock is dropped, and windows that reach back into that time say so."""
    for n in range(100):
        story.run(f"{n}")
        story.later(60)
    story.later(-3600)
    story.run("after")
    story.later(5)
    window = story.recorder.window(Span.HOUR, story.clock.at)
    assert ([gap.why for gap in window.gaps], window.whole) == (["the clock was set back"], False)
    story.later(3600 + 60)
    assert story.gaps(Span.HOUR) == []
