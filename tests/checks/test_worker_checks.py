"""What the checks of workers, their tasks and beat say, level by level."""

from datetime import timedelta
from typing import Any

import pytest

from bot.checks.beat import Beat
from bot.checks.slow_tasks import SlowTasks
from bot.checks.tasks_in_hand import TasksInHand
from bot.checks.worker_memory import WorkerMemory
from bot.checks.worker_versions import WorkerVersions
from bot.checks.workers import Workers
from bot.domain import broker
from bot.domain.broker import UnacknowledgedMessages, WorkerReport
from bot.domain.cluster import ClusterSnapshot, Unknown, Worker
from bot.domain.live import LiveWorker, Presence, ToldMemory
from bot.domain.run import Level
from tests.checks.fakes import (
    DEAD,
    NOW,
    Asking,
    FakeDiagnostics,
    FakeLive,
    ago,
    cells,
    figures,
    heard,
    message,
    snapshot,
    target,
    task,
    worker,
)
from tests.usecases.world import KeptSamples

GB = 1 << 30
W1, SILENT = worker("worker1@a"), Worker(name="worker2@a", answered=False)


def taken(**given: Any) -> FakeDiagnostics:
    """Return what is unacknowledged."""
    return FakeDiagnostics(taken=UnacknowledgedMessages(at=NOW, **given))


# --- workers ---


@pytest.mark.parametrize("where", ["answers", "heartbeats"])
def test_workers_of_one_name_are_told_whoever_noticed(where: str) -> None:
    """Two answers, or two heartbeats; each process hides the other."""
    looked = snapshot(W1, twins=("worker1@a",) if where == "answers" else ())
    live = FakeLive(heard=(heard("worker1@a", twins=where == "heartbeats"),))
    found = Asking(Workers(), looked)(target(live=live))
    assert found.level is Level.WARN
    assert "two processes are named worker1@a and hide each other" in found.sentence
    assert (found.values["twins"], cells(found)) == (1, [("worker1@a", "0/4", "prefork, two")])


def test_workers_are_listed_silent_ones_first() -> None:
    """What needs a look stands on top; what did not answer has no numbers."""
    busy = worker("worker3@a", active=(task(),))
    found = Asking(Workers(), snapshot(W1, busy, SILENT))(target())
    assert found.level is Level.WARN
    assert [row[:2] for row in cells(found)] == [("worker2@a", "no answer"), ("worker3@a", "1/4"), ("worker1@a", "0/4")]


# --- tasks in hand ---


def test_tasks_in_hand_are_counted_by_worker() -> None:
    """Running, prefetched, for later; and none is held."""
    looked = snapshot(
        worker("w1@a", active=(task("1"),), reserved=(task("2"), task("3")), scheduled=(task("4"),)), worker("w2@a")
    )
    found = Asking(TasksInHand(), looked)(target(taken()))
    assert (found.level, found.sentence) == (
        Level.OK,
        "1 running, 2 prefetched, 1 kept for later, 0 held by rate limits.",
    )
    assert cells(found) == [("w1@a", "1", "2", "1"), ("w2@a", "0", "0", "0")]
    assert found.values == {"active": 1, "reserved": 2, "scheduled": 1, "held": 0}


def test_tasks_held_by_a_rate_limit_are_shown_as_held() -> None:
    """They are in no list of a worker, so a queue seems to stand still for no reason."""
    found = Asking(TasksInHand(), snapshot(W1))(target(taken(held=(message("1"), message("2")), held_at_most=4)))
    assert found.level is Level.WARN
    assert found.sentence.startswith("2 tasks held back by a rate limit (shop.book), which no worker lists.")
    assert found.values["held"] == 2


@pytest.mark.parametrize(
    ("diagnostics", "why"),
    [
        (FakeDiagnostics(error=DEAD), str(DEAD)),
        (
            taken(held=(message(),), uncertain=True, why_uncertain="worker2@a did not answer"),
            "worker2@a did not answer.",
        ),
    ],
    ids=["dead", "uncertain"],
)
def test_tasks_held_are_unknown_where_nobody_can_tell(diagnostics: FakeDiagnostics, why: str) -> None:
    """None is no nought."""
    found = Asking(TasksInHand(), snapshot(W1))(target(diagnostics))
    assert found.values["held"] is None
    assert found.sentence.endswith("Whether any is held back is not known.")
    assert found.unknown == (f"Held by rate limits: {why}",)


def test_tasks_of_silent_workers_are_unknown() -> None:
    """With nobody answering, nothing is counted."""
    found = Asking(TasksInHand(), snapshot(SILENT))(target(taken()))
    assert (found.level, found.sentence) == (
        Level.UNKNOWN,
        "No worker answers, so what they have in hand is not known.",
    )
    assert found.unknown == ("worker2@a did not say all it has in hand (busy or unreachable).",)


# --- memory ---


def resident(**workers: broker.WorkerMemory) -> FakeDiagnostics:
    """Return what workers take."""
    return FakeDiagnostics(resident={m.worker: m for m in workers.values()})


