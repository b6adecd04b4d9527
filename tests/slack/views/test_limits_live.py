"""Whatever workers and brokers say, Slack takes the views of the live cluster, and nothing in them acts."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.views import CheckView, FailuresView, QueuesView, TargetsView, TasksView, TaskView, WorkersView
from bot.slack.views.check import check_message, checks_message
from bot.slack.views.failures import failures_message
from bot.slack.views.message import Message
from bot.slack.views.queues import queues_message
from bot.slack.views.targets import targets_message
from bot.slack.views.task import task_message
from bot.slack.views.tasks import tasks_message
from bot.slack.views.worker_details import workers_message
from tests.slack.views import hostile, hostile_live
from tests.slack.views.test_limits import holds, often


def holds_with_its_age(made: Message) -> None:
    """Check a view against Slack's limits; however much it holds, it ends in how old that is."""
    holds(made)
    foot = [b["elements"][0]["text"] for b in made.blocks if b["type"] == "context"][-1]
    assert foot.endswith((" old when shown", "Not counted yet."))


@often
@given(hostile_live.queues_views, st.booleans())
def test_queues_hold(view: QueuesView, shared: bool) -> None:
    """Queues of any name and number, alone or all."""
    holds_with_its_age(queues_message(view, shared=shared))


@often
@given(hostile_live.workers_views, st.booleans())
def test_workers_hold(view: WorkersView, shared: bool) -> None:
    """Workers that call themselves anything."""
    holds_with_its_age(workers_message(view, shared=shared))


@often
@given(hostile_live.tasks_views, st.booleans())
def test_tasks_hold(view: TasksView, shared: bool) -> None:
    """Tasks of any name, figures of any size."""
    holds_with_its_age(tasks_message(view, shared=shared))


@often
@given(hostile_live.task_views, st.booleans())
def test_single_tasks_hold(view: TaskView, shared: bool) -> None:
    """Exceptions and ids of any text."""
    holds_with_its_age(task_message(view, shared=shared))


@often
@given(hostile_live.failures_views, hostile.maybe(hostile.text), st.booleans())
def test_failures_hold(view: FailuresView, task: str | None, shared: bool) -> None:
    """Tracebacks that try to end their block."""
    holds_with_its_age(failures_message(view, task=task, shared=shared))


@often
@given(hostile_live.check_views, hostile.many(st.tuples(hostile.text, hostile.text)), st.booleans())
def test_checks_hold(view: CheckView, words: tuple[tuple[str, str], ...], shared: bool) -> None:
    """Tables of any form, parameters of any text."""
    holds_with_its_age(check_message(view, words, shared=shared))


@often
@given(hostile_live.failures_views, hostile_live.check_views, hostile_live.task_views)
def test_nobody_is_mentioned_by_what_a_task_or_a_server_says(
    failures: FailuresView, check: CheckView, task: TaskView
) -> None:
    """An exception that says `<@U0EVIL>` wakes nobody."""
    for made in (failures_message(failures), check_message(check, ()), task_message(task)):
        assert "<@" not in made.text
        assert not [said for said in _spoken(made.blocks) if "<@" in said]


def _spoken(part: Any) -> list[str]:
    """Return every text that Slack reads as markup."""
    if isinstance(part, dict):
        here = [part["text"]] if part.get("type") == "mrkdwn" else []
        return here + [said for value in part.values() for said in _spoken(value)]
    return [said for value in part for said in _spoken(value)] if isinstance(part, list | tuple) else []


@often
@given(hostile.text, st.dictionaries(hostile.text, hostile.text, max_size=200))
def test_lists_of_checks_hold(cluster: str, titles: dict[str, str]) -> None:
    """More checks than anybody will write."""
    holds(checks_message(cluster, titles))


@often
@given(hostile_live.targets_views, st.booleans())
def test_targets_hold(view: TargetsView, shared: bool) -> None:
    """Targets of any name, readings of any size."""
    holds_with_its_age(targets_message(view, shared=shared))
