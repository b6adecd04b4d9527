"""What was missed is found out, said, and filled in as far as workers tell."""

from itertools import pairwise

import pytest

from bot.adapters.events.gaps import KEPT
from bot.domain.cluster import ClusterSnapshot, TaskInHand, Worker
from bot.domain.live import Phase
from bot.domain.window import Span
from tests.adapters.events.conftest import Story


def begin(story: Story, n: int, heard: bool = True, name: str = "shop.add") -> None:
    """So many tasks run on the worker; nobody hears of them unless `heard`."""
    for _ in range(n if heard else 0):
        story.run(f"{name}-{story.now}-{story.total(Span.DAY).started}", name)


def answer(story: Story, totals: dict[str, int], *active: TaskInHand) -> ClusterSnapshot:
    """What the worker says when it is asked."""
    worker = Worker(name="w1@a", queues=("mail",), totals=totals, active=active, reserved=(), scheduled=())
    return ClusterSnapshot(cluster="shop", taken_at=story.clock.at, workers=(worker,))


def cut(story: Story, seconds: float = 3.0) -> None:
    """The connection breaks, and comes back."""
    story.recorder.disconnected(story.now, "the broker closed the connection")
    story.later(seconds)
    story.recorder.connected(story.now)


def test_a_broken_connection_is_a_gap_in_every_window_it_lies_in(story: Story) -> None:
    """It is open until the workers were asked, and gone from the short windows when it is old."""
    story.later(120)
    story.recorder.disconnected(story.now - 1, "the broker closed the connection")
    feed = story.recorder.feed()
    assert (feed.connected, feed.trouble) == (False, "the broker closed the connection")
    story.later(3)
    story.recorder.connected(story.now)
    [gap] = story.recorder.window(Span.MINUTE, story.clock.at).gaps
    assert gap.until is None
    back = story.clock.at
    story.later(1)
    story.recorder.resynced(answer(story, {}))
    [gap] = story.recorder.window(Span.MINUTE, story.clock.at).gaps
    assert (gap.until, (back - gap.since).total_seconds()) == (back, 4)
    story.later(120)
    assert (story.gaps(Span.MINUTE), len(story.gaps(Span.QUARTER)), len(story.gaps(Span.DAY))) == ([], 1, 1)
    assert story.recorder.feed().connected


def test_attempts_that_fail_one_after_the_other_are_one_gap(story: Story) -> None:
    """A broker that is away for an hour is away once."""
    for _ in range(5):
        story.recorder.disconnected(story.now, "nothing listens")
        story.later(5)
    assert len(story.gaps()) == 1


def test_no_gap_is_told_of_before_anything_was_heard() -> None:
    """The windows have not begun yet."""
    story = Story(listening=False)
    story.recorder.disconnected(story.now, "nothing listens")
    assert (story.gaps(), story.recorder.feed().trouble) == ([], "nothing listens")


@pytest.mark.parametrize("unheard", [1, 10, 500])
def test_tasks_that_began_unheard_are_found_by_the_workers_own_count(story: Story, unheard: int) -> None:
    """Even one, once the worker is quiet; the window says how many, and when."""
    story.beat()
    story.later(2)
    begin(story, 5)
    story.beat(processed=5)
    story.later(2)
    assert story.gaps() == []
    for _ in range(3):
        story.beat(processed=5 + unheard)
        story.later(2)
    [gap] = story.recorder.window(Span.MINUTE, story.clock.at).gaps
    assert (gap.missed, gap.why) == (unheard, "events of w1@a were missed")
    begin(story, 3)
    for _ in range(3):
        story.beat(processed=8 + unheard)
        story.later(2)
    assert [gap.missed for gap in story.recorder.window(Span.MINUTE, story.clock.at).gaps] == [unheard]


def test_events_on_their_way_are_not_called_missed(story: Story) -> None:
    """A heartbeat overtakes what waits in the worker's buffer, at most 24 events."""
    counted = 0
    story.beat()
    for turn in range(30):
        story.later(2)
        ahead = (turn * 7) % 25
        story.beat(processed=counted + ahead)
        begin(story, ahead)
        counted += ahead
    assert (story.gaps(), story.total(Span.HOUR).started) == ([], counted)


