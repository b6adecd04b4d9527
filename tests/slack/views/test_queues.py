"""`/celery queues`, read as it stands on a narrow screen."""

import pytest

from bot.domain.cluster import Unknown
from bot.domain.forecast import Forecast, Prospect, Trend
from bot.domain.views import Age, QueueDetail, QueuesView
from bot.slack.views.outlook import outlook
from bot.slack.views.queues import queues_message
from tests.slack.views.live_samples import AGE, BACKED_UP, BLIND, GROWS, QUEUES, STUCK, drains, line
from tests.slack.views.reading import buttons, read
from tests.slack.views.samples import NOW, mitigation

ALL = """\
*prod*: at least 2,396 waiting in 5 queues
❌ *image_processing* 212 waiting · no worker takes them
↳ oldest 1 h 1 min
🔴 *ai_generation* 1,284 waiting, +40/min · 2 workers
↳ will not drain at this rate: 120 a minute come, 80 are done · oldest about 4 min 10 s · 8 taken, not \
finished · 3 for later
🔴 *reports* 900 waiting, -40/min · 2 workers
↳ falls below 500 in about 11 min at this rate
⚪ *booking* 0 waiting · 2 workers
⚪ *adhoc* depth unknown · workers unknown
↳ not in the settings
❓ unacked of adhoc: the key was of another type
(One closely: `/celery queues <queue>`
Numbers of 03:13:56 UTC, 4 s old when shown)
[Share here] [Refresh]"""

ONE = """\
*prod*: 🔴 *ai_generation* 1,284 waiting, +40/min · 2 workers
*Will not drain at this rate.*
Come: 120 a minute · done: 80 a minute (over the last 1 min)
Running: 4 · taken, not finished: 8
For later: 3 · held by rate limits: 2
Oldest message, `ai.generate`: about 4 min 10 s old (estimated: from how deep the queue was)
Waited for a worker: half within ~370 ms, 95 % ~1 min 36 s (4 tasks, last 15 min)
Lanes, most urgent first: 4 · 0 · 1,280 · 0
Taken by: worker1@a, worker2@a
Importance: 5 of 10
*What would change it* (about)
• With analytics paused: falls below 500 in about 11 min
• With 4 more slots: will not drain
(~ is read from a histogram: it may be off by up to a third.
Numbers of 03:13:56 UTC, 4 s old when shown)
[Share here] [Refresh]"""


def alone(detail: QueueDetail, **given: object) -> str:
    """Return what is shown of one queue."""
    return read(queues_message(QUEUES.model_copy(update={"queues": (detail,), "alone": True} | given)))


def test_queues_stand_worst_first_each_with_how_it_goes_on() -> None:
    """Two lines a queue at most: what waits and who works on it, then when it drains and what else there is."""
    assert read(queues_message(QUEUES)) == ALL


def test_one_queue_is_shown_with_all_that_bears_on_it() -> None:
    """Rates, what left the queue without being done, the oldest message, lanes, workers, and what would help."""
    assert alone(BACKED_UP) == ONE


def test_last_numbers_stand_below_what_cannot_be_read() -> None:
    """With their age in both places, and without Share: old numbers are not for all."""
    shown = read(queues_message(QUEUES.model_copy(update={"age": BLIND})))
    assert shown.startswith(
        "🔴 The broker of `prod` cannot be read: refused.\n"
        "What is still known, as of 03:12:50 UTC (1 min 10 s ago):\n"
        "*prod*: at least 2,396 waiting in 5 queues\n"
    )
    assert shown.endswith("Numbers of 03:12:50 UTC, 1 min old when shown)\n[Refresh]")


def test_cluster_that_was_never_read_shows_no_numbers() -> None:
    """None at all, rather than an empty cluster."""
    view = QueuesView(cluster="prod", age=Age(now=NOW, trouble="The broker of `prod` cannot be read: refused."))
    assert read(queues_message(view)) == (
        "🔴 The broker of `prod` cannot be read: refused.\nNothing was known before either.\n"
        "(Not counted yet.)\n[Refresh]"
    )


def test_cluster_without_queues_says_so() -> None:
    """Nothing configured and nothing seen."""
    shown = read(queues_message(QueuesView(cluster="prod", age=AGE)))
    assert shown.startswith("*prod*: 0 waiting in 0 queues")


