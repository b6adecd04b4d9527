"""Forms where Slack, the cluster or the bot itself is slow: nothing waits for three seconds, and nothing is lost."""

import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from bot.adapters.clusters import ConfiguredClusters
from bot.domain.approval import RequestState
from bot.domain.cluster import ClusterSnapshot, ClusterSpec, QueueSpec
from playground.slack import LocalSlack, Person
from tests.slack.incoming import calls
from tests.slack.office import CHANNEL, Office, backed_up, until
from tests.slack.running import bot_of
from tests.slack.test_asking import last_whisper, requests_of
from tests.slack.test_forms import field as asked
from tests.slack.test_forms import open_view, values
from tests.usecases.world import SPEC, SetClock, SimulatedCluster


@dataclass
class SlowCluster(SimulatedCluster):
    """A cluster that is looked at no further while `held` is set."""

    held: bool = False
    asked: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def snapshot(self, deadline: float = 2.0) -> ClusterSnapshot:
        """Count once it may."""
        if self.held:
            self.asked.set()
            assert self.let_go.wait(30)
        return super().snapshot(deadline)


def slow(place: Office) -> SlowCluster:
    """Put a slow cluster into the office."""
    quick = backed_up()
    place.cluster = cluster = SlowCluster(
        quick.clock, depths_=quick.depths_, consuming=quick.consuming, running=quick.running
    )
    return cluster


async def test_a_slow_cluster_is_waited_for_in_the_open(slack: LocalSlack, place: Office) -> None:
    """The form gives way to a view that says so, within Slack's three seconds; the preview takes its place."""
    cluster = slow(place)
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause", CHANNEL)
        form = await open_view(ana, "Pause queue", containing="For how long")
        cluster.held = True
        answer = await ana.submit(form["id"], values(form, queue="analytics"))
        assert answer["response_action"] == "update"
        await open_view(ana, "celery-oncall", containing="Looking at the cluster")
        cluster.let_go.set()
        preview = await open_view(ana, "Pause queue", containing="Nothing has happened yet")
        assert preview["id"] == form["id"]
        await ana.submit(preview["id"], {})
        await until(lambda: place.dispatcher.sent)


async def test_a_slow_cluster_that_refuses_gives_the_form_back(slack: LocalSlack, place: Office) -> None:
    """With what was wrong above it, and all that was typed."""
    cluster = slow(place)
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery resume", CHANNEL)
        form = await open_view(ana, "Resume queue", containing="Queue")
        cluster.held = True
        await ana.submit(form["id"], values(form, queue="analytics", reason="why not"))
        await open_view(ana, "celery-oncall", containing="Looking at the cluster")
        cluster.down = True
        cluster.let_go.set()
        again = await open_view(ana, "Resume queue", containing="cannot be read")
        assert asked(again, "reason")["element"]["initial_value"] == "why not"


async def test_a_form_closed_while_the_cluster_is_looked_at_leaves_its_draft_as_a_message(
    slack: LocalSlack, place: Office
) -> None:
    """What was asked for is shown where it was asked, to that person alone."""
    cluster = slow(place)
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause", CHANNEL)
        form = await open_view(ana, "Pause queue", containing="For how long")
        cluster.held = True
        await ana.submit(form["id"], values(form, queue="analytics"))
        waiting = await open_view(ana, "celery-oncall", containing="Looking at the cluster")
        await ana.close_view(waiting["id"])
        cluster.let_go.set()
        draft = await last_whisper(ana, containing="submit_draft")
        await ana.click(draft, "submit_draft")
        await until(lambda: place.dispatcher.sent)


async def test_a_slow_slack_opens_the_form_before_anything_else_is_asked_of_it(
    slack: LocalSlack, place: Office
) -> None:
    """Two calls in a row would be too late for Slack's leave; who is on call is read once the view stands."""
    async with bot_of(slack, place), Person(slack.url, "U0DORA") as dora:
        await until(lambda: calls(slack, "usergroups.users.list"))
        slack.faults.slow_api_seconds = 1.6
        await dora.command("/celery pause", CHANNEL)
        await open_view(dora, "celery-oncall", containing="on-call list")
        slack.faults.slow_api_seconds = 0.0
        assert len(calls(slack, "views.open")) == 1


async def test_where_slack_gives_no_time_a_button_opens_the_form(slack: LocalSlack, place: Office) -> None:
    """The leave was over before it was used."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        slack.faults.expire_triggers = True
        await ana.command("/celery purge", CHANNEL)
        told = await last_whisper(ana, containing="no time to open the form")
        slack.faults.expire_triggers = False
        await ana.click(told, "fill")
        await open_view(ana, "Purge queue", containing="Only of this task")


async def test_a_form_that_was_written_down_before_a_crash_is_answered_after_it(
    slack: LocalSlack, place: Office
) -> None:
    """Its view is gone by then, so the preview comes as a message; nothing is drafted twice."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause", CHANNEL)
        form = await open_view(ana, "Pause queue", containing="For how long")
    sent: dict[str, Any] = {
        "type": "view_submission",
        "trigger_id": "9.9.crash",
        "user": {"id": "U0ANA", "name": "ana"},
        "team": {"id": "T0LOCAL"},
        "api_app_id": "A0ONCALL",
        "view": {**form, "state": {"values": _state(form, queue="analytics", seconds="20m")}},
    }
    with ports.store.write() as tx:
        tx.inbox.record("view:9.9.crash", "view", sent, datetime.now(UTC))
    async with Person(slack.url, "U0ANA") as ana:
        await ana.close_view(form["id"])
        async with bot_of(slack, place, ports=ports):
            draft = await last_whisper(ana, containing="submit_draft")
            assert "for 20 min" in str(draft["blocks"])
            assert len(requests_of(ports, RequestState.DRAFT)) == 1


def _state(form: dict[str, Any], **typed: str) -> dict[str, Any]:
    """Return what Slack sends of these fields."""
    found = {}
    for name, value in typed.items():
        block = asked(form, name)
        select = block["element"]["type"] == "static_select"
        said = {"selected_option": {"value": value}} if select else {"value": value}
        found[block["block_id"]] = {block["element"]["action_id"]: {"type": block["element"]["type"], **said}}
    return found


async def test_another_cluster_has_other_names(slack: LocalSlack, place: Office) -> None:
    """What was typed stays; a queue that the other cluster does not have does not."""
    staging = ClusterSpec(name="staging", queues=(QueueSpec(name="reports", importance=2),))
    other = SimulatedCluster(SetClock(), depths_={"reports": 3}, consuming={"worker9@b": {"reports"}})
    clusters = ConfiguredClusters(
        {"prod": SPEC, "staging": staging}, {"prod": place.cluster, "staging": other}, {CHANNEL: "prod"}
    )
    ports = replace(place.ports(), clusters=clusters)
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause", CHANNEL)
        form = await open_view(ana, "Pause queue", containing="For how long")
        typed = values(form, queue="analytics", seconds="45m")
        await ana.click({"view_id": form["id"]}, "form_cluster", value="staging", values=typed)
        moved = await open_view(ana, "Pause queue", containing="reports")
        assert "initial_option" not in asked(moved, "queue")["element"]
        assert asked(moved, "seconds")["element"]["initial_value"] == "45m"
        await ana.submit(moved["id"], values(moved, queue="reports"))
        preview = await open_view(ana, "Pause queue", containing="reports for 45 min on staging")
        await ana.submit(preview["id"], {})
        await until(lambda: requests_of(ports, RequestState.APPROVED))
