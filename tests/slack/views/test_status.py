"""The status of a cluster, read as it stands on a narrow screen."""

from datetime import timedelta

from bot.domain.card import QueueLine, StatusView
from bot.domain.cluster import Mode, Plugin, Queue, TaskInHand, Unknown, Worker
from bot.domain.mitigation import RATE, Protection
from bot.slack.views.status import status_message
from tests.slack.views.reading import buttons, read
from tests.slack.views.samples import NOW, mitigation

BUSY = (TaskInHand(id="t", name="roll_up", queue="analytics"),) * 4


def line(name: str, depth: int | None, **given: object) -> QueueLine:
    """Return one queue's line."""
    queue = {k: given.pop(k) for k in ("unacked", "unacked_at_least", "declared") if k in given}
    usual = {"importance": 5, "net_per_minute": 0.0, "scheduled": 0, "consumers": 1}
    return QueueLine.model_validate(
        {"queue": Queue.model_validate({"name": name, "depth": depth} | queue)} | usual | given
    )


def view(**given: object) -> StatusView:
    """Return a status taken a second ago."""
    usual = {
        "cluster": "prod",
        "mode": Mode.ACT,
        "frozen": False,
        "workers": (Worker(name="worker1@a", slots=4, active=BUSY),),
        "taken_at": NOW,
        "now": NOW + timedelta(seconds=1),
    }
    return StatusView.model_validate(usual | given)


FULL = """\
*prod*: at least 1,586 waiting in 5 queues; 2 workers, 4 of 6 slots busy
❌ *image_processing* 212 waiting, +3/min · no worker takes them
⚠️ image_worker: no worker is started for it
🔴 *ai_generation* 1,284 waiting, +34/min · 1 worker
↳ 8 taken, not finished · 3 for later
⏸️ *analytics* 90 waiting
↳ paused by <@U0ANA> until 03:44 UTC · at least 5,000 taken, not finished
⚪ *booking* 0 waiting · 2 workers
⚪ *adhoc* depth unknown · workers unknown
↳ not in the settings
❓ w9@b: no answer (busy or unreachable)
⚙️ priority_worker@a: 0 of 2 busy
↳ started without the paused queues
⚙️ worker1@a: 4 of 4 busy
↳ told to leave paused queues, checked every 10 s
❓ unacked of adhoc: the key was of another type
(Numbers of 03:14:00 UTC, 1 s old when shown)
[Share here] [Refresh] [Act…]"""


def test_messages_that_nobody_takes_come_first() -> None:
    """Then what is missing, then queues worst first, then workers, then what is unknown."""
    full = view(
        queues=(
            line("image_processing", 212, net_per_minute=3.0, consumers=0),
            line("ai_generation", 1284, net_per_minute=34.0, unacked=8, scheduled=3, backed_up=True),
            line("analytics", 90, unacked=5000, unacked_at_least=True, consumers=0, pause=mitigation()),
            line("booking", 0, consumers=2),
            line("adhoc", None, declared=False, net_per_minute=None, scheduled=None, consumers=None),
        ),
        orphaned=("image_processing",),
        workers=(
            Worker(name="worker1@a", slots=4, active=BUSY),
            Worker(name="priority_worker@a", slots=2, active=()),
            Worker(name="w9@b", answered=False),
        ),
        unknown=(Unknown(what="unacked of adhoc", why="the key was of another type"),),
        protection={"worker1@a": Protection.CANCELLED, "priority_worker@a": Protection.STARTED_WITHOUT},
        missing_groups=("image_worker",),
    )
    assert read(status_message(full)) == FULL


def test_orphaned_beside_a_silent_worker_is_a_maybe() -> None:
    """The silent worker could be the one that takes them."""
    shown = read(status_message(view(queues=(line("images", 9, consumers=None),), orphaned=("images",))))
    assert "❓ *images* 9 waiting · perhaps no worker takes them" in shown


