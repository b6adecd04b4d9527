"""What the checks of queues, of what is unacknowledged, and of results say, level by level."""

from datetime import timedelta
from typing import Any

import pytest

from bot.checks.consumers import Consumers
from bot.checks.late_etas import LateEtas
from bot.checks.old_results import OldResults
from bot.checks.orphans import Orphans
from bot.checks.queue_depths import QueueDepths
from bot.checks.queue_latency import QueueLatency
from bot.domain.broker import OldestMessage, Postponed, StoredResults, UnacknowledgedMessages
from bot.domain.cluster import Queue, Worker
from bot.domain.errors import UnknownName
from bot.domain.forecast import DepthSample
from bot.domain.live import Presence
from bot.domain.run import Level
from bot.domain.window import Gap
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
    worker,
)
from tests.usecases.world import KeptSamples

SILENT = Worker(name="worker2@a", answered=False)
DEEP = snapshot(
    queues=(Queue(name="analytics", depth=9), Queue(name="booking", depth=700), Queue(name="lost", depth=None))
)


def steady(depth: int, *, per_sample: int = 10) -> list[DepthSample]:
    """Return five minutes of a queue that stays so deep while so many tasks begin every five seconds."""
    return [DepthSample(at=ago(seconds=300 - 5 * i), depth=depth, started=per_sample * i) for i in range(61)]


# --- depths and the oldest message ---


def test_depths_are_listed_above_their_limit_first_with_the_stamped_age() -> None:
    """A stamp in the message tells its age; what could not be counted is named."""
    stamped = {"booking": OldestMessage(queue="booking", task="t", task_id="1", age=75.0)}
    found = Asking(QueueDepths(), DEEP)(target(FakeDiagnostics(oldest_=stamped)))
    assert (found.level, found.sentence) == (Level.WARN, "Above their limit: booking 700.")
    assert cells(found) == [("booking", "700", "75 s"), ("analytics", "9", "?")]
    assert found.values["oldest"] == {"booking": 75.0}
    assert found.unknown == (
        "lost could not be counted.",
        "Age of the oldest message unknown in analytics: no time stamp on its messages, and too little history yet.",
    )
    assert found.estimated is None


def test_oldest_message_without_a_stamp_is_estimated_from_the_history_and_said_to_be() -> None:
    """100 wait and two begin a second: the oldest came in 50 s ago, about."""
    samples = KeptSamples(kept={"booking": steady(100)})
    looked = snapshot(queues=(Queue(name="booking", depth=100),))
    found = Asking(QueueDepths(), looked)(target(FakeDiagnostics(oldest_={}), samples=samples))
    assert found.values["oldest"]["booking"] == pytest.approx(50, abs=5)
    assert cells(found)[0][2].startswith("~")
    assert found.estimated is not None


def test_depths_are_shown_when_the_oldest_messages_cannot_be_read() -> None:
    """One question that fails does not take the others with it."""
    found = Asking(QueueDepths(), DEEP)(target(FakeDiagnostics(error=DEAD)))
    assert found.level is Level.WARN
    assert found.unknown[1] == f"The oldest messages could not be read: {DEAD}"


# --- consumers ---


def test_queue_that_nobody_consumes_says_which_workers_to_start() -> None:
    """By the configured group, where one consumes it."""
    looked = snapshot(worker("priority@a"), queues=(Queue(name="analytics", depth=9), Queue(name="booking", depth=0)))
    found = Asking(Consumers(), looked)(target())
    assert (found.level, found.sentence) == (Level.BAD, "No worker consumes analytics (9 waiting). Start worker*.")
    assert cells(found) == [("analytics", "9", "nobody"), ("booking", "0", "priority")]
    unknown_queue = snapshot(worker("priority@a"), queues=(Queue(name="image_processing", depth=3),))
    assert Asking(Consumers(), unknown_queue)(target()).sentence.endswith("Start a worker with `-Q image_processing`.")


def test_queue_may_be_consumed_by_a_worker_that_is_silent() -> None:
    """So nothing is claimed, and who to look at is said."""
    looked = snapshot(SILENT, queues=(Queue(name="analytics", depth=9),))
    found = Asking(Consumers(), looked)(target())
    assert found.level is Level.UNKNOWN
    assert found.sentence == "No worker that answers consumes analytics (9 waiting). Look at worker2@a first."
    assert found.unknown == ("worker2@a did not say what it consumes (busy or unreachable).",)


