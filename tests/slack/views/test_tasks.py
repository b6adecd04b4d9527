"""`/celery tasks`, `task` and `failures`, read as they stand on a narrow screen."""

from dataclasses import replace

from bot.domain.broker import TaskPlace
from bot.domain.live import Phase
from bot.domain.views import Age, FailuresView, TasksView, TaskView
from bot.domain.window import Figures, Gap, TaskFigures
from bot.slack.views.failures import failures_message
from bot.slack.views.task import task_message
from bot.slack.views.tasks import tasks_message
from tests.slack.views.live_samples import (
    AGE,
    BLIND,
    CAUSE,
    DEAF,
    FAILURES,
    FEED,
    GAP,
    ID,
    ONE_TASK,
    TASK,
    TASKS,
    TRACE,
    ago,
)
from tests.slack.views.reading import buttons, read
from tests.slack.views.samples import NOW

ALL = """\
*prod*: last 15 min: 1,734 ended, 99.94 % completed
❌ *shop.booking.create*: 1,234 ended, 99.91 % completed
↳ 1 failed · 3 retried · 2 revoked · half within ~710 ms, 95 % ~4.5 s
⚪ *shop.mail.send* 500 completed · half within ~9 ms, 95 % ~10 ms
⚪ *shop.report.build*: none ended
↳ 2 received · 1 begun
(The completion rate counts tasks that ended: succeeded against failed and lost. An attempt that is tried \
again is no end; revoked and rejected tasks are left out.
~ is read from a histogram: it may be off by up to a third.
One closely: `/celery tasks <name>`
Numbers of 03:13:56 UTC, 4 s old when shown)
[Share here] [Refresh]"""

ONE = """\
*prod*: *shop.booking.create*, last 15 min: 1,234 ended, 99.91 % completed
❌ *shop.booking.create* on booking: 1,234 ended, 99.91 % completed
↳ 1 failed · 3 retried · 2 revoked · half within ~710 ms, 95 % ~4.5 s · 1,300 received · 1,250 begun
↳ waited: half within ~45 ms, 95 % ~50 ms
*Running when workers last answered, longest first (1)*
• on worker1@a, begun 1 min 5 s ago `7d1c4a52-93f0-4d5e-8f5e-1c1f0c2b7a10`
*Failures by cause*
• ConnectionError × 12, last 40 s ago: <!channel> the `payment` host did not answer
(The completion rate counts tasks that ended: succeeded against failed and lost. An attempt that is tried \
again is no end; revoked and rejected tasks are left out.
~ is read from a histogram: it may be off by up to a third.
Numbers of 03:13:56 UTC, 4 s old when shown)
[Share here] [Refresh]"""

CAUSES = """\
*prod*: *shop.booking.create*, last 1 h: 12 failed
❌ *shop.booking.create* (booking) ConnectionError × 12
↳ last 40 s ago on worker1@a: <!channel> the `payment` host did not answer
↳ `/celery task 7d1c4a52-93f0-4d5e-8f5e-1c1f0c2b7a10`
```Traceback (most recent call last):
  File "shop.py", line 7, in create
ConnectionError: no answer```
(Numbers of 03:13:56 UTC, 4 s old when shown)
[Share here] [Refresh]"""


def task(**changed: object) -> str:
    """Return what is shown of one task."""
    return read(task_message(TASK.model_copy(update=changed)))


def test_tasks_stand_worst_first_with_how_they_ended() -> None:
    """Completion is cut and never rounded up; below, what went wrong and how long it took, and once what counts."""
    assert read(tasks_message(TASKS)) == ALL


def test_one_task_is_shown_with_waits_causes_and_what_runs_now() -> None:
    """Everything that is asked next."""
    assert read(tasks_message(ONE_TASK)) == ONE


def test_one_name_on_two_queues_is_one_line_until_it_is_asked_for() -> None:
    """Then each says its queue; an unknown one is called that."""
    twice = (TaskFigures("a", "x", Figures(succeeded=1)), TaskFigures("a", None, Figures(succeeded=2)))
    assert "⚪ *a* 3 completed" in read(tasks_message(TASKS.model_copy(update={"tasks": twice})))
    shown = read(tasks_message(TASKS.model_copy(update={"tasks": twice, "name": "a"})))
    assert "⚪ *a* on x: 1 ended" in shown
    assert "⚪ *a* on an unknown queue: 2 ended" in shown


