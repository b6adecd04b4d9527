"""`/celery targets`, read as it stands on a narrow screen."""

import pytest

from bot.domain.targets import Measure, Quality, Standing
from bot.domain.views import Age, TargetLine, TargetsView
from bot.slack.views.targets import amount, targets_message
from tests.slack.views.live_samples import AGE, TARGETS, ago, target
from tests.slack.views.reading import buttons, read
from tests.slack.views.samples import NOW

ALL = """\
*prod*: 4 targets: 1 in alert (completion), 1 missed (depth), 1 unknown, 1 met
🔴 *completion* 99.2 % (wanted > 99.9 %, alert < 99.5 %)
↳ alert since 02:59 UTC · most failures: shop.booking.create · last 15 min · 7,938 DPMO, at most 9,419 (95 % \
sure) · ≥ 3.8σ supported (n = 12,345)
⚠️ *depth* 312 (wanted < 100, alert > 500)
↳ missed since 02:59 UTC · worst: ai_generation
❓ *memory* unknown: no worker says how large it is (wanted < 2 GB, alert > 3 GB)
↳ unknown since 02:59 UTC
✅ *booking* 4.2 s (wanted < 5 s, alert > 10 s)
↳ met since 02:59 UTC · worst: shop.booking.create · 95 % stay below it, last 15 min · n = 310
Forecasts of booking: median error 1.2 min over 14, 9 of 10 within 4.0 min
Forecasts of reports: none could be held against what happened yet
(The completion rate counts tasks that ended: succeeded against failed and lost. An attempt that is tried \
again is no end; revoked and rejected tasks are left out.
Numbers of 03:13:56 UTC, 4 s old when shown)
[Share here] [Refresh]"""


def one(line: TargetLine) -> str:
    """Return what is shown of one target."""
    return read(targets_message(TargetsView(cluster="prod", age=AGE, targets=(line,))))


def completion(**reading: object) -> TargetLine:
    """Return the completion rate, met."""
    return target("completion", Measure.COMPLETION, 0.999, 0.995, Standing.MET, **reading)


def test_targets_stand_worst_first_with_value_limits_and_proof() -> None:
    """Below them how far forecasts may be trusted, and once what counts."""
    assert read(targets_message(TARGETS)) == ALL


def test_no_sigma_is_claimed_of_too_few_tasks() -> None:
    """Twelve tasks without a failure prove next to nothing, and the bound says so."""
    few = completion(value=1.0, n=1, quality=Quality(n=1, defects=0, dpmo=0.0, dpmo_upper=950_000.0, sigma=None))
    assert "0 DPMO, at most 950,000 (95 % sure) · too few tasks for a sigma level (n = 1)" in one(few)


def test_rounding_claims_nothing() -> None:
    """The bound goes up, the level down, and not all is 100 %."""
    many = completion(
        value=0.9999999,
        n=10_000_000,
        quality=Quality(n=10_000_000, defects=1, dpmo=0.1, dpmo_upper=0.4744, sigma=6.4999),
    )
    shown = one(many)
    assert "*completion* 99.99 %" in shown
    assert "at most 0.5 (95 % sure) · ≥ 6.4σ supported (n = 10,000,000)" in shown


def test_limits_of_the_worst_queue_stand_in_place_of_the_targets_own() -> None:
    """A queue with a limit of its own is held against that."""
    depth = target("depth", Measure.QUEUE_DEPTH, 100, 500, Standing.MET)
    own = depth.reading.model_copy(update={"value": 900, "of": "bulk", "target": 1000, "alert": 5000})
    depth = depth.model_copy(update={"reading": own})
    assert "✅ *depth* 900 (wanted < 1,000, alert > 5,000)\n↳ met since 02:59 UTC · worst: bulk" in one(depth)


def test_estimates_gaps_and_leanings_are_told() -> None:
    """Each reading says how sure it is, each state where it is going."""
    line = target(
        "latency",
        Measure.QUEUE_LATENCY,
        0.1,
        0.5,
        Standing.MET,
        value=0.62,
        estimated="from depth and rate",
        incomplete="events were missed for 12 s",
        few="2 of 9 tasks prove no alert yet",
    )
    leaning = line.state.model_copy(update={"leaning": Standing.ALERT, "leaning_since": ago(seconds=20)})
    assert one(line.model_copy(update={"state": leaning})).splitlines()[1:4] == [
        "⚠️ *latency* about 620 ms (wanted < 100 ms, alert > 500 ms)",
        "↳ met since 02:59 UTC, but reads alert since 03:13 UTC · 95 % stay below it, last 15 min",
        "↳ ⚠️ 2 of 9 tasks prove no alert yet; estimated: from depth and rate; events were missed for 12 s",
    ]


def test_what_is_missing_everywhere_is_told_once() -> None:
    """Above all targets; below one stands only what it lacks itself."""
    doubt = "Events were missed for about 12 s: the connection broke."
    line = completion(value=1.0, n=9, incomplete=f"{doubt} 3 tasks whose queue is not known are left out.")
    age = AGE.model_copy(update={"doubt": doubt})
    shown = read(targets_message(TargetsView(cluster="prod", age=age, targets=(line,))))
    assert shown.count("the connection broke") == 1
    assert "↳ ⚠️ 3 tasks whose queue is not known are left out\n" in shown


def test_standings_outlive_a_broker_that_cannot_be_read() -> None:
    """As of the last reading."""
    line = completion(why="the broker cannot be read")
    read_before = line.model_copy(update={"state": line.state.model_copy(update={"read_at": ago(seconds=70)})})
    view = TargetsView(cluster="prod", age=Age(now=NOW, trouble="The broker is gone."), targets=(read_before,))
    shown = read(targets_message(view))
    assert shown.startswith("🔴 The broker is gone.\nWhat is still known, as of 03:12:50 UTC (1 min 10 s ago):")
    assert "✅ *completion* unknown: the broker cannot be read" in shown


def test_no_targets_is_said() -> None:
    """And nothing about how they count."""
    shown = read(targets_message(TargetsView(cluster="prod", age=AGE)))
    assert shown.startswith("*prod*: no targets\nNo targets are configured.\n(Numbers")


@pytest.mark.parametrize(
    ("measure", "value", "said"),
    [
        (Measure.COMPLETION, 0.99999, "99.99 %"),
        (Measure.COMPLETION, 1.0, "100 %"),
        (Measure.QUEUE_LATENCY, 0.0123, "12 ms"),
        (Measure.TASK_DURATION, 65.4, "1 min 5 s"),
        (Measure.WORKER_MEMORY, 1.4 * (1 << 30), "1.4 GB"),
        (Measure.QUEUE_DEPTH, 12345.0, "12,345"),
    ],
)
def test_values_have_their_unit(measure: Measure, value: float, said: str) -> None:
    """As people say them."""
    assert amount(measure, value) == said


def test_buttons_carry_what_was_asked() -> None:
    """The cluster is all there is to it."""
    assert {b["value"] for b in buttons(targets_message(TARGETS).blocks).values()} == {"targets prod"}