def test_empty_queue_without_a_consumer_is_a_warning_and_all_consumed_is_well() -> None:
    """What waits nowhere is not urgent."""
    looked = snapshot(worker("w@a"), queues=(Queue(name="analytics", depth=0), Queue(name="booking", depth=5)))
    assert Asking(Consumers(), looked)(target()).level is Level.WARN
    well = snapshot(worker("w@a"))
    assert Asking(Consumers(), well)(target()).sentence == "Every queue has a consumer."


# --- latency ---


@pytest.mark.parametrize(
    ("seconds", "level", "sentence"),
    [
        (0.05, Level.OK, "Longest wait: 95 % of tasks begin within "),
        (0.3, Level.WARN, "95 % of tasks begin within "),
        (2.0, Level.BAD, "95 % of tasks begin within "),
    ],
)
def test_latency_is_measured_where_task_sent_events_tell(seconds: float, level: Level, sentence: str) -> None:
    """Against 100 ms and 500 ms; how many waited longer is counted."""
    live = FakeLive((figures("shop.book", waits=(seconds,) * 40),))
    found = Asking(QueueLatency(), snapshot())(target(live=live))
    assert found.level is level
    assert found.sentence.startswith(sentence)
    assert "(n = 40)" in found.sentence
    assert found.estimated is None
    assert ("40 tasks waited longer" in found.sentence) is (level is not Level.OK)


def test_latency_is_else_estimated_from_depths_and_said_to_be() -> None:
    """100 wait and two begin a second: about 50 s."""
    samples = KeptSamples(kept={"booking": steady(100)})
    found = Asking(QueueLatency(), snapshot())(target(samples=samples))
    assert found.level is Level.BAD
    assert found.values["p95"] == pytest.approx(50, abs=6)
    assert found.estimated is not None
    assert found.estimated.startswith("~, ≥ and ≤ come from depths and starts")
    assert cells(found)[0][2] == "estimated"


def test_latency_of_an_empty_queue_is_a_bound_that_proves_no_fault() -> None:
    """Less than the time between two samples: it may be too long, and may not."""
    samples = KeptSamples(kept={"booking": steady(0)})
    found = Asking(QueueLatency(), snapshot())(target(samples=samples))
    assert found.level is Level.UNKNOWN
    assert found.sentence.startswith(
        "95 % of tasks begin within at most 5 s in booking; whether that is more than 100 ms"
    )
    assert Asking(QueueLatency(), snapshot())(target(samples=samples), warn=6).level is Level.OK


def test_latency_that_nothing_tells_is_unknown_and_a_misspelt_queue_is_asked_about() -> None:
    """With what it would take."""
    found = Asking(QueueLatency(), snapshot())(target())
    assert found.level is Level.UNKNOWN
    assert "task_send_sent_event" in found.sentence
    with pytest.raises(UnknownName, match="Did you mean `booking`"):
        Asking(QueueLatency(), snapshot())(target(), queue="boking")


# --- what is unacknowledged ---


def taken(**given: Any) -> FakeDiagnostics:
    """Return what is unacknowledged."""
    return FakeDiagnostics(taken=UnacknowledgedMessages(at=NOW, **given))


@pytest.mark.parametrize(
    ("diagnostics", "level", "sentence"),
    [
        (
            taken(messages=(message(),)),
            Level.OK,
            "1 message taken and not acknowledged, each held by a worker.",
        ),
        (
            taken(messages=(message(),), orphans=(message(),)),
            Level.BAD,
            "1 message taken by a worker that is gone. Redis hands them out again 1 h after they were taken",
        ),
        (
            taken(messages=(message(),), orphans=(message(),), uncertain=True, why_uncertain="worker2@a is silent"),
            Level.WARN,
            "1 message taken by nobody who answers: by a worker that is gone, or by a silent one.",
        ),
        (
            taken(messages=(message(),), uncertain=True, why_uncertain="worker2@a is silent"),
            Level.UNKNOWN,
            "1 message taken; whether a worker holds each of them cannot be told now.",
        ),
        (
            taken(held=(message("1"), message("2")), held_at_most=1),
            Level.WARN,
            "1 message more than rate limits can hold back: left behind by a worker that is gone",
        ),
    ],
    ids=["none", "orphan", "orphan or a silent worker's", "uncertain", "left behind"],
)
def test_orphans_as_far_as_they_can_be_told(diagnostics: FakeDiagnostics, level: Level, sentence: str) -> None:
    """A silent worker's messages are never called orphans for certain."""
    found = Asking(Orphans())(target(diagnostics))
    assert (found.level, found.sentence[: len(sentence)]) == (level, sentence)


