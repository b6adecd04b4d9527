"""Live numbers for incidents: read in the background, one incident at a time, and as often as wanted at most."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from bot.adapters.clusters import ConfiguredClusters
from bot.domain.alert import Alert, AlertStatus
from bot.domain.cluster import ClusterSnapshot
from bot.domain.incident import IncidentState
from bot.ports import Ports
from bot.slack.executors import Executors
from bot.slack.refreshes import Refreshes
from bot.usecases import alerts
from tests.slack.office import CHANNEL, Office, backed_up, until
from tests.slack.views.samples import execution
from tests.usecases.world import SPEC, SimulatedCluster


class HeldCluster(SimulatedCluster):
    """A cluster whose counting a test holds back."""

    def hold(self) -> None:
        """Hold back from now on, and count how many ask at once."""
        self.go = threading.Event()
        self.inside, self.most = 0, 0

    def snapshot(self, deadline: float = 2.0) -> ClusterSnapshot:
        """Count when the test says so."""
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.go.wait(10)
        self.inside -= 1
        return super().snapshot(deadline)


def held(place: Office) -> tuple[Ports, HeldCluster]:
    """Return ports whose cluster is held back."""
    usual = backed_up()
    cluster = HeldCluster(usual.clock, usual.depths_, usual.consuming, usual.running)
    cluster.hold()
    return replace(place.ports(), clusters=ConfiguredClusters({"prod": SPEC}, {"prod": cluster}, {})), cluster


def opened(ports: Ports, number: int = 1) -> str:
    """Open an incident and return its id."""
    alert = Alert(
        status=AlertStatus.FIRING,
        name=f"QueueDepth{number}",
        title="t",
        channel=CHANNEL,
        ts=f"{1795354585 + number}.000100",
        sender="B0ALERT",
        key=f"k{number}",
        values=("ai_generation",),
    )
    incident = alerts.receive(ports, alert).incident
    assert incident is not None
    return incident.id


@asynccontextmanager
async def refreshing(ports: Ports, shown: Any = lambda: None) -> AsyncIterator[Refreshes]:
    """Refreshes at work."""
    executors = Executors()
    refreshes = Refreshes(ports, executors, shown)
    try:
        yield refreshes
    finally:
        await refreshes.close()
        await executors.close()


async def test_wishes_during_a_refresh_count_as_one_more(place: Office) -> None:
    """Ten wishes while numbers are being read lead to one more reading, not to ten."""
    ports, cluster = held(place)
    incident = opened(ports)
    async with refreshing(ports) as refreshes:
        refreshes.want(incident)
        await until(lambda: cluster.inside)
        for _ in range(10):
            refreshes.want(incident)
        cluster.go.set()
        await until(lambda: cluster.counted == 2)
        await asyncio.sleep(0.1)
    assert cluster.counted == 2


async def test_a_storm_of_incidents_does_not_take_all_threads(place: Office) -> None:
    """Twenty incidents want numbers at once: they are read one after the other."""
    ports, cluster = held(place)
    found = [opened(ports, n) for n in range(20)]
    async with refreshing(ports) as refreshes:
        for incident in found:
            refreshes.want(incident)
        await until(lambda: cluster.inside)
        cluster.go.set()
        await until(lambda: cluster.counted == 20)
    assert cluster.most == 1


async def test_all_open_incidents_are_refreshed_and_no_others(place: Office) -> None:
    """What is over is left in peace."""
    ports, cluster = held(place)
    cluster.go.set()
    one, other = opened(ports, 1), opened(ports, 2)
    with ports.store.write() as tx:
        over = tx.incidents.get(other)
        tx.incidents.save(over.model_copy(update={"state": IncidentState.RESOLVED}))
    done: list[None] = []
    async with refreshing(ports, lambda: done.append(None)) as refreshes:
        await refreshes.all_open()
        await until(lambda: done)
    assert cluster.counted == 1
    with ports.store.read() as tx:
        assert [r.depth for r in tx.runs.find(incident_id=one)] == [1284]


async def test_what_was_acted_on_is_refreshed_at_once_and_only_once(place: Office) -> None:
    """Right after a pause the old numbers would say that nothing came of it."""
    ports, cluster = held(place)
    cluster.go.set()
    acted, other = opened(ports, 1), opened(ports, 2)
    async with refreshing(ports) as refreshes:
        for incident in (acted, other):
            refreshes.want(incident)
        await until(lambda: numbers_of(ports, acted) == numbers_of(ports, other) == [1284])
        cluster.depths_["ai_generation"] = 900
        cluster.clock.pass_time(seconds=2)
        with ports.store.write() as tx:
            tx.executions.add(execution(incident_id=acted, ended_at=cluster.clock.now(), request_id=None))
        cluster.clock.pass_time(seconds=1)
        await refreshes.acted_on()
        await until(lambda: numbers_of(ports, acted) == [900])
        counted = cluster.counted
        await refreshes.acted_on()
        await asyncio.sleep(0.1)
    assert numbers_of(ports, other) == [1284]
    assert cluster.counted == counted


async def test_a_new_alert_does_not_wait_for_all_that_are_open(place: Office) -> None:
    """With twenty open incidents and a slow cluster, a new one has its numbers after one other, not after twenty."""
    ports, cluster = held(place)
    for number in range(20):
        opened(ports, number)
    new: str
    seen: list[bool] = []
    async with refreshing(ports, lambda: seen.append(bool(numbers_of(ports, new)))) as refreshes:
        everyone = asyncio.create_task(refreshes.all_open())
        await until(lambda: cluster.inside)
        new = opened(ports, 99)
        refreshes.want(new)
        cluster.go.set()
        await everyone
    assert (seen[:2], len(seen)) == ([False, True], 21)


def numbers_of(ports: Ports, incident: str) -> list[int | None]:
    """Return what depth an incident's run knows, once it knows one."""
    with ports.store.read() as tx:
        return [r.depth for r in tx.runs.find(incident_id=incident) if r.depth is not None]


async def test_an_incident_that_does_not_exist_disturbs_no_other(place: Office) -> None:
    """A made-up id is logged; the next incident is refreshed."""
    ports, cluster = held(place)
    cluster.go.set()
    async with refreshing(ports) as refreshes:
        refreshes.want("inc-999")
        refreshes.want(opened(ports))
        await until(lambda: cluster.counted == 1)
