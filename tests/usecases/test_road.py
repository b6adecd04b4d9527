"""The main road: an alert, its card, a pause, its verification, its end."""

import dataclasses

from bot.adapters.clusters import ConfiguredClusters
from bot.domain.action import Execution, ExecutionState
from bot.domain.alert import Alert, AlertStatus
from bot.domain.approval import Reason, Refused
from bot.domain.card import CardKind
from bot.domain.incident import Incident, IncidentState
from bot.domain.mitigation import MitigationState
from bot.domain.run import StepState
from bot.usecases import alerts, buttons, cards, incidents, runs
from bot.usecases.executions import execute
from bot.usecases.requests import Submitted
from tests.usecases.world import World


def take_up(world: World, incident_id: str, by: str = "U0ANA") -> Submitted | Refused:
    """Click on what the incident's card offers first."""
    with world.store.read() as tx:
        card = cards.incident_card(world.ports, tx, incident_id)
        (run,) = tx.runs.find(incident_id=incident_id)
    return buttons.offer(world.ports, run.id, card.offers[0].step_id, by)


def ran(world: World) -> Execution:
    """Run what was dispatched last, as the ops worker does."""
    done = execute(world.ports, world.dispatcher.sent[-1])
    assert isinstance(done, Execution), done
    return done


def test_an_alert_opens_an_incident_with_its_runbook_worked(world: World) -> None:
    """Checks have run, the one useful pause is offered with its preview, scaling shows its command."""
    incident = world.fire()
    with world.store.read() as tx:
        card = cards.incident_card(world.ports, tx, incident.id)
        wanted = {c.kind for c in tx.cards.pending(world.clock.now())}
    assert card.run is not None
    assert [(r.id, r.state) for r in card.run.results] == [
        ("workers", StepState.DONE),
        ("scale", StepState.BY_HAND),
        ("relief", StepState.DONE),
        ("pause", StepState.OFFERED),
        ("rate", StepState.DONE),
    ]
    assert "--queues=ai_generation" in (card.run.results[1].command or "")
    assert card.run.results[1].reached is False
    assert card.run.results[4].text == "Limit ai_generation with care."
    (offer,) = card.offers
    assert (offer.proposal.params["queue"], offer.alone) == ("analytics", True)
    assert card.run.suggestion is not None
    assert (card.run.suggestion.relief.frees, card.run.suggestion.relief.of) == (3, 8)
    assert {CardKind.INCIDENT, CardKind.MARK} <= wanted


def test_one_on_call_person_pauses_a_queue_of_low_importance(world: World) -> None:
    """It runs on their confirmation, is verified in the cluster, and the audit says by which policy."""
    submitted = take_up(world, world.fire().id)
    assert isinstance(submitted, Submitted)
    done = ran(world)
    assert (done.state, done.consent) == (ExecutionState.VERIFIED, "policy low")
    assert done.verdict is not None
    assert done.verdict.sentence == "2 of 2 workers stopped consuming analytics; 3 fetched tasks still run."
    assert world.cluster.calls == [("cancel", "analytics", ("worker1@a", "worker2@a"))]
    assert world.events() == [
        "incident opened",
        "consented: policy low",
        "execution started",
        "execution verified",
    ]
    with world.store.read() as tx:
        (pause,) = tx.mitigations.find(cluster="prod")
        card = cards.execution_card(world.ports, tx, done.id)
    assert (pause.state, pause.workers, pause.absent) == (
        MitigationState.IN_FORCE,
        ("worker1@a", "worker2@a"),
        ("priority@a",),
    )
    assert card.undoable


def test_a_second_tap_on_the_offer_does_nothing_and_says_whose_pause_it_is(world: World) -> None:
    """Neither before nor after the first one ran does it pause again, or prolong."""
    incident = world.fire()
    take_up(world, incident.id)
    before = take_up(world, incident.id, by="U0BEN")
    assert isinstance(before, Refused)
    assert (before.reason, before.by) == (Reason.ALREADY_DONE, "U0ANA")
    ran(world)
    with world.store.read() as tx:
        (run,) = tx.runs.find(incident_id=incident.id)
    after = buttons.offer(world.ports, run.id, "pause", "U0BEN")
    assert isinstance(after, Refused)
    assert (after.reason, after.by) == (Reason.ALREADY_DONE, "U0ANA")
    assert len(world.dispatcher.sent) == 1