def test_orphans_are_uncertain_while_a_worker_that_said_goodbye_may_finish_what_it_runs() -> None:
    """It stops listening at once, and works on: its tasks are in no list, and its worker is not gone."""
    stopping = heard("worker2@a", presence=Presence.OFFLINE, active=2, seen_at=ago(minutes=3))
    live = FakeLive(heard=(stopping,))
    found = Asking(Orphans())(target(taken(messages=(message(),), orphans=(message(),)), live=live))
    assert found.level is Level.WARN
    assert "worker2@a said 3 min ago that it stops, with 2 tasks running, and may be finishing them." in found.unknown


def test_orphans_are_listed_the_longest_waiting_first() -> None:
    """And what was not looked at is said."""
    two = (message("new"), message("old", taken_at=ago(minutes=30)))
    found = Asking(Orphans())(target(taken(messages=two, orphans=two, at_least=True)))
    assert [(row[2], row[3]) for row in cells(found)] == [("30 min ago", "old"), ("1 min ago", "new")]
    assert found.unknown == ("Not all messages were looked at, but the 2 taken first.",)


def test_eta_beyond_the_visibility_timeout_is_warned_of() -> None:
    """It would run again and again: one more worker holds it after every hour."""
    late = Postponed(
        task_id="1",
        task="shop.remind",
        queue="booking",
        eta=NOW + timedelta(hours=5),
        again_at=NOW + timedelta(minutes=40),
    )
    found = Asking(LateEtas())(target(taken(messages=(message(),), postponed=(late,))))
    assert found.level is Level.BAD
    assert found.sentence.startswith("1 task due later than the visibility timeout of 1 h: each is delivered again")
    assert cells(found) == [("shop.remind", "booking", "5 h", "40 min")]


def test_etas_within_the_visibility_timeout_are_well() -> None:
    """Of as many as were looked at."""
    found = Asking(LateEtas())(target(taken(messages=(message(),), at_least=True)))
    assert found.level is Level.OK
    assert found.sentence == "No task that waits for its time waits beyond the visibility timeout of 1 h."
    assert found.unknown == ("Not all messages were looked at, but the 1 taken first.",)


# --- results ---


@pytest.mark.parametrize(
    ("given", "level", "sentence"),
    [
        ({}, Level.OK, "redis:6379/1 holds no results."),
        (
            {"n": 40, "sampled": 40, "oldest_end": 3600},
            Level.OK,
            "redis:6379/1 holds 40 results; all of them expire, the first in 1 h.",
        ),
        (
            {"n": 40, "sampled": 40, "without_end": 4, "bytes_sampled": 40 * 1024},
            Level.WARN,
            "4 of 40 results looked at in redis:6379/1 never expire (40 results in all, of about 1 KB each): set",
        ),
        (
            {"n": 2_000_000, "sampled": 1000},
            Level.BAD,
            "redis:6379/1 holds 2,000,000 results: shorten `result_expires`",
        ),
        (
            {"n": 900, "sampled": 100, "at_least": True},
            Level.OK,
            "redis:6379/1 holds at least 900 results; all of the 100",
        ),
    ],
)
def test_results_that_nobody_cleans_up(given: dict[str, Any], level: Level, sentence: str) -> None:
    """Without an end, or too many."""
    found = Asking(OldResults())(target(FakeDiagnostics(stored=StoredResults(at=NOW, backend="redis:6379/1", **given))))
    assert (found.level, found.sentence[: len(sentence)]) == (level, sentence)


def test_results_of_a_sample_are_called_an_estimate() -> None:
    """Ten of a hundred is about a hundred of a thousand."""
    stored = StoredResults(at=NOW, backend="redis:6379/1", n=1000, sampled=100, without_end=10, at_least=True)
    found = Asking(OldResults())(target(FakeDiagnostics(stored=stored)))
    assert found.estimated == "Of all, about 100 never expire, by a sample of 100."
    assert found.unknown == ("Not all results were looked at in time.",)


def test_latency_of_an_incomplete_window_is_of_at_least_so_many() -> None:
    """And what was missed is said."""
    gap = Gap(ago(minutes=3), ago(minutes=2), "the broker cut the connection")
    live = FakeLive((figures("shop.book", waits=(2.0,) * 40),), gaps=(gap,))
    found = Asking(QueueLatency(), snapshot())(target(live=live))
    assert "(n ≥ 40)" in found.sentence
    assert found.unknown == ("Events were missed for about 60 s: the broker cut the connection.",)
