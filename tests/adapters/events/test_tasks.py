"""What each event does to the figures and to what is remembered of its task."""

from datetime import timedelta

import pytest

from bot.adapters.events.hand import ENDED
from bot.domain.cluster import ClusterSnapshot, TaskInHand, Worker
from bot.domain.live import Phase
from bot.domain.window import UNNAMED, Span
from tests.adapters.events.conftest import START, Story


@pytest.mark.parametrize(
    ("end", "phase"),
    [
        ("task-succeeded", Phase.SUCCEEDED),
        ("task-failed", Phase.FAILED),
        ("task-retried", Phase.RETRY),
        ("task-revoked", Phase.REVOKED),
        ("task-rejected", Phase.REJECTED),
    ],
)
def test_each_end_is_counted_once_and_remembered(story: Story, end: str, phase: Phase) -> None:
    """Of its kind, and of no other."""
    story.run("a", end=end)
    figures = story.total()
    ends = {n: getattr(figures, n) for n in ("succeeded", "failed", "retried", "revoked", "rejected", "lost")}
    assert (figures.received, figures.started, sum(ends.values())) == (1, 1, 1)
    assert ends["retried" if phase is Phase.RETRY else phase.value] == 1
    trace = story.recorder.task("a")
    assert trace
    assert (trace.name, trace.phase, trace.worker, trace.ended_at) == ("shop.add", phase, "w1@a", START)


def test_a_task_is_followed_from_sent_to_its_end(story: Story) -> None:
    """`/celery task <id>` tells how far it is, and who has it."""
    seen = []
    for type_, fields in (
        ("task-sent", {"name": "shop.add", "queue": "mail"}),
        ("task-received", {"name": "shop.add", "retries": 2}),
        ("task-started", {}),
        ("task-succeeded", {"runtime": 0.25}),
    ):
        story.tell(type_, "a", "gen1@b" if type_ == "task-sent" else "w1@a", **fields)
        trace = story.recorder.task("a")
        assert trace
        seen.append((trace.phase, trace.queue, trace.worker))
        story.later(1)
    assert seen == [
        (Phase.SENT, "mail", None),
        (Phase.RECEIVED, "mail", "w1@a"),
        (Phase.RUNNING, "mail", "w1@a"),
        (Phase.SUCCEEDED, "mail", "w1@a"),
    ]
    assert trace
    assert trace.runtime == 0.25
    assert trace.retries == 2
    assert (trace.ended_at or START) - (trace.received_at or START) == timedelta(seconds=2)
    assert story.recorder.task("nobody heard of it") is None


@pytest.mark.parametrize("skew", [{}, {"w1@a": 7200.0}, {"gen1@b": -90000.0, "w1@a": 3600.0}])
def test_clocks_that_differ_do_not_bend_waits_and_runtimes(story: Story, skew: dict[str, float]) -> None:
    """A worker is hours ahead, a sender a day behind: the wait is ten seconds all the same."""
    story.skew = skew
    for n in range(5):
        story.tell("task-sent", f"{n}", "gen1@b", name="shop.add", queue="mail")
        story.later(10)
        story.run(f"{n}", end="task-failed", exception="ValueError()")
    total = story.total()
    assert (total.wait.n, total.wait.above(8), total.wait.above(10)) == (5, 5, 0)
    assert (total.runtime.n, total.runtime.above(0.001)) == (5, 0)
    assert story.total().started == 5
    [worker] = story.recorder.workers(story.clock.at)
    assert worker.clock_ahead == pytest.approx(skew.get("w1@a", 0.0), abs=0.01)


def test_a_task_that_is_to_begin_later_did_not_wait(story: Story) -> None:
    """A countdown is no queue latency."""
    story.tell("task-sent", "a", "gen1@b", name="shop.add", queue="mail", eta="2026-03-01T13:00:00+00:00")
    story.later(20)
    story.run("a")
    assert (story.total().sent, story.total().wait.n) == (1, 0)


def test_the_sent_event_may_be_heard_after_the_workers(story: Story) -> None:
    """They come from different programs."""
    story.tell("task-received", "a", name="shop.add")
    story.tell("task-sent", "a", "gen1@b", name="shop.add", queue="mail")
    story.tell("task-started", "a")
    assert (story.total().sent, story.total().started, story.total().wait.n) == (1, 1, 1)


