"""What targets read: which tasks count, the worst queue or worker by name, and why a value is not known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.broker import WorkerMemory
from bot.domain.forecast import DepthSample
from bot.domain.hearing import doubts
from bot.domain.latency import Bound, Estimated
from bot.domain.live import Feed, TaskEvents
from bot.domain.readings import FRESH, FRESH_MEMORY, Evidence, reading_of
from bot.domain.standing import pointed_to
from bot.domain.targets import Measure, Standing, TargetSpec
from bot.domain.window import Figures, Gap, Histogram, Span, TaskFigures, Window, bucket_of

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
COMPLETION = TargetSpec(name="completion", measure=Measure.COMPLETION, target=0.999, alert=0.995)
LATENCY = TargetSpec(name="latency", measure=Measure.QUEUE_LATENCY, target=0.1, alert=0.5)
AI = TargetSpec(name="ai", measure=Measure.TASK_DURATION, target=30, alert=60, queues=("ai_*",))
MEMORY = TargetSpec(name="memory", measure=Measure.WORKER_MEMORY, target=2e9, alert=3e9)
DEPTH = TargetSpec(name="depth", measure=Measure.QUEUE_DEPTH, target=100, alert=500)


def ago(**span: float) -> datetime:
    """Return a moment before now."""
    return NOW - timedelta(**span)


def row(name: str, queue: str | None, **figures: Any) -> TaskFigures:
    """Return what was counted of one task name on one queue."""
    return TaskFigures(name, queue, Figures(**figures))


def lasting(*counts: tuple[float, int]) -> Histogram:
    """Return durations: so many of each length in seconds."""
    return Histogram({bucket_of(seconds): n for seconds, n in counts})


def evidence(*rows: TaskFigures, watched: float = 15, gaps: tuple[Gap, ...] = (), **more: Any) -> Evidence:
    """Return a window of fifteen minutes, unless it was watched for less, and what else is given."""
    return Evidence(now=NOW, window=Window(Span.QUARTER, ago(minutes=watched), NOW, rows, gaps), **more)


def test_completion_counts_ends_alone() -> None:
    """Failed and lost tasks count against it; retried attempts, revoked and rejected tasks do not count at all."""
    found = reading_of(
        COMPLETION,
        evidence(
            row("t.charge", "booking", succeeded=900, failed=8, retried=50, revoked=20, rejected=3),
            row("t.mail", "notifications", succeeded=90, lost=2, sent=500, received=400, started=300),
        ),
    )
    assert (found.value, found.n, found.of) == (990 / 1000, 1000, "t.charge")
    assert found.quality is not None
    assert (found.quality.defects, found.quality.dpmo) == (10, 10_000)
    assert (found.few, found.incomplete) == (None, None)


def test_a_pattern_says_which_tasks_count() -> None:
    """Both by queue and by name, and both must fit."""
    rows = (
        row("t.story", "ai_generation", succeeded=9, failed=1),
        row("t.story", "default", succeeded=100),
        row("t.other", "ai_generation", succeeded=100),
    )
    spec = COMPLETION.model_copy(update={"tasks": ("t.st*",), "queues": ("ai_generation",)})
    assert reading_of(spec, evidence(*rows)).value == 0.9


def test_tasks_whose_queue_is_not_known_are_left_out_and_counted() -> None:
    """They may be of the queue that is meant, so the reading says so."""
    found = reading_of(AI, evidence(row("t", "ai_x", runtime=lasting((2, 5))), row("u", None, succeeded=7)))
    assert found.incomplete == "7 tasks of an unknown queue are left out."


@pytest.mark.parametrize(
    ("failed", "ended", "proven"),
    [
        (1, 1, False),
        (1, 3, False),
        (2, 5, False),
        (3, 3, True),
        (3, 100, True),
        (3, 599, False),
        (9, 1000, False),
        (10, 1000, True),
    ],
)
def test_an_alert_of_the_completion_rate_wants_proof(failed: int, ended: int, proven: bool) -> None:
    """At least three failures, and so many that a rate of 99.5 % would hardly bring them about."""
    found = reading_of(COMPLETION, evidence(row("t", "q", succeeded=ended - failed, failed=failed)))
    assert (found.few is None) is proven
    assert (pointed_to(COMPLETION, found, Standing.MET) is Standing.ALERT) is proven


def test_words_for_too_few() -> None:
    """They say how many, and of how many; a value short of the alert needs none."""
    found = reading_of(COMPLETION, evidence(row("t", "q", succeeded=2, failed=1)))
    assert found.few == "1 of 3 tasks proves no alert yet"
    assert reading_of(COMPLETION, evidence(row("t", "q", succeeded=997, failed=3))).few is None


@given(st.integers(0, 10**6), st.integers(0, 10**4), st.integers(0, 10**4))
def test_no_failure_is_never_an_alert_and_all_of_many_always(succeeded: int, failed: int, lost: int) -> None:
    """Whatever the volume."""
    found = reading_of(COMPLETION, evidence(row("t", "q", succeeded=succeeded, failed=failed, lost=lost)))
    towards = pointed_to(COMPLETION, found, Standing.MET)
    if succeeded + failed + lost == 0:
        assert towards is Standing.UNKNOWN
    elif failed + lost == 0:
        assert towards is Standing.MET
    elif failed + lost >= max(3, 0.02 * succeeded):
        assert towards is Standing.ALERT


def test_where_nothing_ended_nothing_is_known() -> None:
    """No share of no tasks is invented; the words name the queues that are meant."""
    found = reading_of(AI, evidence(row("t.mail", "notifications", succeeded=5, runtime=lasting((1, 5)))))
    assert (found.value, found.n, found.quality) == (None, None, None)
    assert found.why == "no task of ai_* ended in the last 15 min"
    assert reading_of(COMPLETION, evidence()).why == "no task ended in the last 15 min"
    assert pointed_to(AI, found, Standing.MET) is Standing.UNKNOWN


def test_unheard_ends_are_not_no_ends() -> None:
    """A bot that hears nothing, or workers that send nothing, say so instead."""
    deaf = Feed(connected=False, trouble="connection refused")
    assert reading_of(COMPLETION, evidence(feed=deaf)).why == "no events are heard: connection refused"
    assert reading_of(LATENCY, evidence(feed=deaf)).why == "no events are heard: connection refused"
    off = {"w1@a": TaskEvents.OFF, "w2@a": TaskEvents.OFF}
    assert reading_of(COMPLETION, evidence(events=off)).why == "no worker sends task events"
    some = reading_of(COMPLETION, evidence(row("t", "q", succeeded=5), events=off | {"w3@a": TaskEvents.ON}))
    assert (some.value, some.incomplete) == (1.0, "w1@a, w2@a send no task events.")


def test_a_window_with_gaps_or_too_short_is_marked() -> None:
    """The number stands, and what it lacks stands beside it."""
    gap = Gap(ago(minutes=3), ago(minutes=2), "the connection broke", 40)
    seen = evidence(row("t", "q", succeeded=5), watched=4, gaps=(gap,))
    found = reading_of(COMPLETION, seen)
    assert found.value == 1.0
    assert found.incomplete == " ".join(doubts(seen.window, seen.feed))
    assert "The bot has listened for 4 min" in found.incomplete
    assert "40 tasks: the connection broke" in found.incomplete


def test_a_duration_is_the_quantile_of_the_worst_queue() -> None:
    """A slow queue does not vanish among the fast tasks of another; one of other queues does not count."""
    found = reading_of(
        AI,
        evidence(
            row("t.story", "ai_generation", runtime=lasting((2, 9000))),
            row("t.voice", "ai_voice", runtime=lasting((20, 50), (100, 50))),
            row("t.report", "analytics", runtime=lasting((5000, 50))),
        ),
    )
    assert (found.of, found.n) == ("ai_voice", 100)
    assert found.value is not None
    assert 80 < found.value <= 100
    assert found.quality is not None
    assert found.quality.defects == 50
    assert pointed_to(AI, found, Standing.MET) is Standing.ALERT


def test_a_few_slow_tasks_do_not_hide_a_queue_that_is_slow_for_certain() -> None:
    """One of one task in two minutes proves nothing; of two queues the one that does is shown."""
    found = reading_of(
        AI,
        evidence(
            row("a", "ai_rare", runtime=lasting((120, 1))),
            row("b", "ai_busy", runtime=lasting((80, 500))),
        ),
    )
    assert (found.of, found.few) == ("ai_busy", None)


def test_a_bucket_that_holds_the_limit_proves_nothing() -> None:
    """Of durations between 80 and 100 s nobody knows how many are above 90 s; for a claim they all are."""
    spec = AI.model_copy(update={"target": 85.0, "alert": 90.0})
    found = reading_of(spec, evidence(row("t", "ai_x", runtime=lasting((95, 400)))))
    assert found.few == "0 of 400 tasks prove no alert yet"
    assert found.quality is not None
    assert found.quality.defects == 400


def test_latency_is_measured_where_it_can_be() -> None:
    """A queue whose waits were heard needs no estimate."""
    waits = {"booking": Estimated(seconds=30, how="from depths")}
    found = reading_of(LATENCY, evidence(row("t", "booking", wait=lasting((0.05, 400))), waits=waits))
    assert (found.of, found.n, found.estimated) == ("booking", 400, None)
    assert found.value is not None
    assert found.value <= 0.05


@pytest.mark.parametrize(
    ("estimate", "value"),
    [
        (Estimated(seconds=30, how="e"), 30),
        (Estimated(seconds=1.2, how="e"), None),
        (Estimated(seconds=5, how="e", bound=Bound.AT_MOST), None),
        (Estimated(seconds=0.05, how="e", bound=Bound.AT_MOST), 0.05),
        (Estimated(seconds=0.6, how="e", bound=Bound.AT_LEAST), 0.6),
        (Estimated(seconds=0.4, how="e", bound=Bound.AT_LEAST), None),
    ],
)
def test_an_estimate_counts_only_where_it_decides(estimate: Estimated, value: float | None) -> None:
    """Samples are 5 s apart: about 1.2 s may be 50 ms, and an empty queue's "less than 5 s" is no alert."""
    found = reading_of(LATENCY, evidence(waits={"booking": estimate}))
    assert found.value == value
    assert (found.estimated == "e") is (value is not None)
    assert (found.why is None) is (value is not None)


