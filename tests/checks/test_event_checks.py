"""What the checks say that answer from what events told."""

from datetime import timedelta
from typing import Any

import pytest

from bot.checks.completion import Completion
from bot.checks.event_feed import EventFeed
from bot.checks.failures import Failures
from bot.checks.task_durations import TaskDurations
from bot.domain.live import FailureGroup, TaskEvents
from bot.domain.run import Level
from bot.domain.window import Gap
from tests.checks.fakes import Asking, FakeLive, ago, cells, figures, heard, target

GAP = Gap(ago(minutes=3), ago(minutes=2), "the broker cut the connection", 40)
DEAF = FakeLive(trouble="the broker refuses", watched=timedelta(0))


def group(n: int, task: str = "shop.book", exception: str = "KeyError") -> FailureGroup:
    """Return failures of one cause, the last four minutes ago."""
    return FailureGroup(task, "booking", exception, n, ago(minutes=9), ago(minutes=4), "'x'", None, "id-9", "w1@a")


def test_feed_that_hears_everybody_is_ok() -> None:
    """It says for how long and how much."""
    found = Asking(EventFeed())(target(live=FakeLive(heard=(heard("w1@a"), heard("w2@a")))))
    assert found.level is Level.OK
    assert found.sentence == "Events of 2 workers are heard for 48 h, 1,234 so far."


def test_feed_that_is_cut_off_is_bad_and_says_since_when() -> None:
    """The last numbers must not look like those of now."""
    found = Asking(EventFeed())(target(live=FakeLive(trouble="the broker refuses")))
    assert found.level is Level.BAD
    assert found.sentence.startswith("No events are heard: the broker refuses; the last was heard 4 min ago.")
    assert found.at == ago(minutes=4)


def test_feed_with_a_late_gap_warns_and_lists_it() -> None:
    """What was missed, for how long and why; an old gap is listed and no longer warned of."""
    found = Asking(EventFeed())(target(live=FakeLive(gaps=(GAP,))))
    assert found.level is Level.WARN
    assert "last: the broker cut the connection" in found.sentence
    assert cells(found) == [("3 min ago", "60 s", "40 tasks", "the broker cut the connection")]
    old = Gap(ago(hours=3), ago(hours=2), "restart")
    assert Asking(EventFeed())(target(live=FakeLive(gaps=(old,)))).level is Level.OK


def test_feed_names_workers_without_task_events() -> None:
    """Their tasks are in no count; of one that has not told yet it is said that it is not known."""
    live = FakeLive(heard=(heard("w1@a", task_events=TaskEvents.OFF), heard("w2@a", task_events=TaskEvents.UNKNOWN)))
    found = Asking(EventFeed())(target(live=live))
    assert found.level is Level.WARN
    assert found.sentence.startswith("No task events come from w1@a")
    assert found.unknown == ("Whether w2@a sends task events is not known yet.",)


@pytest.mark.parametrize(
    ("live", "level", "sentence"),
    [
        (
            FakeLive((figures("shop.book", succeeded=90),)),
            Level.OK,
            "No task failed in the last 15 min; 90 succeeded.",
        ),
        (
            FakeLive((figures("shop.book", succeeded=99, failed=1),), (group(1),)),
            Level.WARN,
            "1 task failed in the last 15 min, 1 % of those that ended; most often shop.book: KeyError (1).",
        ),
        (
            FakeLive((figures("shop.book", succeeded=90, failed=10),), (group(10),)),
            Level.BAD,
            "10 tasks failed in the last 15 min, 10 % of those that ended; most often shop.book: KeyError (10).",
        ),
        (
            FakeLive((figures("shop.book", succeeded=0, failed=1),), (group(1),)),
            Level.WARN,
            "1 task failed in the last 15 min, 100 % of those that ended",
        ),
        (
            FakeLive((figures("shop.book", succeeded=99, failed=1),), (group(1),), gaps=(GAP,)),
            Level.WARN,
            "At least 1 task failed in the last 15 min",
        ),
        (DEAF, Level.UNKNOWN, "Events are not heard now: the broker refuses."),
        (
            FakeLive((figures("shop.book", succeeded=90),), gaps=(GAP,)),
            Level.OK,
            "No task that was heard of failed in the last 15 min",
        ),
    ],
    ids=["none", "few", "many", "one of one", "with a gap", "deaf", "none, with a gap"],
)
def test_failures_by_share_and_by_how_well_they_are_heard(live: FakeLive, level: Level, sentence: str) -> None:
    """A number of an incomplete window is "at least"; of none at all nothing is claimed."""
    found = Asking(Failures())(target(live=live))
    assert found.level is level
    assert found.sentence.startswith(sentence)


def test_failures_are_listed_by_cause_most_first() -> None:
    """Task, exception, how often, when last."""
    live = FakeLive((figures("shop.book", failed=5),), (group(1), group(4, exception="TimeoutError")))
    assert cells(Asking(Failures())(target(live=live))) == [
        ("shop.book", "TimeoutError", "4", "4 min ago"),
        ("shop.book", "KeyError", "1", "4 min ago"),
    ]