def test_a_loss_shows_while_the_worker_stays_busy(story: Story) -> None:
    """What is beyond the buffer's 24 is certain at once, and the rest when there is a pause."""
    story.beat()
    counted, missed = 0, 100
    for turn in range(10):
        begin(story, 50)
        counted += 50 + (missed if turn == 4 else 0)
        story.later(2)
        story.beat(processed=counted + 10)  # ten wait in the buffer
        begin(story, 10)
        counted += 10
    found = story.recorder.window(Span.MINUTE, story.clock.at).gaps[0].missed
    assert found is not None
    assert missed - 24 <= found <= missed
    for _ in range(2):
        story.later(2)
        story.beat(processed=counted)
    assert sum(gap.missed or 0 for gap in story.recorder.window(Span.MINUTE, story.clock.at).gaps) == missed


def test_what_was_missed_in_a_gap_is_added_by_name_and_told_with_the_gap(story: Story) -> None:
    """Starts alone: how they ended nobody knows. A second answer adds nothing twice."""
    story.recorder.learn(answer(story, {}))
    story.beat()
    story.later(2)
    begin(story, 5)
    story.beat(processed=5)
    story.recorder.learn(answer(story, {"shop.add": 5}))
    cut(story)
    totals = {"shop.add": 45, "shop.sub": 20}
    story.recorder.resynced(answer(story, totals))
    for _ in range(3):
        story.beat(processed=65)
        story.later(2)
    window = story.recorder.window(Span.MINUTE, story.clock.at)
    assert [(gap.missed, gap.why) for gap in window.gaps] == [(60, "the broker closed the connection")]
    assert {row.name: row.figures.started for row in window.tasks} == {"shop.add": 45, "shop.sub": 20}
    assert {row.queue for row in window.of_task("shop.sub")} == {"mail"}
    story.recorder.learn(answer(story, totals))
    assert (story.total().started, story.total().succeeded) == (65, 5)


def test_names_are_added_when_the_answer_comes_before_the_heartbeats(story: Story) -> None:
    """And when it comes after them."""
    story.beat()
    story.recorder.learn(answer(story, {}))
    for _ in range(3):
        story.later(2)
        story.beat(processed=7)
    assert story.total().started == 0
    story.recorder.learn(answer(story, {"shop.add": 7}))
    assert story.total().started == 7


def test_a_task_that_its_worker_no_longer_holds_ended_unheard(story: Story) -> None:
    """It neither succeeded nor failed, as far as anybody knows; those still held stay in hand."""
    for id_ in ("gone", "there"):
        story.tell("task-received", id_, name="shop.add")
        story.tell("task-started", id_)
    cut(story, 5)
    new = TaskInHand(id="new", name="shop.sub", queue="mail")
    story.recorder.resynced(answer(story, {}, TaskInHand(id="there", name="shop.add", queue="mail"), new))
    phases = {id_: trace.phase for id_ in ("gone", "there", "new") if (trace := story.recorder.task(id_))}
    assert phases == {"gone": Phase.UNHEARD, "there": Phase.RUNNING, "new": Phase.RUNNING}
    assert story.total().ended == 0
    story.tell("task-succeeded", "new", runtime=1.0)
    assert {row.name for row in story.recorder.window(Span.MINUTE, story.clock.at).tasks} == {"shop.add", "shop.sub"}


def test_a_worker_that_did_not_answer_keeps_its_tasks(story: Story) -> None:
    """Nobody knows what a silent worker holds."""
    story.tell("task-received", "a", name="shop.add")
    story.tell("task-started", "a")
    cut(story, 5)
    silent = Worker(name="w1@a", answered=False)
    story.recorder.resynced(ClusterSnapshot(cluster="shop", taken_at=story.clock.at, workers=(silent,)))
    trace = story.recorder.task("a")
    assert trace
    assert trace.phase is Phase.RUNNING


def test_gaps_without_number_stay_few_and_still_mark_the_windows(story: Story) -> None:
    """The oldest are told as one."""
    for _ in range(KEPT * 3):
        cut(story, 1)
        story.recorder.resynced(None)
        story.later(20)
    gaps = story.recorder.feed().gaps
    assert len(gaps) == KEPT
    assert all(a.since <= b.since for a, b in pairwise(gaps))
    assert len(story.gaps(Span.DAY)) == KEPT


def test_a_process_that_began_while_nobody_listened_has_told_nothing_before(story: Story) -> None:
    """What a new process had run by its first heartbeat was missed."""
    story.beat(processed=0, pid=1)
    cut(story)
    story.recorder.resynced(None)
    for _ in range(3):
        story.beat(processed=9, pid=2)
        story.later(2)
    assert [gap.missed for gap in story.recorder.window(Span.MINUTE, story.clock.at).gaps] == [9]
