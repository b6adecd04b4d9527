"""Failures by task and exception, with the last one's words, in bounds and without secrets."""

import pytest

from bot.adapters.events.failures import KINDS, LONGEST_MESSAGE, LONGEST_TRACEBACK, exception_type
from bot.domain.window import Span
from tests.adapters.events.conftest import START, Story


def fail(story: Story, id: str, exception: str, name: str = "shop.add", traceback: str = "Traceback …") -> None:
    """One task fails."""
    story.run(id, name, end="task-failed", exception=exception, traceback=traceback)


def test_failures_are_grouped_by_task_and_exception_most_first(story: Story) -> None:
    """The words are those of the last one."""
    for n in range(3):
        fail(story, f"v{n}", f"ValueError('seat {n}')")
        story.later(1)
    fail(story, "k", "KeyError('x')")
    fail(story, "o", "ValueError('seat')", "shop.sub")
    groups = story.recorder.failures(Span.MINUTE, story.clock.at)
    assert [(g.task, g.exception, g.n) for g in groups] == [
        ("shop.add", "ValueError", 3),
        ("shop.add", "KeyError", 1),
        ("shop.sub", "ValueError", 1),
    ]
    first = groups[0]
    assert (first.message, first.last_id, first.last_worker, first.first_at) == ("seat 2", "v2", "w1@a", START)
    assert (first.last_at - first.first_at).total_seconds() == 2


def test_each_window_counts_its_own_failures(story: Story) -> None:
    """Old ones leave the minute and stay in the hour."""
    fail(story, "a", "ValueError('x')")
    story.later(300)
    fail(story, "b", "ValueError('x')")
    counts = {span: sum(g.n for g in story.recorder.failures(span, story.clock.at)) for span in Span}
    assert counts == {Span.MINUTE: 1, Span.QUARTER: 2, Span.HOUR: 2, Span.DAY: 2}


def test_secrets_in_failures_are_not_shown(story: Story) -> None:
    """Neither in the message, nor the traceback, nor the task's trace."""
    secret = "redis://shop:hunter2@broker/0"
    fail(
        story,
        "a",
        f"ConnectionError('no way to {secret}')",
        traceback=f"File x\n  connect('{secret}')\npassword=hunter2",
    )
    [group] = story.recorder.failures(Span.MINUTE, story.clock.at)
    trace = story.recorder.task("a")
    shown = f"{group.message} {group.traceback} {trace and trace.exception}"
    assert "hunter2" not in shown
    assert shown.count("redis://") == 3


def test_long_texts_are_cut_where_nothing_is_lost(story: Story) -> None:
    """The beginning of a message, the end of a traceback: there the cause stands. No secret is cut in half."""
    lines = "\n".join(f"line {n} password='hunter2{n}'" for n in range(5_000))
    fail(story, "a", "ValueError('" + "x y " * 5_000 + "')", traceback=lines + "\nthe cause")
    [group] = story.recorder.failures(Span.MINUTE, story.clock.at)
    assert len(group.message) == LONGEST_MESSAGE
    assert group.traceback is not None
    assert len(group.traceback) <= LONGEST_TRACEBACK + 1
    assert group.traceback.endswith("the cause")
    assert "hunter2" not in group.traceback


def test_kinds_of_failure_are_bounded(story: Story) -> None:
    """The words of those that came longest ago go first; the counts stay."""
    for n in range(KINDS + 10):
        fail(story, f"{n}", f"Error{n}('why {n}')")
    groups = {g.exception: g for g in story.recorder.failures(Span.MINUTE, story.clock.at)}
    assert (groups["Error0"].n, groups["Error0"].message) == (1, "")
    assert groups[f"Error{KINDS}"].message == f"why {KINDS}"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ValueError('x')", "ValueError"),
        ("requests.exceptions.HTTPError('404')", "requests.exceptions.HTTPError"),
        ("NotRegistered('sample.nosuch')", "NotRegistered"),
        ("KeyError()", "KeyError"),
        ("Multi('line\nof text')", "Multi"),
        ("<Unrepresentable: 1>", "(unknown exception)"),
        (None, "(unknown exception)"),
    ],
)
def test_the_exceptions_class_is_read_of_its_repr(text: str | None, name: str) -> None:
    """Celery sends the repr alone."""
    assert exception_type(text) == name


def test_a_traceback_is_redacted_once_however_often_it_is_read(story: Story) -> None:
    """Hundreds of them take seconds, and every look at failures shows the same ones."""
    story.run("a", end="task-failed", exception="ValueError('no')", traceback="line\n" * 900 + "ValueError: no")
    first, again = (story.recorder.failures(Span.HOUR, story.clock.at)[0].traceback for _ in range(2))
    assert first is again