@pytest.mark.parametrize("said", ["shop.mail", "mail", "*.ma?l"])
def test_failures_of_one_task_by_its_name_its_end_or_a_pattern(said: str) -> None:
    """Others are left out."""
    rows = (figures("shop.book", failed=5), figures("shop.mail", failed=1))
    live = FakeLive(rows, (group(5), group(1, task="shop.mail")))
    assert Asking(Failures())(target(live=live), task=said).values["failed"] == 1


@pytest.mark.parametrize(
    ("counts", "level", "sentence"),
    [
        (
            {"succeeded": 10_000, "failed": 1},
            Level.OK,
            "99.99 % of 10,001 tasks that ended in the last 15 min succeeded.",
        ),
        (
            {"succeeded": 9_970, "failed": 30, "retried": 5, "revoked": 7},
            Level.WARN,
            "99.7 % of 10,000 tasks that ended in the last 15 min succeeded, below 99.9 %: 30 did not, most",
        ),
        (
            {"succeeded": 9_900, "failed": 90, "lost": 10},
            Level.BAD,
            "99 % of 10,000 tasks that ended in the last 15 min succeeded, below 99.5 %: 100 did not, of which "
            "10 lost with their worker, most of shop.book.",
        ),
        (
            {"succeeded": 2, "failed": 1},
            Level.WARN,
            "66.66 % of 3 tasks that ended in the last 15 min succeeded, below 99.5 %: 1 did not, most of shop.book. "
            "So few prove little.",
        ),
        ({}, Level.OK, "No task ended in the last 15 min."),
    ],
    ids=["met", "missed", "alert", "too few", "none"],
)
def test_completion_with_its_n_and_what_counts(counts: dict[str, Any], level: Level, sentence: str) -> None:
    """Revoked tasks and attempts that are tried again count for nothing; three tasks prove nothing."""
    found = Asking(Completion())(target(live=FakeLive((figures("shop.book", **counts),))))
    assert (found.level, found.sentence[: len(sentence)]) == (level, sentence)


def test_completion_of_a_name_is_one_row_whatever_queues_it_is_on() -> None:
    """With its own n: no share stands alone."""
    rows = (
        figures("shop.book", succeeded=99),
        figures("shop.book", "mail", failed=1),
        figures("shop.mail", succeeded=5),
    )
    found = Asking(Completion())(target(live=FakeLive(rows)))
    assert cells(found) == [("shop.book", "99 %", "1 of 100"), ("shop.mail", "100 %", "0 of 5")]


def test_completion_of_an_incomplete_window_says_so() -> None:
    """And a bot that is deaf claims no rate of nothing."""
    live = FakeLive((figures("shop.book", succeeded=100),), gaps=(GAP,), watched=timedelta(minutes=5))
    found = Asking(Completion())(target(live=live))
    assert found.sentence.startswith("100 % of at least 100 tasks")
    assert found.unknown == (
        "The bot has listened for 5 min of the 15 min.",
        "Events were missed for about 60 s, with at least 40 tasks: the broker cut the connection.",
    )
    assert Asking(Completion())(target(live=DEAF)).level is Level.UNKNOWN


@pytest.mark.parametrize(
    ("params", "level", "sentence"),
    [
        ({}, Level.OK, "Slowest is shop.think: 95 % of 4 tasks ran within "),
        ({"warn": 30, "alert": 60}, Level.BAD, "shop.think is slow: 95 % of 4 tasks ran within "),
        ({"warn": 30, "alert": 100}, Level.WARN, "shop.think is slow: 95 % of 4 tasks ran within "),
        ({"alert": 30}, Level.BAD, "shop.think is slow"),
        ({"warn": 30, "task": "book"}, Level.OK, "Slowest is shop.book: 95 % of 2 tasks ran within "),
        ({"queue": "nothing"}, Level.OK, "No task told how long it ran in the last 15 min."),
    ],
)
def test_durations_against_bounds(params: dict[str, Any], level: Level, sentence: str) -> None:
    """Without bounds nothing is too slow; the slowest task is named."""
    rows = (figures("shop.think", runtimes=(1, 2, 70, 70)), figures("shop.book", runtimes=(0.01, 0.02)))
    found = Asking(TaskDurations())(target(live=FakeLive(rows)), **params)
    assert found.level is level
    assert found.sentence.startswith(sentence)


def test_durations_are_listed_slowest_first() -> None:
    """Median, p95, and a bound of the longest."""
    rows = (figures("shop.book", runtimes=(0.01,) * 100), figures("shop.think", runtimes=(8,) * 10))
    found = Asking(TaskDurations())(target(live=FakeLive(rows)))
    assert [(row[0], row[3], row[4]) for row in cells(found)] == [
        ("shop.think", "≤ 8 s", "10"),
        ("shop.book", "≤ 10 ms", "100"),
    ]


def test_durations_of_a_deaf_bot_are_unknown() -> None:
    """Not "no task ran"."""
    assert Asking(TaskDurations())(target(live=DEAF)).level is Level.UNKNOWN


def test_durations_of_an_incomplete_window_are_of_at_least_so_many() -> None:
    """Also where they are too long."""
    live = FakeLive((figures("shop.think", runtimes=(70,)),), gaps=(GAP,))
    assert "95 % of at least 1 task ran" in Asking(TaskDurations())(target(live=live), alert=30).sentence