def test_one_failure_in_a_million_is_not_all() -> None:
    """Rounded, it would be 100 %."""
    one = TaskFigures("a", "x", Figures(succeeded=999_999, lost=1))
    shown = read(tasks_message(TASKS.model_copy(update={"tasks": (one,)})))
    assert "❌ *a*: 1,000,000 ended, 99.99 % completed\n↳ 1 lost" in shown


def test_missed_events_are_told_where_the_counts_stand() -> None:
    """Before the numbers that lack them, and when it was at the bottom."""
    doubt = AGE.model_copy(update={"doubt": "events were missed for 12 s: the connection broke"})
    shown = read(tasks_message(TASKS.model_copy(update={"gaps": (GAP,), "age": doubt})))
    assert (
        "⚠️ Events were missed for 12 s: the connection broke. Read the counts as “at least”.\n❌ *shop.booking" in shown
    )
    assert "Missed from 03:09:00 UTC for 12 s\n" in shown
    lasting = Gap(since=ago(seconds=30), until=None, why="nobody listens", missed=7)
    many = (GAP, *(replace(GAP, since=ago(minutes=n)) for n in range(6, 9)), lasting)
    shown = read(tasks_message(TASKS.model_copy(update={"gaps": many, "age": doubt})))
    assert "(Missed since 03:13:30 UTC, still, 7 tasks unheard: nobody listens\n" in shown
    assert "… and 2 more gaps" in shown


def test_window_that_is_shorter_than_its_span_says_so() -> None:
    """A bot that was just started has not watched for a quarter of an hour."""
    shown = read(tasks_message(TASKS.model_copy(update={"since": ago(minutes=3)})))
    assert shown.startswith("*prod*: last 3 min, watching since 03:11 UTC: 1,734 ended")


def test_when_no_events_arrive_the_last_figures_stand_with_their_age() -> None:
    """Why none arrive comes first."""
    shown = read(tasks_message(TASKS.model_copy(update={"feed": DEAF, "age": BLIND})))
    assert shown.startswith(
        "🔴 Events of tasks are not heard now: the connection was refused.\n"
        "What is still known, as of 03:12:50 UTC (1 min 10 s ago):\n*prod*: last 15 min: 1,734 ended"
    )


def test_no_task_heard_of_is_no_success() -> None:
    """An empty window is no 100 %."""
    view = TasksView(cluster="prod", age=AGE, span=TASKS.span, since=TASKS.since, feed=FEED)
    shown = read(tasks_message(view))
    assert shown.startswith("*prod*: last 15 min: none ended\nNo task was heard of.")
    assert "%" not in shown


def test_failures_of_one_task_come_with_the_last_traceback() -> None:
    """What failed, how often, where last, and how to look at that one."""
    assert read(failures_message(FAILURES.model_copy(update={"alone": True}), task="shop.booking.create")) == CAUSES


def test_failures_of_all_tasks_are_two_lines_each() -> None:
    """Tracebacks would push the next cause off the screen."""
    shown = read(failures_message(FAILURES))
    assert "cause is not known" not in shown
    more = read(failures_message(FAILURES.model_copy(update={"failed": FAILURES.failed + 4})))
    assert "Of 4 more the cause is not known: it was forgotten." in more
    assert "↳ last 40 s ago on worker1@a: <!channel> the `payment` host did not answer\n(With tracebacks:" in shown
    assert "Traceback" not in shown


def test_long_traceback_keeps_its_end() -> None:
    """The end says what went wrong."""
    frames = "".join(f'  File "deep.py", line {n}, in call\n' for n in range(200))
    group = replace(CAUSE, traceback=f"Traceback (most recent call last):\n{frames}ValueError: ``` <!channel>")
    made = failures_message(FAILURES.model_copy(update={"groups": (group,), "alone": True}))
    (text,) = (b["text"]["text"] for b in made.blocks if "deep.py" in str(b))
    assert text.startswith('```…\n  File "deep.py", line 1')
    assert text.endswith("ValueError: ''' &lt;!channel&gt;```")
    assert len(text) < 1200