def memory(name: str, parent: int | None, children: tuple[int, ...] | None = (), **given: Any) -> broker.WorkerMemory:
    """Return one worker's memory."""
    return broker.WorkerMemory(worker=name, parent=parent, children=children, **given)


@pytest.mark.parametrize(
    ("given", "params", "level", "sentence"),
    [
        (memory("worker1@a", GB // 2, (GB // 2,)), {}, Level.OK, "Most memory takes worker1@a: 1 GB."),
        (
            memory("worker1@a", GB, (GB, GB // 2)),
            {},
            Level.WARN,
            "worker1@a takes 2.5 GB, more than 2 GB (2 of its children counted in): restart it when it is idle",
        ),
        (memory("worker1@a", GB, (GB, 2 * GB)), {}, Level.BAD, "worker1@a takes 4 GB, more than 3 GB"),
        (memory("worker1@a", GB), {"warn": "512MB"}, Level.WARN, "worker1@a takes 1 GB, more than 512 MB"),
        (
            memory("worker1@a", GB, None, why="it runs on another host"),
            {},
            Level.OK,
            "Most memory takes worker1@a: 1 GB, parent only.",
        ),
    ],
    ids=["well", "children counted", "too much", "own bound", "parent only"],
)
def test_memory_counts_children_and_says_when_it_cannot(
    given: broker.WorkerMemory, params: dict[str, Any], level: Level, sentence: str
) -> None:
    """A parent alone says little of a prefork worker."""
    found = Asking(WorkerMemory(), snapshot(W1))(target(resident(w=given)), **params)
    assert (found.level, found.sentence[: len(sentence)]) == (level, sentence)
    if given.children is None:
        assert cells(found) == [("worker1@a", "1 GB", "parent only")]
        assert found.unknown == ("worker1@a: it runs on another host.",)


def test_memory_of_the_parents_peak_is_called_an_estimate() -> None:
    """What it took at its highest is not what it takes now."""
    peak = memory("worker1@a", GB, None, parent_is_peak=True, why="no psutil there")
    found = Asking(WorkerMemory(), snapshot(W1))(target(resident(w=peak)))
    assert found.estimated == "With ≤, the parent told its highest so far, not what it takes now."
    assert cells(found) == [("worker1@a", "≤ 1 GB", "parent only")]


def test_memory_that_a_worker_told_in_its_heartbeat_says_so() -> None:
    """Of a worker on another host, which could not be asked for its children."""
    peak = memory("worker1@a", GB, None, parent_is_peak=True, why="it runs on another host")
    told = ToldMemory(NOW, 300 << 20, (100 << 20, 100 << 20))
    live = FakeLive(heard=(LiveWorker("worker1@a", Presence.ONLINE, NOW, NOW, memory=told),))
    found = Asking(WorkerMemory(), snapshot(W1))(target(resident(w=peak), live=live))
    assert cells(found) == [("worker1@a", "500 MB", "200 MB in 2, by its plugin")]
    assert (found.estimated, found.unknown) == (None, ())


def test_memory_of_silent_workers_is_unknown() -> None:
    """One that did not answer is named; when none did, nothing is known."""
    found = Asking(WorkerMemory(), snapshot(W1, SILENT))(target(resident(w=memory("worker1@a", GB))))
    assert found.unknown == ("No answer from worker2@a (busy or unreachable).",)
    assert Asking(WorkerMemory(), snapshot(SILENT))(target(resident())).level is Level.UNKNOWN


# --- slow tasks ---


def running(*ages: float, name: str = "shop.book") -> ClusterSnapshot:
    """Return a worker whose tasks run for so many seconds."""
    tasks = tuple(task(f"id-{i}", name, started_at=ago(seconds=age)) for i, age in enumerate(ages))
    return snapshot(worker("worker1@a", active=tasks))


@pytest.mark.parametrize(
    ("looked", "params", "level", "sentence"),
    [
        (running(5, 12), {}, Level.OK, "2 tasks running, none for too long; the longest for 12 s."),
        (running(), {}, Level.OK, "No task is running."),
        (running(5, 75), {}, Level.WARN, "shop.book runs for 75 s on worker1@a, longer than 60 s. Look at it with "),
        (running(5, 12), {"seconds": "10s"}, Level.WARN, "shop.book runs for 12 s on worker1@a, longer than 10 s."),
        (running(90, 12), {"seconds": "2m"}, Level.OK, "2 tasks running, none for too long"),
        (running(90), {"task": "mail"}, Level.OK, "No task is running."),
        (snapshot(SILENT), {}, Level.UNKNOWN, "No worker said what it runs."),
    ],
)
def test_slow_tasks_against_a_limit(
    looked: ClusterSnapshot, params: dict[str, Any], level: Level, sentence: str
) -> None:
    """A minute, where nothing is known of the task and nobody says otherwise."""
    found = Asking(SlowTasks(), looked)(target(live=FakeLive(watched=timedelta(0))), **params)
    assert (found.level, found.sentence[: len(sentence)]) == (level, sentence)


def test_slow_is_what_is_unusual_for_the_task() -> None:
    """Three times its p95 of the last day; with too few durations, not."""
    usual = FakeLive((figures("shop.book", runtimes=(1.0,) * 50), figures("shop.think", runtimes=(1.0,) * 3)))
    found = Asking(SlowTasks(), running(5))(target(live=usual))
    assert found.sentence.startswith("shop.book runs for 5 s on worker1@a, longer than 3 s.")
    assert found.values["ids"] == ["id-0"]
    assert cells(found) == [("shop.book", "5 s", "worker1@a", "id-0")]
    assert Asking(SlowTasks(), running(5, name="shop.think"))(target(live=usual)).level is Level.OK


def test_a_clock_that_is_ahead_does_not_hide_a_slow_task() -> None:
    """The worker's clock is five minutes ahead, and so is the start of its task."""
    started = NOW + timedelta(seconds=300 - 90)
    looked = snapshot(worker("worker1@a", active=(task(started_at=started),)))
    live = FakeLive(heard=(heard("worker1@a", clock_ahead=300.0),))
    found = Asking(SlowTasks(), looked)(target(live=live))
    assert (found.level, found.values["longest"]) == (Level.WARN, 90.0)


# --- beat ---


@pytest.mark.parametrize(
    ("beats", "params", "level", "sentence"),
    [
        (("celerybeat@a",), {}, Level.OK, "One beat answers: celerybeat@a."),
        (
            ("celerybeat@a", "celerybeat@b"),
            {},
            Level.BAD,
            "2 beats answer (celerybeat@a, celerybeat@b): every periodic task is sent twice. Stop all but one.",
        ),
        (
            ("celerybeat@a",) * 2,
            {},
            Level.BAD,
            "2 beats answer (2 of the name celerybeat@a): every periodic task is sent",
        ),
        (("celerybeat@a",), {"expected": 0}, Level.WARN, "A beat answers where none should be: celerybeat@a."),
        ((), {"expected": 0}, Level.OK, "No beat is seen, and none is expected."),
        ((), {}, Level.UNKNOWN, "No beat is seen. Beat answers from Celery 5.7 on, with"),
    ],
)
def test_beat_none_one_two(beats: tuple[str, ...], params: dict[str, Any], level: Level, sentence: str) -> None:
    """That none is seen says little: older ones never answer."""
    found = Asking(Beat(), snapshot(W1, beats=beats))(target(), **params)
    assert (found.level, found.sentence[: len(sentence)]) == (level, sentence)
    assert found.values == {"n": len(beats)}


def test_beat_that_answered_a_moment_ago_and_does_not_now_is_bad() -> None:
    """One that was seen can be missed."""
    samples = KeptSamples(taken=[snapshot(beats=("celerybeat@a",), taken_at=ago(seconds=40))])
    found = Asking(Beat(), snapshot(W1))(target(samples=samples))
    assert found.level is Level.BAD
    assert found.sentence.startswith("celerybeat@a answered 40 s ago and does not now: stopped, stuck or unreachable.")


def test_beat_among_processes_that_did_not_answer_is_uncertain() -> None:
    """One of those that listen and are silent may be a beat."""
    looked = snapshot(W1, unknown=(Unknown(what="workers", why="1 more process listens and did not answer"),))
    assert Asking(Beat(), looked)(target()).unknown == ("1 more process listens and did not answer.",)


# --- versions ---


def software(**versions: str | None) -> FakeDiagnostics:
    """Return reports of workers with these versions of Celery; None: no answer."""
    return FakeDiagnostics(
        software={
            f"{name}@a": WorkerReport(worker=f"{name}@a", software=None, versions={"celery": v}) if v else None
            for name, v in versions.items()
        }
    )


@pytest.mark.parametrize(
    ("reports", "level", "sentence"),
    [
        (software(worker1="5.7.0", worker2="5.7.0"), Level.OK, "2 workers of the same software: Celery 5.7.0."),
        (
            software(worker1="5.7.0", worker2="5.3.6"),
            Level.WARN,
            "Workers run different versions of celery: 5.3.6 on worker2@a; 5.7.0 on worker1@a. Bring them to one",
        ),
        (software(worker1=None), Level.UNKNOWN, "No worker told what software it runs."),
    ],
)
def test_versions_that_differ_are_named(reports: FakeDiagnostics, level: Level, sentence: str) -> None:
    """Who runs what."""
    found = Asking(WorkerVersions())(target(reports))
    assert (found.level, found.sentence[: len(sentence)]) == (level, sentence)


def test_versions_of_a_silent_worker_are_unknown() -> None:
    """It is named, also when only the snapshot knows of it."""
    found = Asking(WorkerVersions(), snapshot(SILENT))(target(software(worker1="5.7.0", worker3=None)))
    assert found.unknown == ("No answer from worker2@a, worker3@a (busy or unreachable).",)
    assert cells(found) == [("worker1@a", "5.7.0")]