def test_what_is_not_known_of_a_queue_is_never_a_nought() -> None:
    """Each number says that it is unknown; no forecast is made."""
    unknown = QueueDetail(line=line("adhoc", None, scheduled=None, consumers=None, importance=None, declared=False))
    shown = alone(unknown)
    assert "depth unknown · workers unknown" in shown
    assert "No forecast." in shown
    assert "Running: unknown · taken, not finished: unknown\nFor later: unknown · held by rate limits: unknown" in shown
    assert "Taken by: unknown, not every worker answered" in shown
    assert "Importance: not in the settings, so it counts as 10 of 10" in shown


def test_age_of_the_oldest_message_says_whether_it_was_measured() -> None:
    """A stamp gives it, else it is about; without either it is unknown and says why."""
    measured = BACKED_UP.model_copy(update={"oldest_estimated": None})
    assert "Oldest message, `ai.generate`: 4 min 10 s old\n" in alone(measured)
    missing = BACKED_UP.model_copy(update={"oldest_estimated": None, "oldest_age": None, "oldest": None})
    assert "Oldest message: age unknown (no message carries a stamp)" in alone(missing)


def test_unacknowledged_messages_that_were_not_all_seen_are_at_least() -> None:
    """A bounded scan gives a lower bound."""
    many = line("bulk", 3, unacked=5000, unacked_at_least=True)
    assert "taken, not finished: at least 5,000" in alone(QueueDetail(line=many))


def test_paused_queue_says_who_paused_it_and_why() -> None:
    """The reason is the first thing that people ask for."""
    held = QueueDetail(line=line("analytics", 90, consumers=0, pause=mitigation()))
    assert "⏸️ Paused by <@U0ANA> until 03:44 UTC: " in alone(held)
    assert "⏸️ *analytics* 90 waiting\n↳ paused by <@U0ANA> until 03:44 UTC" in read(
        queues_message(QUEUES.model_copy(update={"queues": (held,)}))
    )


def test_consumers_beside_a_worker_that_did_not_answer_may_be_more() -> None:
    """The silent one could take from it, too."""
    detail = BACKED_UP.model_copy(update={"line": line("ai_generation", 5, consumers=None)})
    assert "Taken by: worker1@a, worker2@a and perhaps others (not every worker answered)" in alone(detail)


def test_unknowns_of_other_queues_stay_out_of_the_way() -> None:
    """Of one queue, its own, and those of all workers."""
    unknown = (Unknown(what="unacked of adhoc", why="wrong type"), Unknown(what="workers", why="no reply in 2 s"))
    shown = alone(BACKED_UP, unknown=unknown)
    assert "adhoc" not in shown
    assert "❓ workers: no reply in 2 s" in shown


@pytest.mark.parametrize(
    ("forecast", "trend", "said"),
    [
        (drains(10.4, goal=1), GROWS, "drains in about 11 min at this rate"),
        (drains(0.3), GROWS, "falls below 500 in less than 1 min at this rate"),
        (drains(900), GROWS, "falls below 500, but not within 2 h, at this rate"),
        (STUCK, GROWS, "will not drain at this rate: 120 a minute come, 80 are done"),
        (
            STUCK,
            Trend(net_per_minute=2.5, service_per_minute=None, seconds=60),
            "will not drain at this rate: it grows by 2.5 a minute",
        ),
        (
            STUCK,
            Trend(net_per_minute=0.0, service_per_minute=None, seconds=60),
            "will not drain at this rate: it stands still",
        ),
        (Forecast(prospect=Prospect.ALREADY_BELOW, goal=500), None, "below its limit of 500"),
        (Forecast(prospect=Prospect.TOO_EARLY, goal=500), None, "no forecast yet: counted for too short a time"),
    ],
)
def test_forecast_is_a_clause_with_the_rates_it_rests_on(forecast: Forecast, trend: Trend | None, said: str) -> None:
    """No promise where only noise was measured."""
    assert outlook(forecast, trend) == said


def test_very_many_queues_are_cut_and_counted() -> None:
    """The worst ones stay, in whole lines."""
    queues = tuple(QueueDetail(line=line(f"q{n}", n, unacked=5)) for n in range(300))
    shown = read(queues_message(QUEUES.model_copy(update={"queues": queues})))
    assert "*q0*" in shown
    assert "… and 260 more" in shown


def test_buttons_carry_what_was_asked() -> None:
    """One queue is refreshed as that queue."""
    made = queues_message(QUEUES.model_copy(update={"queues": (BACKED_UP,), "alone": True}))
    assert {b["value"] for b in buttons(made.blocks).values()} == {"queues prod/ai_generation"}
    assert buttons(queues_message(QUEUES, shared=True).blocks) == {}