def test_an_estimate_that_is_too_rough_is_told_in_words() -> None:
    """With the queue, and what would measure it."""
    found = reading_of(LATENCY, evidence(waits={"booking": Estimated(seconds=1.2, how="e")}))
    assert found.why == (
        "no task told when it was sent (needs task-sent events); estimates are too rough to judge: booking about 1.2 s"
    )
    heard = reading_of(
        LATENCY,
        evidence(row("t", "mail", wait=lasting((0.05, 9))), waits={"booking": Estimated(seconds=1.2, how="e")}),
    )
    assert (heard.of, heard.incomplete) == ("mail", "Other queues are too rough to judge: booking about 1.2 s.")


def test_no_queue_is_called_idle_while_ended_tasks_have_no_queue() -> None:
    """They may be its own; where every queue is known, the sentence is plain."""
    nowhere = reading_of(AI, evidence(row("u", None, succeeded=7)))
    assert (nowhere.value, nowhere.why) == (None, "no task that is known to be of ai_* ended in the last 15 min")
    assert nowhere.incomplete == "7 tasks of an unknown queue are left out."
    assert reading_of(AI, evidence(row("u", "mail", succeeded=7))).why == "no task of ai_* ended in the last 15 min"


def test_a_bot_that_just_began_to_listen_claims_no_quiet_quarter_of_an_hour() -> None:
    """It has heard of no end yet; that there was none it cannot know."""
    heard = evidence()
    begun = replace(heard, window=replace(heard.window, since=heard.window.until - timedelta(seconds=1)))
    assert reading_of(AI, begun).why == "no task of ai_* was heard to end yet"