def test_events_of_a_task_whose_name_was_missed_are_counted_apart(story: Story) -> None:
    """Only its received event told the name: a total stays right, and no name is guessed."""
    story.tell("task-started", "a")
    story.tell("task-succeeded", "a", runtime=1.0)
    story.tell("task-failed", "b", exception="NotRegistered('x')")
    [row] = story.recorder.window(Span.MINUTE, story.clock.at).tasks
    assert (row.name, row.queue, row.figures.succeeded, row.figures.failed) == (UNNAMED, None, 1, 1)
    trace = story.recorder.task("a")
    assert trace
    assert trace.name is None


def test_a_task_that_is_tried_again_counts_each_attempt(story: Story) -> None:
    """Two attempts were started, one ended for good."""
    story.run("a", end="task-retried", exception="OSError()")
    story.run("a")
    total = story.total()
    assert (total.started, total.retried, total.succeeded, total.ended) == (2, 1, 1, 1)


@pytest.mark.parametrize(
    "order",
    [
        ("task-retried", "task-received", "task-started"),
        ("task-received", "task-retried", "task-started"),
        ("task-received", "task-started", "task-retried"),
    ],
)
def test_the_next_attempt_may_be_heard_of_before_the_end_of_the_last(story: Story, order: tuple[str, ...]) -> None:
    """A task publishes its next attempt and then ends; its name and its queue are known all along."""
    story.tell("task-sent", "a", "gen1@b", name="shop.add", queue="mail")
    story.tell("task-received", "a", name="shop.add", retries=0)
    story.tell("task-started", "a")
    for type_ in order:
        story.tell(type_, "a", "w1@a" if type_ == "task-retried" else "w2@a", name="shop.add", retries=1)
    trace = story.recorder.task("a")
    assert trace
    assert (trace.phase, trace.worker, trace.retries) == (Phase.RUNNING, "w2@a", 1)
    story.tell("task-succeeded", "a", "w2@a", runtime=0.5)
    [row] = story.recorder.window(Span.MINUTE, story.clock.at).tasks
    figures = row.figures
    assert (row.name, row.queue, figures.received, figures.started) == ("shop.add", "mail", 2, 2)
    assert (figures.retried, figures.succeeded, figures.wait.n) == (1, 1, 1)


def test_a_task_that_ended_before_its_sending_was_heard_has_ended(story: Story) -> None:
    """A sender tells after it has sent, and may be slower than the whole task."""
    story.run("a")
    story.tell("task-sent", "a", "gen1@b", name="shop.add", queue="mail")
    trace = story.recorder.task("a")
    assert trace
    assert trace.phase is Phase.SUCCEEDED


@pytest.mark.parametrize(
    ("told", "worded"),
    [("KeyError('seat')", "KeyError: seat"), ("Timeout()", "Timeout"), ("no repr at all", "no repr at all")],
)
def test_a_task_that_failed_tells_its_exception_with_its_kind(story: Story, told: str, worded: str) -> None:
    """The message of a KeyError alone is the key, which tells nobody anything."""
    story.run("a", end="task-failed", exception=told)
    trace = story.recorder.task("a")
    assert trace
    assert trace.exception == worded


def test_a_task_whose_sender_was_slower_than_its_worker_is_counted_on_its_queue(story: Story) -> None:
    """Its name alone could be of two queues; what was counted before the queue was heard is moved there."""
    for queue in ("mail", "images"):
        story.tell("task-sent", queue, "gen1@b", name="shop.add", queue=queue)
    story.tell("task-received", "a", name="shop.add")
    story.later(7)
    story.tell("task-started", "a")
    story.tell("task-sent", "a", "gen1@b", name="shop.add", queue="mail")
    story.tell("task-succeeded", "a", runtime=0.5)
    rows = {row.queue: row.figures for row in story.recorder.window(Span.MINUTE, story.clock.at).tasks}
    assert {q: (f.sent, f.received, f.started, f.succeeded) for q, f in rows.items()} == {
        "mail": (2, 1, 1, 1),
        "images": (1, 0, 0, 0),
    }