def test_an_offer_that_changed_since_it_was_shown_is_not_taken_up(world: World) -> None:
    """The step may offer another queue by now; what runs is what stood on the button, or nothing."""
    incident = world.fire()
    with world.store.read() as tx:
        (run,) = tx.runs.find(incident_id=incident.id)
    shown = next(r.proposal for r in run.results if r.id == "pause" and r.proposal).digest[:12]
    other = buttons.offer(world.ports, run.id, "pause", "U0ANA", "0123456789ab")
    assert isinstance(other, Refused)
    assert (other.reason, other.detail) == (Reason.ALREADY_DONE, "no longer offered")
    assert isinstance(buttons.offer(world.ports, run.id, "pause", "U0ANA", shown), Submitted)


def test_somebody_not_on_call_is_refused(world: World) -> None:
    """The button is seen by everybody; the core asks who clicked."""
    refused = take_up(world, world.fire().id, by="U0EVE")
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NOT_ON_CALL
    assert world.dispatcher.sent == []


def test_undo_gives_the_queue_back_to_those_that_consumed_it_and_only_once(world: World) -> None:
    """Undo resumes; the pause ends, its execution is undone, and a second Undo says so."""
    take_up(world, world.fire().id)
    paused = ran(world)
    assert isinstance(buttons.undo(world.ports, paused.id, "U0BEN"), Submitted)
    resumed = ran(world)
    assert resumed.verdict is not None
    assert resumed.verdict.sentence == "2 workers consume analytics again; 40 waiting."
    assert world.cluster.calls[-1] == ("add", "analytics", ("worker1@a", "worker2@a"))
    assert "analytics" not in world.cluster.consuming["priority@a"]
    with world.store.read() as tx:
        assert tx.executions.get(paused.id).state is ExecutionState.UNDONE
        (pause,) = tx.mitigations.find(cluster="prod")
    assert pause.state is MitigationState.ENDED
    again = buttons.undo(world.ports, paused.id, "U0BEN")
    assert isinstance(again, Refused)
    assert again.reason is Reason.ALREADY_DONE


def test_a_resolve_only_mitigates_while_the_pause_is_in_force(world: World) -> None:
    """The incident is over when the alert is over and the pause has ended."""
    incident = world.fire()
    take_up(world, incident.id)
    paused = ran(world)
    world.fire("1795354700.000000", AlertStatus.RESOLVED)
    with world.store.read() as tx:
        assert tx.incidents.get(incident.id).state is IncidentState.MITIGATED
    buttons.undo(world.ports, paused.id, "U0ANA")
    ran(world)
    with world.store.read() as tx:
        assert tx.incidents.get(incident.id).state is IncidentState.RESOLVED


def test_a_dead_broker_leaves_a_card_that_says_so(world: World) -> None:
    """The alert is still answered, with what is not known and why."""
    world.cluster.down = True
    incident = world.fire()
    with world.store.read() as tx:
        card = cards.incident_card(world.ports, tx, incident.id)
    assert card.run is not None
    assert card.run.trouble is not None
    assert "connection refused" in card.run.trouble
    assert card.offers == ()


def nameless() -> Alert:
    """Return an alert that names no queue."""
    return Alert(
        status=AlertStatus.FIRING,
        name="QueueDepth",
        title="Queue Depth > 1000",
        channel="C0ONCALL",
        ts="1795354585.5",
        sender="B0ALERT",
        key="k2",
        limit=1000,
    )


def test_an_alert_without_a_queue_is_about_the_deepest_one_above_its_limit(world: World) -> None:
    """And the card says that this was guessed; nothing is guessed while no queue is backed up."""
    world.cluster.depths_["ai_generation"] = 900
    received = alerts.receive(world.ports, nameless())
    assert received.incident is not None
    runs.refresh(world.ports, received.incident.id)
    with world.store.read() as tx:
        known = tx.incidents.get(received.incident.id)
    assert (known.queue, known.queue_guessed) == ("ai_generation", True)