def told(worker: str, parent: int | None, *children: int, why: str | None = None) -> WorkerMemory:
    """Return what one worker told; without children's sizes, they are not known."""
    return WorkerMemory(worker=worker, parent=parent, children=children or None, why=why)


def test_memory_is_the_worst_workers_with_its_children() -> None:
    """A parent of 300 MB with four children of 900 MB takes 3.9 GB, whatever its own size."""
    memory = {"w1": told("w1", 300_000_000, *[900_000_000] * 4), "w2": told("w2", 2_000_000_000, 1_000_000)}
    found = reading_of(MEMORY, evidence(memory=memory, memory_at=ago(seconds=20)))
    assert (found.value, found.of, found.at, found.incomplete) == (3.9e9, "w1", ago(seconds=20), None)


def test_memory_says_whose_children_are_not_counted() -> None:
    """And of whom nothing is known at all."""
    memory = {"w1": told("w1", 500, why="it runs on another host"), "w2": told("w2", None)}
    found = reading_of(MEMORY, evidence(memory=memory, memory_at=NOW))
    assert (found.value, found.of) == (500.0, "w1")
    assert found.incomplete == "Of w1 only the parent process is counted. Not known of w2."


def test_a_parents_peak_is_no_measurement_of_now() -> None:
    """Getrusage tells the highest so far: it is shown as an estimate, not as what is taken now."""
    peak = told("w1", 2_500_000_000).model_copy(update={"parent_is_peak": True})
    found = reading_of(MEMORY, evidence(memory={"w1": peak}, memory_at=NOW))
    assert (found.value, found.estimated) == (2.5e9, "the most it ever took, not what it takes now")


