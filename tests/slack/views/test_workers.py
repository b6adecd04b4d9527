"""`/celery workers`, read as it stands on a narrow screen."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.broker import WorkerMemory
from bot.domain.cluster import Plugin, Unknown, Worker
from bot.domain.live import LiveWorker, Presence
from bot.domain.views import WorkerDetail, WorkersView
from bot.slack.views.worker_details import workers_message
from tests.slack.views.live_samples import AGE, BLIND, BUSY, ODD, RUNNING, SILENT, WORKERS
from tests.slack.views.reading import buttons, read

ALL = """\
*prod*: 2 of 3 workers answer, 1 of 8 slots busy
⚠️ image_worker: no worker is started for it
⚠️ Versions differ: py-celery 5.3.6 on worker2@a; py-celery 5.4.0 on worker1@a
❓ w9@b: no answer (busy or unreachable)
↳ last heartbeat 2 min 10 s ago, 2 tasks in hand then
⚠️ worker2@a: 0 of 4 busy · 310 MB (parent alone)
↳ two processes of that name · task events off: its tasks are not counted · clock about 7.4 s ahead · told to \
leave paused queues, checked every 10 s
⚙️ worker1@a: 1 of 4 busy · 1.5 GB with 4 children
(One closely: `/celery workers <worker>`
Numbers of 03:13:56 UTC, 4 s old when shown)
[Share here] [Refresh]"""

ONE = """\
*prod*: *worker1@a* 1 of 4 busy
*Running when it answered, longest first (1)*
• ai.generate for 1 min 1 s `7d1c4a52-93f0-4d5e-8f5e-1c1f0c2b7a10`
Memory: 1.5 GB with 4 children
Takes from: booking, ai_generation
Pool: prefork, 4 slots
Fetched ahead: 4 · for later: 0
Up for 2 h 5 min
Heartbeat 1 s ago
Task events: on
12,345 tasks accepted since 01:14 UTC · load 0.50 0.75 1.00
py-celery 5.4.0 · process 4711
(Numbers of 03:13:56 UTC, 4 s old when shown)
[Share here] [Refresh]"""


def alone(detail: WorkerDetail) -> str:
    """Return what is shown of one worker."""
    return read(workers_message(WORKERS.model_copy(update={"workers": (detail,), "alone": True})))


def test_workers_that_do_not_answer_come_first_then_odd_ones() -> None:
    """Missing groups and differing versions before all; then a line each, and below it what is not as it should be."""
    assert read(workers_message(WORKERS)) == ALL


def test_one_worker_is_shown_with_all_it_said() -> None:
    """Memory, queues, pool, what it holds, its heartbeat and software, what runs now."""
    assert alone(BUSY) == ONE


def test_silent_worker_is_busy_or_unreachable_and_never_down() -> None:
    """Only a worker that said that it ends is said to have ended."""
    assert "*w9@b* ❓ no answer (busy or unreachable)\nLast heartbeat 2 min 10 s ago, 2 tasks in hand then" in alone(
        SILENT
    )
    assert SILENT.live is not None
    left = SILENT.model_copy(update={"live": _with(SILENT, presence=Presence.OFFLINE, active=0)})
    assert "↳ said that it ends 2 min 10 s ago" in read(
        workers_message(WORKERS.model_copy(update={"workers": (left,)}))
    )
    unheard = SILENT.model_copy(update={"live": None})
    assert "No heartbeat of it was heard" in alone(unheard)


def _with(detail: WorkerDetail, **changed: Any) -> LiveWorker:
    assert detail.live is not None
    return replace(detail.live, **changed)


def test_clock_is_told_only_where_it_is_off_by_more_than_a_heartbeat_explains() -> None:
    """Two seconds are the way of the network; behind is told like ahead."""
    assert "clock" not in alone(ODD.model_copy(update={"live": _with(ODD, clock_ahead=4.9)}))
    assert "clock about 1 min 5 s behind" in alone(ODD.model_copy(update={"live": _with(ODD, clock_ahead=-65.2)}))


def test_memory_says_what_it_is_of() -> None:
    """With children where they can be seen; else of the parent alone, and why."""
    assert "Memory: 310 MB (parent alone: its children are on another host)" in alone(ODD)
    peak = WorkerMemory(worker="w", parent=3 << 30, children=(), parent_is_peak=True)
    assert "Memory: 3 GB with 0 children, at its highest" in alone(ODD.model_copy(update={"memory": peak}))
    none = WorkerMemory(worker="w", parent=None, why="it did not answer in time")
    assert "Memory: unknown (it did not answer in time)" in alone(ODD.model_copy(update={"memory": none}))


def test_memory_that_the_plugin_measured_is_told_as_such_of_one_worker() -> None:
    """In the list there is no room for it."""
    told = WorkerMemory(worker="w", parent=1 << 30, children=(1 << 29, 1 << 29), by_plugin=True)
    detail = ODD.model_copy(update={"memory": told})
    assert "Memory: 2 GB with 2 children, measured by its plugin" in alone(detail)
    assert "2 GB with 2 children\n" in read(workers_message(WORKERS.model_copy(update={"workers": (detail,)})))


def test_who_has_the_plugin_is_told_in_a_line_and_of_each_closely() -> None:
    """Where nobody has it, nothing is said: all works without."""

    def plugged(name: str, version: str | None = "0.1.0") -> WorkerDetail:
        plugin = Plugin(version=version) if version else None
        return WorkerDetail(worker=Worker(name=name, slots=1, active=(), plugin=plugin))

    def line(*details: WorkerDetail) -> list[str]:
        shown = read(workers_message(WORKERS.model_copy(update={"workers": details})))
        return [each for each in shown.splitlines() if "plugin" in each]

    a, b, c = plugged("a"), plugged("b", "0.2.0"), plugged("c", None)
    assert line(a) == ["🔌 Worker plugin 0.1.0: on a"]
    assert line(a, b) == ["🔌 Worker plugin 0.1.0, 0.2.0: on all that answer"]
    assert line(a, b, c) == ["🔌 Worker plugin 0.1.0, 0.2.0: on all but c"]
    assert line(a, c) == ["🔌 Worker plugin 0.1.0: on a; not on 1 other"]
    assert line(c, SILENT) == []
    assert "py-celery 5.4.0 · worker plugin 0.1.0 · process 4711" in alone(
        BUSY.model_copy(update={"live": _with(BUSY, plugin="0.1.0")})
    )


def test_a_worker_without_slots_is_told() -> None:
    """Online, and it will never take anything."""
    empty = ODD.model_copy(update={"worker": Worker(name="worker2@a", slots=0, active=())})
    assert "⚠️ worker2@a: 0 of 0 busy" in read(workers_message(WORKERS.model_copy(update={"workers": (empty,)})))
    assert "⚠️ no slots: it takes nothing" in alone(empty)


def test_no_worker_at_all_is_the_worst() -> None:
    """As in the status."""
    shown = read(workers_message(WorkersView(cluster="prod", age=AGE)))
    assert "❌ No worker answers. Nothing is being worked on." in shown


def test_last_known_workers_stand_below_what_cannot_be_read() -> None:
    """A dead broker takes no worker away."""
    shown = read(workers_message(WORKERS.model_copy(update={"age": BLIND})))
    assert shown.startswith("🔴 The broker of `prod` cannot be read: refused.\nWhat is still known, as of 03:12:50 UTC")
    assert "⚙️ worker1@a: 1 of 4 busy" in shown


def test_same_versions_and_answered_unknowns_are_no_lines() -> None:
    """What is as it should be takes no room on a phone; a silent worker's reason is its own line."""
    view = WorkersView(
        cluster="prod", age=AGE, workers=(BUSY, SILENT), unknown=(Unknown(what="w9@b", why="no answer in 2 s"),)
    )
    shown = read(workers_message(view))
    assert "Versions" not in shown
    assert shown.count("w9@b") == 1


def test_many_running_tasks_are_cut_longest_first() -> None:
    """The one that hangs is the one that matters."""
    tasks = tuple(
        RUNNING.model_copy(update={"id": str(n), "started_at": AGE.now - timedelta(seconds=n)}) for n in range(100)
    )
    shown = alone(BUSY.model_copy(update={"worker": BUSY.worker.model_copy(update={"active": tasks})}))
    assert "*Running when it answered, longest first (100)*\n• ai.generate for 1 min 35 s `99`" in shown
    assert "… and 88 more" in shown


def test_buttons_carry_what_was_asked() -> None:
    """One worker is refreshed as that worker."""
    made = workers_message(WORKERS.model_copy(update={"workers": (BUSY,), "alone": True}))
    assert {b["value"] for b in buttons(made.blocks).values()} == {"workers prod/worker1@a"}