def test_no_failure_is_as_far_as_was_heard() -> None:
    """And causes that are kept no more are not none."""
    empty = FailuresView(cluster="prod", age=AGE, span=FAILURES.span, since=FAILURES.since, feed=FEED)
    assert "✅ Nothing failed, as far as was heard." in read(failures_message(empty))
    forgotten = read(failures_message(empty.model_copy(update={"failed": 3})))
    assert "Why these 3 failed is not known any more" in forgotten
    assert f"Which tasks failed: `/celery tasks {FAILURES.span.value}`" in forgotten
    deaf = Age(now=NOW, trouble="not connected")
    assert "✅" not in read(failures_message(empty.model_copy(update={"age": deaf, "feed": DEAF})))


def test_task_that_failed_is_shown_with_its_history() -> None:
    """What was heard of it, how long it ran, its exception, harmless."""
    assert task() == (
        f"*prod*: *shop.booking.create* failed `{ID}`\n"
        "❌ Heard last: failed on worker1@a, 40 s ago\n"
        "Received 03:13:10 UTC → begun 03:13:15 UTC → failed 03:13:20 UTC\n"
        "Queue booking · ran 5 s · retried once\n"
        "Stored result: FAILURE: no answer\n"
        "```ConnectionError(''''<!channel>')```\n"
        "(Numbers of 03:13:56 UTC, 4 s old when shown)\n"
        "[Share here] [Refresh]"
    )


def test_task_in_the_cluster_says_where_it_is_first() -> None:
    """What was found now beats what was heard."""
    running = replace(TRACE, phase=Phase.RUNNING, ended_at=None, exception=None, runtime=None, retries=0)
    place = TaskPlace(id=ID, place="runs on worker1@a")
    shown = task(trace=running, place=place)
    assert f"`{ID}`\n*Runs on worker1@a*\nHeard last: running on worker1@a for 45 s\n" in shown


def test_unknown_task_is_told_from_one_that_was_not_looked_for() -> None:
    """Nowhere found is no proof when not everything was searched."""
    nowhere = TaskPlace(id="shop.booking.create", place=None)
    shown = task(trace=None, place=nowhere, id="shop.booking.create")
    assert shown.startswith(
        "*prod*: nothing known of `shop.booking.create`\n❓ Nothing was heard of it, and it is in no"
    )
    assert "If that is a task's name: `/celery tasks shop.booking.create`" in shown
    partly = nowhere.model_copy(update={"searched_all": False, "unsearched": ("the end of bulk",)})
    assert "⚠️ Not everything was searched, so it may still be somewhere: the end of bulk" in task(
        trace=None, place=partly
    )
    only_result = nowhere.model_copy(update={"result_state": "SUCCESS"})
    assert "only its result is stored.\nStored result: SUCCESS\n" in task(trace=None, place=only_result)


def test_task_is_told_of_also_where_the_broker_cannot_be_read() -> None:
    """What was heard of it stands, with how old it is."""
    blind = Age(now=NOW, trouble="The broker of `prod` cannot be read: refused.")
    shown = task(age=blind, place=None)
    assert "What is still known, as of 03:13:20 UTC (40 s ago):" in shown
    assert "❌ Heard last: failed on worker1@a" in shown
    nothing = read(task_message(TaskView(cluster="prod", age=blind, id=ID)))
    assert "Nothing was known before either." in nothing


def test_buttons_carry_what_was_asked() -> None:
    """The window, too."""
    assert _values(tasks_message(TASKS)) == {"tasks prod 15m"}
    assert _values(tasks_message(ONE_TASK)) == {"tasks prod/shop.booking.create 15m"}
    assert _values(failures_message(FAILURES, task="a.*")) == {"failures prod/a.* 1h"}
    assert _values(task_message(TASK)) == {f"task prod/{ID}"}
    assert _values(tasks_message(ONE_TASK.model_copy(update={"name": "x" * 3000}))) == set()


def _values(made: object) -> set[str]:
    return {b["value"] for b in buttons(made.blocks).values()}  # type: ignore[attr-defined]  # a message