def test_what_keeps_tasks_back_is_said() -> None:
    """An empty queue whose messages are set aside was not worked off; a rate limit slows one that fills."""
    limit = mitigation(kind=RATE, target="stories.generate", rate="10/m")
    full = view(queues=(line("analytics", 0, set_aside=1297),), limits=(limit,))
    said = read(status_message(full))
    assert "📦 1,297 set aside (`/celery archives`)" in said
    assert "🐢 stories.generate is limited to 10 a minute on each worker until 03:44 UTC by <@U0ANA>" in said


def test_silent_worker_is_told_once() -> None:
    """Its own line says it; others who are unknown say why, without their name again."""
    silent = (Worker(name="w9@b", answered=False),)
    gone = Unknown(what="w1@a", why="w1@a answered before and has left the broker: stopped, or reconnecting")
    shown = read(status_message(view(workers=silent, unknown=(Unknown(what="w9@b", why="w9@b did not answer"), gone))))
    assert shown.count("w9@b") == 1
    assert "❓ w1@a: answered before and has left the broker: stopped, or reconnecting" in shown


def test_empty_queue_has_no_trend() -> None:
    """What is empty neither grows nor drains, whatever the last minute was like."""
    shown = read(status_message(view(queues=(line("images", 0, net_per_minute=-691.0),))))
    assert "⚪ *images* 0 waiting · 1 worker" in shown


def test_dead_broker_gets_a_clear_answer() -> None:
    """No queue at nought, no worker down: just not known, and why."""
    why = "The broker of `prod` cannot be read: connection refused (waited 1.0 s)."
    message = status_message(view(trouble=why, workers=(), taken_at=None))
    assert read(message) == f"🔴 {why}\n[Refresh]"
    assert message.text == f"🔴 {why}"


def test_no_worker_at_all_is_said_in_words() -> None:
    """An empty list would look like nothing to report."""
    assert "❌ No worker answers. Nothing is being worked on." in read(status_message(view(workers=())))


def test_shared_status_has_no_buttons() -> None:
    """What all see is not one person's to refresh."""
    assert not buttons(status_message(view(), shared=True).blocks)


def test_frozen_and_observe_are_said() -> None:
    """Whoever looks at a cluster learns what the bot may do there."""
    shown = read(status_message(view(frozen=True, mode=Mode.OBSERVE)))
    assert "❄️ Executions are frozen. `/celery unfreeze` ends that." in shown
    assert "👀 Observe mode: the bot changes nothing here." in shown


def test_worker_that_did_not_say_everything() -> None:
    """Unknown is never nought."""
    half = (Worker(name="a", slots=4), Worker(name="b", active=BUSY), Worker(name="c"))
    shown = read(status_message(view(workers=half)))
    assert "⚙️ a: 4 slots, how many are busy is unknown" in shown
    assert "⚙️ b: 4 busy, pool size unknown" in shown
    assert "⚙️ c: slots unknown" in shown


def test_a_status_says_who_has_the_plugin_and_that_it_keeps_a_worker_from_a_paused_queue() -> None:
    """Below the workers; and what it does for one, below that one."""
    plugin = Plugin(version="0.1.0", left_out=("analytics",))
    workers = (Worker(name="w1@a", slots=2, active=(), plugin=plugin), Worker(name="w2@a", slots=2, active=()))
    shown = read(status_message(view(workers=workers, protection={"w1@a": Protection.PLUGIN})))
    assert "⚙️ w1@a: 0 of 2 busy\n↳ started without the paused queues, by its worker plugin" in shown
    assert "🔌 Worker plugin 0.1.0: on w1@a; not on 1 other" in shown


def test_hundreds_of_queues_are_counted() -> None:
    """Sixty lines, then a number."""
    many = tuple(line(f"q{i}", 1) for i in range(200))
    assert "… and 140 more" in read(status_message(view(queues=many)))