def snapshot(story: Story, *workers: Worker) -> ClusterSnapshot:
    """What workers answered now."""
    return ClusterSnapshot(cluster="shop", taken_at=story.clock.at, workers=workers)


def queues_of(story: Story) -> dict[str, str | None]:
    """The queue of each task name that was counted."""
    return {row.name: row.queue for row in story.recorder.window(Span.MINUTE, story.clock.at).tasks}


def test_a_workers_only_queue_is_its_tasks_queue(story: Story) -> None:
    """Events do not tell the queue; who consumes one alone takes from no other."""
    story.recorder.learn(snapshot(story, Worker(name="w1@a", queues=("mail",)), Worker(name="w2@a", queues=("x", "y"))))
    story.run("a")
    story.run("b", name="shop.sub", worker="w2@a")
    assert queues_of(story) == {"shop.add": "mail", "shop.sub": None}


def test_a_name_seen_on_one_queue_belongs_there_and_on_two_to_neither(story: Story) -> None:
    """Unless its worker consumes but one of the two."""
    both = ("x", "y")
    tasks = (TaskInHand(id="1", name="one", queue="x"), TaskInHand(id="2", name="two", queue="x"))
    story.recorder.learn(snapshot(story, Worker(name="w1@a", queues=both, active=tasks)))
    other = (TaskInHand(id="3", name="two", queue="y"),)
    story.recorder.learn(
        snapshot(story, Worker(name="w1@a", queues=both, reserved=other), Worker(name="w2@a", queues=("x", "z")))
    )
    story.run("a", name="one")
    story.run("b", name="two")
    assert queues_of(story) == {"one": "x", "two": None}
    story.run("c", name="two", worker="w2@a")
    rows = {(row.name, row.queue) for row in story.recorder.window(Span.MINUTE, story.clock.at).tasks}
    assert rows == {("one", "x"), ("two", None), ("two", "x")}


def test_what_ran_before_its_name_was_seen_on_a_queue_is_shown_there_and_kept_as_it_was_counted(story: Story) -> None:
    """As soon as the name is seen on one queue, and while it is on no other."""
    both = ("x", "y")
    story.recorder.learn(snapshot(story, Worker(name="w1@a", queues=both)))
    story.run("a", name="one")
    assert queues_of(story) == {"one": None}
    seen = TaskInHand(id="1", name="one", queue="x")
    story.recorder.learn(snapshot(story, Worker(name="w1@a", queues=both, active=(seen,))))
    story.run("b", name="one")
    (row,) = story.recorder.window(Span.MINUTE, story.clock.at).tasks
    assert (row.queue, row.figures.succeeded) == ("x", 2)
    story.run("c", name="one", worker="w2@a")
    story.recorder.learn(snapshot(story, Worker(name="w2@a", queues=("y",))))
    story.run("d", name="one", worker="w2@a")
    rows = {row.queue: row.figures.succeeded for row in story.recorder.window(Span.MINUTE, story.clock.at).tasks}
    assert rows == {"x": 2, None: 1, "y": 1}
    story.later(5)
    (kept,) = story.recorder.slices(START)
    assert {row.queue: row.figures.succeeded for row in kept.tasks} == rows


def test_a_sent_event_tells_the_queue_of_its_task(story: Story) -> None:
    """Whatever else is known of the name."""
    story.recorder.learn(snapshot(story, Worker(name="w1@a", queues=("x", "y"))))
    for id_, queue in (("a", "x"), ("b", "y")):
        story.tell("task-sent", id_, "gen1@b", name="shop.add", queue=queue)
        story.run(id_)
    rows = {row.queue: row.figures.succeeded for row in story.recorder.window(Span.MINUTE, story.clock.at).tasks}
    assert rows == {"x": 1, "y": 1}


def test_the_last_thousands_of_ended_tasks_are_remembered(story: Story) -> None:
    """And the one before them is forgotten."""
    for n in range(ENDED + 1):
        story.run(f"{n}")
    assert story.recorder.task("0") is None
    assert story.recorder.task("1") is not None
