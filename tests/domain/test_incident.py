"""Incidents: what each alert message means, by example and by property over every order of handling."""

from datetime import UTC, datetime
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.alert import Alert, AlertStatus, order_of
from bot.domain.incident import (
    Change,
    Incident,
    IncidentState,
    after_mitigation_ended,
    apply,
    change_of,
)

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def an_alert(ts: str, status: AlertStatus = AlertStatus.FIRING) -> Alert:
    """Return an alert message at a Slack timestamp."""
    return Alert(status=status, name="QueueDepth", title="t", channel="C1", ts=ts, sender="B1", key="k")


def opened(alert: Alert) -> Incident:
    """Return the incident that an alert opens, or the trace that a resolve before it leaves."""
    resolved = alert.status is AlertStatus.RESOLVED
    return Incident(
        id="inc-1",
        cluster="prod",
        state=IncidentState.RESOLVED if resolved else IncidentState.OPEN,
        alert=alert,
        channel="C1",
        root_ts=None if resolved else alert.ts,
        last_ts=alert.ts,
        key="k",
        opened_at=NOW,
    )


def fold(alerts: list[Alert], *, in_force: bool = False) -> list[Incident]:
    """Return the incidents after handling alerts in the given order, as the use case does."""
    incidents: list[Incident] = []
    for alert in alerts:
        latest = incidents[-1] if incidents else None
        change = change_of(latest, alert, in_force=in_force)
        if change in (Change.OPENED, Change.RESOLVED_UNSEEN):
            incidents.append(opened(alert))
        elif latest is not None:
            incidents[-1] = apply(latest, change, alert, NOW)
    return incidents


FIRST, RESOLVED = an_alert("1795354585.000100"), an_alert("1795354590.000200", AlertStatus.RESOLVED)
REPEAT, AGAIN = an_alert("1795354587.000000"), an_alert("1795354599.000000")


def test_an_alert_opens_one_incident_and_a_repeat_joins_it() -> None:
    """A repeat is recorded on the incident it repeats."""
    (incident,) = fold([FIRST, REPEAT])
    assert (incident.state, incident.root_ts, incident.repeats) == (IncidentState.OPEN, FIRST.ts, (REPEAT.ts,))


def test_resolved_handled_before_firing_ends_resolved_in_the_threads_root() -> None:
    """Slack may deliver them the wrong way round; the timestamps decide."""
    (incident,) = fold([RESOLVED, FIRST])
    assert (incident.state, incident.root_ts) == (IncidentState.RESOLVED, FIRST.ts)


def test_a_resolve_while_a_pause_is_in_force_only_mitigates() -> None:
    """It is over once nothing of ours is in force any more."""
    (incident,) = fold([FIRST, RESOLVED], in_force=True)
    assert incident.state is IncidentState.MITIGATED
    assert after_mitigation_ended(incident, others_in_force=True, now=NOW).state is IncidentState.MITIGATED
    assert after_mitigation_ended(incident, others_in_force=False, now=NOW).state is IncidentState.RESOLVED


def test_firing_again_after_a_mitigated_resolve_opens_it_again() -> None:
    """The alert came back while the pause was still in force."""
    (incident,) = fold([FIRST, RESOLVED, AGAIN], in_force=True)
    assert incident.state is IncidentState.OPEN


def test_firing_after_the_end_is_a_new_incident() -> None:
    """An incident that is over stays over."""
    first, second = fold([FIRST, RESOLVED, AGAIN])
    assert (first.state, second.state) == (IncidentState.RESOLVED, IncidentState.OPEN)


def test_the_same_message_twice_changes_nothing() -> None:
    """A redelivered message is stale."""
    assert fold([FIRST, FIRST]) == fold([FIRST])
    assert change_of(fold([RESOLVED])[0], RESOLVED, in_force=False) is Change.STALE


def test_timestamps_are_ordered_as_integers() -> None:
    """As floats these two would be equal."""
    assert order_of("1795354585.0000001") != order_of("1795354585.0000002")
    assert order_of("999.999999") < order_of("1000.000000")


def test_every_order_of_firing_and_resolve_ends_resolved() -> None:
    """Three messages of one alert end in the same state, however they are handled."""
    for order in permutations([FIRST, REPEAT, RESOLVED]):
        assert fold(list(order))[-1].state is IncidentState.RESOLVED, [a.ts for a in order]


MESSAGES = st.lists(
    st.tuples(st.integers(1, 30), st.sampled_from(list(AlertStatus))), unique_by=lambda m: m[0], min_size=1, max_size=8
)


@given(MESSAGES, st.booleans())
def test_the_newest_message_decides_whether_anything_is_open(
    messages: list[tuple[int, AlertStatus]], in_force: bool
) -> None:
    """Handled in order, one incident is open exactly when the newest message fires."""
    alerts = [an_alert(f"{1795354000 + n}.000000", status) for n, status in sorted(messages)]
    incidents = fold(alerts, in_force=in_force)
    open_now = [i for i in incidents if i.state is IncidentState.OPEN]
    assert len(open_now) == (1 if alerts[-1].status is AlertStatus.FIRING else 0)
    assert all(i.state is not IncidentState.OPEN for i in incidents[:-1])


@given(MESSAGES)
def test_no_order_of_handling_leaves_open_what_its_newest_message_resolved(
    messages: list[tuple[int, AlertStatus]],
) -> None:
    """Shuffled delivery never leaves an incident open whose alert is over."""
    alerts = [an_alert(f"{1795354000 + n}.000000", status) for n, status in messages]
    newest = max(alerts, key=lambda a: order_of(a.ts))
    incidents = fold(alerts)
    if newest.status is AlertStatus.RESOLVED:
        assert not any(i.state is IncidentState.OPEN for i in incidents)