def test_the_first_who_has_it_is_the_owner(world: World) -> None:
    """A second "I've got it" says whose it is."""
    incident = world.fire()
    incidents.own(world.ports, incident.id, "U0ANA")
    second = incidents.own(world.ports, incident.id, "U0BEN")
    assert isinstance(second, Refused)
    assert second.by == "U0ANA"


def test_closing_by_hand_is_for_people_on_call(world: World) -> None:
    """For alerts whose sender never says that they are over."""
    incident = world.fire()
    assert isinstance(incidents.close(world.ports, incident.id, "U0EVE"), Refused)
    incidents.close(world.ports, incident.id, "U0BEN")
    with world.store.read() as tx:
        assert tx.incidents.get(incident.id).over


def test_a_step_whose_input_nobody_tells_is_skipped_and_says_so(world: World) -> None:
    """The alert names no queue and none is backed up: checks that need none have run all the same."""
    for name in world.cluster.depths_:
        world.cluster.depths_[name] = 3
    received = alerts.receive(world.ports, nameless())
    assert received.incident is not None
    runs.refresh(world.ports, received.incident.id)
    with world.store.read() as tx:
        (run,) = tx.runs.find(incident_id=received.incident.id)
    assert {r.id: r.state for r in run.results}["workers"] is StepState.DONE
    relief = run.result("relief")
    assert relief is not None
    assert (relief.state, relief.why) == (
        StepState.SKIPPED,
        "The alert does not say which queue, and nothing else does.",
    )


def test_alerts_of_two_clusters_that_look_alike_are_two_incidents(world: World) -> None:
    """Where the cluster is no group label, Alertmanager's titles share their key; a resolve ends its own cluster's."""
    specs = {name: world.ports.clusters.spec("prod").model_copy(update={"name": name}) for name in ("prod", "staging")}
    clusters = ConfiguredClusters(specs, dict.fromkeys(specs, world.cluster), {})
    ports = dataclasses.replace(world.ports, clusters=clusters)

    def received(cluster: str, ts: str, status: AlertStatus = AlertStatus.FIRING) -> Incident:
        alert = nameless().model_copy(update={"values": (cluster, "ai_generation"), "ts": ts, "status": status})
        found = alerts.receive(ports, alert).incident
        assert found is not None
        return found

    first, second = received("prod", "1795354585.1"), received("staging", "1795354585.2")
    assert (first.cluster, second.cluster) == ("prod", "staging")
    assert first.id != second.id
    assert received("staging", "1795354585.3", AlertStatus.RESOLVED).id == second.id
    with world.store.read() as tx:
        assert not tx.incidents.get(first.id).over


def test_incidents_of_one_moment_count_their_cluster_once(world: World) -> None:
    """Forty alerts at once must not mean forty times the questions; a second later it is counted anew."""
    world.fire()
    received = alerts.receive(world.ports, nameless())
    assert received.incident is not None
    runs.refresh(world.ports, received.incident.id)
    assert world.cluster.counted == 1
    world.clock.pass_time(seconds=1)
    runs.refresh(world.ports, received.incident.id)
    assert world.cluster.counted == 2


def test_incidents_of_one_moment_wait_for_a_dead_broker_once(world: World) -> None:
    """Each would wait for seconds; the others take over the answer of the first."""
    world.cluster.down = True
    world.fire()
    received = alerts.receive(world.ports, nameless())
    assert received.incident is not None
    runs.refresh(world.ports, received.incident.id)
    assert world.cluster.counted == 1
    with world.store.read() as tx:
        (run,) = tx.runs.find(incident_id=received.incident.id)
    assert run.trouble is not None
    world.cluster.down = False
    world.clock.pass_time(seconds=1)
    runs.refresh(world.ports, received.incident.id)
    with world.store.read() as tx:
        (run,) = tx.runs.find(incident_id=received.incident.id)
    assert (run.trouble, run.depth) == (None, 1284)
