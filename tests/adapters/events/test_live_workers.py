"""Workers as their heartbeats show them: there, silent, gone, restarted, two of one name."""

from datetime import timedelta

import pytest

from bot.adapters.events.recorder import Recorder
from bot.domain.cluster import ClusterSnapshot, Worker
from bot.domain.live import LiveWorker, Phase, Presence, TaskEvents, ToldMemory
from bot.domain.window import Span
from tests.adapters.events.conftest import START, Story


def worker(story: Story, name: str = "w1@a") -> LiveWorker:
    """One worker as it is told of now."""
    return next(w for w in story.recorder.workers(story.clock.at) if w.name == name)


def beats(story: Story, *processed: int, pid: int = 1, name: str = "w1@a") -> None:
    """Heartbeats two seconds apart."""
    for n in processed:
        story.beat(name, n, pid)
        story.later(2)


def test_a_worker_is_online_then_silent_then_online_again(story: Story) -> None:
    """Three intervals without a heartbeat, by its own interval."""
    story.beat(freq=5.0, active=3, loadavg=[1.0, 2.0, 3.0])
    shown = worker(story)
    assert (shown.presence, shown.active, shown.load, shown.software) == (
        Presence.ONLINE, 3, (1.0, 2.0, 3.0), "py-celery 5.7.0"
    )  # fmt: skip
    story.later(14)
    assert worker(story).presence is Presence.ONLINE
    story.later(2)
    shown = worker(story)
    assert (shown.presence, shown.seen_at) == (Presence.SILENT, START)
    story.beat(freq=5.0)
    assert worker(story).presence is Presence.ONLINE


def test_a_worker_that_said_goodbye_is_offline_and_later_forgotten(story: Story) -> None:
    """It may come back, too."""
    story.beat()
    story.tell("worker-offline", pid=1, processed=0)
    assert worker(story).presence is Presence.OFFLINE
    story.beat()
    assert worker(story).presence is Presence.ONLINE
    story.tell("worker-offline", pid=1, processed=0)
    story.later(700)
    assert story.recorder.workers(story.clock.at) == ()


def test_while_nothing_is_heard_workers_are_as_they_were(story: Story) -> None:
    """That the bot is deaf says nothing of them; after it hears again they have their time to be heard."""
    story.beat()
    story.later(1)
    story.recorder.disconnected(story.now, "gone")
    story.later(100)
    assert worker(story).presence is Presence.ONLINE
    story.recorder.connected(story.now)
    story.recorder.resynced(None)
    assert worker(story).presence is Presence.ONLINE
    story.later(10)
    assert worker(story).presence is Presence.SILENT


def test_what_a_killed_worker_ran_is_lost_when_another_process_takes_its_name(story: Story) -> None:
    """Not what it had ended, and not what it had only received."""
    story.beat()
    story.run("done")
    story.tell("task-received", "waits", name="shop.add")
    story.tell("task-received", "runs", name="shop.add")
    story.tell("task-started", "runs")
    beats(story, 0, 0, 0, 0, 0, 0, 0, 0, pid=2)
    total, trace = story.total(), story.recorder.task("runs")
    assert (total.succeeded, total.lost, total.ended, total.completion) == (1, 1, 2, 0.5)
    assert trace
    assert trace.phase is Phase.LOST


def test_a_restart_in_a_container_is_seen_by_the_count_that_fell(story: Story) -> None:
    """There every process has the pid 1."""
    beats(story, 0)
    story.tell("task-started", "a")
    beats(story, 1)
    beats(story, 0, 0, 0, 0, 0, 0, 0, 0)
    assert story.total().lost == 1
    assert not worker(story).twins


def test_what_a_silent_worker_ran_is_lost_after_a_minute_and_taken_back_when_it_ends(story: Story) -> None:
    """It was frozen, not dead."""
    story.beat()
    story.run("b")
    story.tell("task-received", "a", name="shop.add")
    story.tell("task-started", "a")
    story.later(55)
    assert story.total().lost == 0
    story.later(15)
    assert story.total().lost == 1
    story.tell("task-succeeded", "a", runtime=70.0)
    assert (story.total().lost, story.total().succeeded) == (0, 1)


def test_a_loss_that_was_taken_back_is_taken_back_in_what_is_kept_too(story: Story) -> None:
    """After a restart the task counts as what it was: it succeeded."""
    story.beat()
    story.tell("task-received", "a", name="shop.add")
    story.tell("task-started", "a")
    story.later(90)
    assert story.total(Span.HOUR).lost == 1
    story.tell("task-succeeded", "a", runtime=90.0)
    story.later(5)
    after = Recorder(story.clock)
    after.restore(story.recorder.slices(START))
    total = after.window(Span.HOUR, story.clock.at).total()
    assert (total.lost, total.succeeded, total.completion) == (0, 1, 1.0)


