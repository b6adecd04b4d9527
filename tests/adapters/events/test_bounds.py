"""Memory stays flat, whatever comes."""

import tracemalloc

from bot.adapters.events.event import Event
from bot.adapters.events.hand import IN_HAND
from bot.adapters.events.windows import KINDS_APART, OTHER_EXCEPTIONS
from bot.domain.window import Span
from tests.adapters.events.conftest import Story


def pour(story: Story, first: int, n: int) -> None:
    """So many tasks run to their end, a hundred workers, fifty names, a thousand tasks a second."""
    for id_ in range(first, first + n):
        worker, at = f"w{id_ % 100}@a", story.now
        uuid = f"00000000-0000-0000-0000-{id_:012}"
        story.recorder.take(
            [
                Event("task-received", worker, at, uuid, name=f"shop.task{id_ % 50}"),
                Event("task-started", worker, at, uuid),
                Event("task-succeeded", worker, at, uuid, runtime=(id_ % 997) / 100),
            ],
            at,
        )
        story.later(0.001)


def test_memory_does_not_grow_with_the_number_of_tasks(story: Story) -> None:
    """After 7,000 tasks it is about what it is after 21,000; benchmarks/memory.py goes on to millions."""
    tracemalloc.start()
    pour(story, 0, 7_000)
    before = tracemalloc.get_traced_memory()[0]
    pour(story, 7_000, 14_000)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < before / 4


def test_tasks_that_never_end_are_forgotten_oldest_first(story: Story) -> None:
    """Of a hundred thousand in hand the newest are known; the others' ends still count, without a name."""
    events = [Event("task-received", "w1@a", story.now, f"{n}", name="shop.add") for n in range(IN_HAND * 2)]
    story.recorder.take(events, story.now)
    assert story.recorder.task("0") is None
    assert story.recorder.task(f"{IN_HAND * 2 - 1}") is not None
    story.tell("task-succeeded", "0", runtime=1.0)
    assert (story.total().received, story.total().succeeded) == (IN_HAND * 2, 1)


def test_senders_and_workers_without_number_are_forgotten(story: Story) -> None:
    """Each short-lived program sends under a name of its own, and each new container is a worker."""
    for n in range(12_000):
        story.tell("task-sent", f"{n}", f"gen{n}@b", name="shop.add", queue="mail")
    for n in range(2_500):
        story.beat(f"w{n}@a")
    assert len(story.recorder.workers(story.clock.at)) == 2_000
    assert story.total().sent == 12_000


def test_failures_of_ever_new_kinds_are_counted_together(story: Story) -> None:
    """An exception whose class is made anew each time would fill a day of frames."""
    for n in range(KINDS_APART * 3):
        story.run(f"{n}", end="task-failed", exception=f"Error{n}('boom')")
        story.later(0.1)
    groups = story.recorder.failures(Span.DAY, story.clock.at)
    assert len(groups) <= KINDS_APART + 1
    assert sum(group.n for group in groups) == KINDS_APART * 3
    assert groups[0].exception == OTHER_EXCEPTIONS
