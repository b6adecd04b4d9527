"""Where targets stand: hysteresis, what proves an alert, and that nothing unknown becomes one."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.standing import UNKNOWN_AFTER, UNWATCHED, next_state, pointed_to
from bot.domain.targets import Measure, Reading, Standing, TargetSpec, TargetState

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
STEP = timedelta(seconds=10)
COMPLETION = TargetSpec(name="completion", measure=Measure.COMPLETION, target=0.999, alert=0.995)
DEPTH = TargetSpec(name="depth", measure=Measure.QUEUE_DEPTH, target=100, alert=500)
MET, MISSED, ALERT, UNKNOWN = Standing.MET, Standing.MISSED, Standing.ALERT, Standing.UNKNOWN


def reading(value: float | None, few: str | None = None) -> Reading:
    """Return a reading."""
    return Reading(at=NOW, value=value, few=few, why=None if value is not None else "nothing ended")


def history(
    values: list[float | None], spec: TargetSpec = DEPTH, start: Standing = MET, step: timedelta = STEP
) -> list[TargetState]:
    """Return the states after each of these values, one every ten seconds."""
    state, found = TargetState(standing=start, since=NOW, read_at=NOW), []
    for i, value in enumerate(values, start=1):
        state = next_state(state, spec, reading(value), NOW + i * step)
        found.append(state)
    return found


def standings(values: list[float | None], **more: object) -> list[Standing]:
    """Return where a target stands after each value."""
    return [s.standing for s in history(values, **more)]  # type: ignore[arg-type]


def changes(stands: list[Standing], start: Standing) -> int:
    """Return how often a standing changed."""
    return sum(a is not b for a, b in zip([start, *stands], stands, strict=False))


def test_an_alert_takes_half_a_minute_of_readings() -> None:
    """One deep queue at one moment wakes nobody; 30 s of it do, and since then the alert stands."""
    states = history([600.0] * 4)
    assert [s.standing for s in states] == [MET, MET, MET, ALERT]
    assert (states[0].leaning, states[0].leaning_since) == (ALERT, NOW + STEP)
    assert (states[-1].since, states[-1].leaning) == (NOW + 4 * STEP, None)


def test_a_reading_that_points_nowhere_else_begins_the_wait_anew() -> None:
    """Three spikes in a minute are three spikes."""
    assert set(standings([600.0, 600.0, 50.0] * 10)) == {MET}


def test_what_alternates_between_two_bad_zones_is_bad_all_the_same() -> None:
    """Of missed and alert in turn, the milder one is reached."""
    found = standings([600.0, 200.0] * 6)
    assert found[3] is MISSED
    assert ALERT not in found


def test_an_alert_ends_only_past_a_margin_and_after_a_minute() -> None:
    """From 500 it takes 460 or less, a tenth of the way to the target; 470 is still an alert."""
    assert set(standings([470.0] * 20, start=ALERT)) == {ALERT}
    assert standings([460.0] * 7, start=ALERT) == [ALERT] * 6 + [MISSED]
    assert standings([50.0] * 7, start=ALERT) == [ALERT] * 6 + [MET]


def test_a_missed_target_is_met_again_past_its_margin() -> None:
    """Of a target with little room beyond it, the margin is a share of the room: 99.91 % will do for 99.9 %."""
    assert set(standings([95.0] * 20, start=MISSED)) == {MISSED}
    assert standings([90.0] * 7, start=MISSED)[-1] is MET
    assert standings([0.9991] * 7, spec=COMPLETION, start=MISSED)[-1] is MET
    perfect = COMPLETION.model_copy(update={"target": 1.0})
    assert standings([1.0] * 7, spec=perfect, start=MISSED)[-1] is MET
    empty = DEPTH.model_copy(update={"target": 0.0})
    assert standings([0.0] * 7, spec=empty, start=MISSED)[-1] is MET


def test_a_value_at_its_limit_is_on_its_good_side() -> None:
    """Exactly 500 messages are no alert above 500, and exactly 99.5 % is not below it."""
    assert pointed_to(DEPTH, reading(500), MET) is MISSED
    assert pointed_to(DEPTH, reading(501), MET) is ALERT
    assert pointed_to(COMPLETION, reading(0.995), MET) is MISSED
    assert pointed_to(COMPLETION, reading(0.9949), MET) is ALERT


def test_too_few_tasks_prove_no_alert() -> None:
    """One failure among three misses the target, which is true, and raises nothing."""
    assert pointed_to(COMPLETION, reading(2 / 3, few="1 of 3 tasks"), MET) is MISSED
    assert pointed_to(COMPLETION, reading(2 / 3, few="1 of 3 tasks"), ALERT) is ALERT
    assert pointed_to(COMPLETION, reading(2 / 3), MET) is ALERT


def test_limits_of_the_reading_go_before_those_of_the_target() -> None:
    """A queue with a limit of its own is held against that."""
    own = Reading(at=NOW, value=60.0, of="booking", target=10.0, alert=50.0)
    assert pointed_to(DEPTH, own, MET) is ALERT
    assert pointed_to(DEPTH, own.model_copy(update={"target": None, "alert": None}), MET) is MET


def test_an_unknown_value_keeps_the_standing_for_a_while_and_never_alerts() -> None:
    """A broker that restarts ends no alert; after five minutes nobody knows any more. The last value is kept."""
    last = UNKNOWN_AFTER // STEP
    for start in (MET, MISSED, ALERT):
        states = history([None] * (last + 5), start=start)
        assert [s.standing for s in states[: last - 1]] == [start] * (last - 1)
        assert states[-1].standing is UNKNOWN
    kept = history([42.0, None])[-1]
    assert kept.reading is not None
    assert (kept.reading.value, kept.read_at) == (42.0, NOW + 2 * STEP)


def test_of_what_was_unknown_good_news_is_believed_at_once_and_bad_news_after_a_wait() -> None:
    """A bot that starts says "met" with its first reading, and cries wolf with none."""
    assert standings([50.0], start=UNKNOWN) == [MET]
    assert standings([600.0] * 4, start=UNKNOWN) == [UNKNOWN] * 3 + [ALERT]


def test_time_in_which_nobody_looked_is_no_time_that_a_value_was_held() -> None:
    """Two bad readings an hour apart, with the bot down in between, are no hour of bad readings."""
    leaning = history([600.0])[-1]
    later = next_state(leaning, DEPTH, reading(600.0), NOW + timedelta(hours=1))
    assert (later.standing, later.leaning_since) == (MET, NOW + timedelta(hours=1))
    soon = next_state(leaning, DEPTH, reading(600.0), NOW + UNWATCHED)
    assert soon.standing is ALERT


def test_what_nobody_has_read_for_long_is_unknown_at_once() -> None:
    """After a restart, an old standing without a reading is not shown as if it still held."""
    state = TargetState(standing=MET, since=NOW, read_at=NOW)
    assert next_state(state, DEPTH, reading(None), NOW + timedelta(hours=1)).standing is UNKNOWN


def runs(low: float, high: float) -> st.SearchStrategy[list[float]]:
    """Values that stay for a while, from one reading to two minutes, and then jump."""
    held = st.tuples(st.floats(low, high), st.integers(1, 12))
    return st.lists(held, min_size=1, max_size=12).map(lambda some: [v for v, n in some for _ in range(n)])


@given(runs(461, 539), st.sampled_from([MISSED, ALERT]))
def test_a_value_that_jitters_about_the_alert_does_not_flap(values: list[float], start: Standing) -> None:
    """However long it stays on either side, within the margin the standing changes once at most."""
    assert changes(standings(list(values), start=start), start) <= 1


@given(runs(91, 109), st.sampled_from([MET, MISSED]))
def test_a_value_that_jitters_about_the_target_does_not_flap(values: list[float], start: Standing) -> None:
    """The same at the target, whose margin is a share of the room below it."""
    assert changes(standings(list(values), start=start), start) <= 1


@given(st.lists(st.one_of(st.none(), st.floats(0, 1000)), min_size=1, max_size=120), st.sampled_from(list(Standing)))
def test_whatever_comes_a_change_rests_on_readings_that_point_there(
    values: list[float | None], start: Standing
) -> None:
    """A worse standing follows three readings at least as bad, a better one six past the margin; none is a surprise."""
    states = [TargetState(standing=start, since=NOW, read_at=NOW), *history(values, start=start)]
    order = [MET, MISSED, ALERT]
    for i in range(1, len(states)):
        before, after = states[i - 1].standing, states[i].standing
        if after is before or UNKNOWN in (before, after):
            continue
        wanted = 3 if order.index(after) > order.index(before) else 6
        since = [pointed_to(DEPTH, reading(v), before) for v in values[max(0, i - 1 - wanted) : i]]
        assert len(since) == wanted + 1
        if wanted == 3:
            assert all(s is not UNKNOWN and order.index(s) >= order.index(after) for s in since)
        else:
            assert all(s is not UNKNOWN and order.index(s) <= order.index(after) for s in since)