def test_old_memory_is_not_now() -> None:
    """It becomes unknown, with its age and why there is none newer."""
    at = ago(minutes=5)
    found = reading_of(
        MEMORY, evidence(memory={"w1": told("w1", 500)}, memory_at=at, memory_trouble="prod cannot be reached")
    )
    assert (found.value, found.at) == (None, at)
    assert found.why == "the workers' memory was last read 5 min ago: prod cannot be reached"
    assert reading_of(MEMORY, evidence()).why == "no worker has told its memory yet"
    assert reading_of(MEMORY, evidence(memory={"w": told("w", 5)}, memory_at=NOW - FRESH_MEMORY)).value == 5


def depths(**queues: int) -> dict[str, DepthSample]:
    """Return depths as they were counted just now."""
    return {queue: DepthSample(at=ago(seconds=3), depth=depth) for queue, depth in queues.items()}


def test_depth_is_the_queue_that_is_worst_by_its_own_limit() -> None:
    """60 messages where 50 are the limit are worse than 900 where 5,000 are; the target moves with the limit."""
    found = reading_of(
        DEPTH,
        evidence(depths=depths(booking=60, analytics=900, mail=40), alerts={"booking": 50, "analytics": 5000}),
    )
    assert (found.value, found.of, found.at) == (60.0, "booking", ago(seconds=3))
    assert (found.alert, found.target) == (50.0, 10.0)
    mail = reading_of(DEPTH, evidence(depths=depths(mail=40), alerts={"mail": 500}))
    assert (mail.alert, mail.target) == (None, None)


def test_old_depths_are_not_now() -> None:
    """A dead broker leaves them unknown, and says since when; one queue that was not counted is named."""
    old = {"booking": DepthSample(at=ago(minutes=4), depth=900)}
    found = reading_of(DEPTH, evidence(depths=old, trouble="prod cannot be reached: connection refused."))
    assert (found.value, found.at) == (None, ago(minutes=4))
    assert found.why == "depths were last counted 4 min ago: prod cannot be reached: connection refused."
    some = reading_of(DEPTH, evidence(depths=old | depths(mail=4)))
    assert (some.of, some.incomplete) == ("mail", "Not counted lately: booking.")
    assert reading_of(DEPTH, evidence()).why == "no depth was counted yet"
    edge = {"booking": DepthSample(at=NOW - FRESH, depth=900)}
    assert reading_of(DEPTH, evidence(depths=edge)).value == 900