@pytest.mark.parametrize("reader_first", [True, False])
def test_nothing_is_lost_while_the_bot_itself_stood_still(story: Story, reader_first: bool) -> None:
    """Its host was suspended, or its clock was set: what workers said meanwhile lies unread in the socket."""
    story.recorder.attend(story.now)
    story.beat()
    story.tell("task-received", "a", name="shop.add")
    story.tell("task-started", "a")
    story.later(600)
    if reader_first:
        assert story.total(Span.HOUR).lost == 0
    story.recorder.attend(story.now)
    assert [w.presence for w in story.recorder.workers(story.clock.at)] == [Presence.ONLINE]
    story.beat(processed=1)
    assert story.total(Span.HOUR).lost == 0
    for _ in range(14):
        story.later(5)
        story.recorder.attend(story.now)
    assert story.total(Span.HOUR).lost == 1


def test_a_lost_task_that_begins_anew_is_not_lost(story: Story) -> None:
    """It was acknowledged late, and delivered to another worker."""
    story.beat()
    story.tell("task-received", "a", name="shop.add")
    story.tell("task-started", "a")
    story.later(70)
    assert story.total().lost == 1
    story.run("a", worker="w2@a")
    assert (story.total().lost, story.total().succeeded) == (0, 1)


def test_a_long_task_on_a_solo_worker_is_not_lost(story: Story) -> None:
    """That pool sends no heartbeat while it runs a task."""
    story.beat()
    solo = Worker(name="w1@a", pool="solo")
    story.recorder.learn(ClusterSnapshot(cluster="shop", taken_at=story.clock.at, workers=(solo,)))
    story.tell("task-started", "a")
    story.later(600)
    assert story.total().lost == 0


def test_a_worker_without_heartbeats_is_not_taken_for_dead(story: Story) -> None:
    """It was started with `--without-heartbeat`: its silence says nothing."""
    story.tell("task-started", "a")
    story.later(600)
    assert story.total().lost == 0


def test_what_ran_during_a_gap_is_not_called_lost(story: Story) -> None:
    """Its end may have been told while nobody listened."""
    story.beat()
    story.tell("task-received", "a", name="shop.add")
    story.tell("task-started", "a")
    story.recorder.disconnected(story.now, "gone")
    story.later(5)
    story.recorder.connected(story.now)
    story.recorder.resynced(None)
    story.later(100)
    trace = story.recorder.task("a")
    assert story.total().lost == 0
    story.later(5)
    trace = story.recorder.task("a")
    assert trace
    assert trace.phase is Phase.UNHEARD


def test_two_processes_of_one_name_are_told_of(story: Story) -> None:
    """By pids that alternate; nothing is called lost or missed because of them."""
    story.tell("task-started", "a")
    for n in range(10):
        story.beat(processed=500 + n, pid=7)
        story.later(1)
        story.beat(processed=3, pid=8)
        story.later(1)
    assert worker(story).twins
    assert story.total().lost == 0
    story.later(0)
    beats(story, *[600] * 40, pid=7)
    assert not worker(story).twins


def test_two_containers_of_one_name_are_told_of(story: Story) -> None:
    """Both have pid 1; their counts alternate."""
    for n in range(4):
        beats(story, 500 + n)
        beats(story, 3)
    assert worker(story).twins


def test_a_worker_whose_count_rises_without_an_event_has_them_off(story: Story) -> None:
    """And one from which task events come has them on; of an idle one nobody knows."""
    beats(story, 0, 0, 0)
    assert worker(story).task_events is TaskEvents.UNKNOWN
    beats(story, 5, 9, 9)
    assert worker(story).task_events is TaskEvents.OFF
    assert "task events" in (story.recorder.feed().trouble or "")
    assert story.gaps() == ["w1@a sends no task events"]
    story.run("a")
    assert worker(story).task_events is TaskEvents.ON
    assert story.recorder.feed().trouble is None


def test_a_heartbeat_of_a_worker_with_the_plugin_tells_its_version_and_now_and_then_its_memory(story: Story) -> None:
    """What was told last stands with its moment; another process without the plugin has neither."""
    story.beat(oncall={"version": "0.1.0", "parent": 100, "children": [40, 50]})
    story.later(2)
    story.beat(oncall={"version": "0.1.0"})
    shown = worker(story)
    assert (shown.plugin, shown.memory) == ("0.1.0", ToldMemory(START, 100, (40, 50)))
    story.beat(oncall={"version": "0.2.0", "parent": 120})
    assert worker(story).memory == ToldMemory(START + timedelta(seconds=2), 120, None)
    story.beat(pid=2)
    assert (worker(story).plugin, worker(story).memory) == (None, None)


@pytest.mark.parametrize("odd", ["x", 5, {"version": 1}, {"version": "1", "parent": "much"}, {"children": ["x"]}])
def test_what_a_plugin_tells_oddly_takes_nothing_from_the_heartbeat(story: Story, odd: object) -> None:
    """Another thing may use that name; the rest of the heartbeat counts."""
    story.beat(processed=7, oncall=odd)
    assert (worker(story).processed, worker(story).plugin) == (7, None)
