"""A bot that keeps working while Slack, the network or a cluster does not."""

import asyncio
import json
import time
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from slack_sdk.signature import SignatureVerifier

from bot.adapters.clusters import ConfiguredClusters
from bot.domain.card import CardKind
from bot.domain.cluster import ClusterSnapshot
from bot.domain.errors import BadInput
from bot.slack.app import SlackShell
from bot.web.server import WebServer
from playground.slack import LocalSlack, Person, Webhook
from tests.slack.incoming import alert, incidents, thread
from tests.slack.office import CHANNEL, FailingStore, Office, until
from tests.slack.running import bot_of, config_of
from tests.usecases.world import SPEC, SimulatedCluster


class SlowCluster(SimulatedCluster):
    """A cluster that takes its time to be counted."""

    seconds = 1.5

    def snapshot(self, deadline: float = 2.0) -> ClusterSnapshot:
        """Count, late."""
        time.sleep(self.seconds)
        return super().snapshot(deadline)


async def test_slow_counting_does_not_hold_up_clicks(slack: LocalSlack, place: Office) -> None:
    """While ten people wait for a status of a slow cluster, and incidents are refreshed, a click is done at once."""
    ports = place.ports()
    slow = SlowCluster(place.cluster.clock, place.cluster.depths_, place.cluster.consuming, place.cluster.running)
    ports = replace(ports, clusters=ConfiguredClusters({"prod": SPEC}, {"prod": slow}, {}))
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana, Person(slack.url, "U0BEN") as ben:
        for name in ("A", "B", "C"):
            await Webhook(slack.url).post(alert(name=name))
        (card,) = await until(lambda: thread(ana))
        await asyncio.gather(*(ben.command("/celery status", CHANNEL) for _ in range(10)))
        begun = time.monotonic()
        await ana.click(card, "own")
        await until(lambda: any(i.owner for i in incidents(ports)))
        assert time.monotonic() - begun < 1.0


async def test_a_slow_slack_does_not_make_events_late(slack: LocalSlack, place: Office) -> None:
    """With half a second for every call, alerts are still acknowledged in time and answered."""
    slack.faults.slow_api_seconds = 0.5
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        for n in range(5):
            await Webhook(slack.url).post(alert(name=f"Alert{n}"))
        await until(lambda: len(incidents(ports)) == 5, timeout=5)
        await until(lambda: thread(ana, 4), timeout=20)
    assert slack.backend.events.lost == []


async def test_a_dropped_socket_comes_back_and_misses_nothing(slack: LocalSlack, place: Office) -> None:
    """Cut without a word in the middle of things: the bot reconnects, and alerts meanwhile are answered."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        slack.faults.drop_sockets()
        await until(lambda: slack.backend.sockets.live, timeout=30)
        await Webhook(slack.url).post(alert())
        await until(lambda: thread(ana))


async def test_a_refreshed_socket_loses_nothing(slack: LocalSlack, place: Office) -> None:
    """Slack asks to reconnect every few hours: alerts posted around that are all answered."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports):
        for n in range(6):
            if n == 3:
                slack.faults.refresh_sockets()
            await Webhook(slack.url).post(alert(name=f"Alert{n}"))
        await until(lambda: len(incidents(ports)) == 6)
    assert slack.backend.events.lost == []


async def test_a_bot_that_starts_during_an_outage_connects_when_it_ends(slack: LocalSlack, place: Office) -> None:
    """It goes on trying, minds its clusters meanwhile, and says that it is not ready."""
    ports = place.ports()
    slack.faults.go_offline(2.0)
    shell = SlackShell(ports, config_of(slack))
    running = asyncio.create_task(shell.run())
    await until(lambda: ports.samples.of("prod", "ai_generation"))
    assert (await shell.readiness())["slack"] == "not connected"

    async def ready() -> bool:
        return not any((await shell.readiness()).values())

    await until(ready, timeout=20)
    await shell.close()
    await running


async def test_a_bot_can_be_ended_while_it_waits_for_slack(slack: LocalSlack, place: Office) -> None:
    """Closing does not wait for the end of an outage."""
    slack.faults.go_offline(60.0)
    shell = SlackShell(place.ports(), config_of(slack))
    running = asyncio.create_task(shell.run())
    await asyncio.sleep(0.2)
    await shell.close()
    await asyncio.wait_for(running, 5)


async def test_a_wrong_token_ends_the_start_in_words(slack: LocalSlack, place: Office) -> None:
    """A token Slack does not know is named by the setting it came from."""
    shell = SlackShell(place.ports(), config_of(slack, bot_token="xoxb-wrong"))
    with pytest.raises(BadInput, match="SLACK_BOT_TOKEN"):
        await shell.run()


async def test_readiness_says_that_the_database_is_away(slack: LocalSlack, place: Office) -> None:
    """Each part has its own word."""
    ports = place.ports()
    store = FailingStore(place.stores[0])
    async with bot_of(slack, place, ports=replace(ports, store=store)) as shell:
        assert await shell.readiness() == {"slack": "", "database": ""}
        store.fail_reads = True
        assert "disk is full" in (await shell.readiness())["database"]
        store.fail_reads = False


async def test_the_lease_passes_on_at_once_when_a_bot_ends_in_good_order(slack: LocalSlack, place: Office) -> None:
    """A bot that is restarted need not wait for its own old lease."""
    async with bot_of(slack, place):
        pass
    async with bot_of(slack, place, ports=place.ports("bot-2")), Person(slack.url, "U0ANA") as ana:
        begun = time.monotonic()
        await Webhook(slack.url).post(alert())
        await until(lambda: thread(ana))
        assert time.monotonic() - begun < 3


async def test_a_channel_that_the_bot_joins_late_hears_what_was_kept_from_it(slack: LocalSlack, place: Office) -> None:
    """What could not be posted before the bot was invited is posted then."""
    ports = place.ports()
    slack.workspace.channel(CHANNEL).members.remove("U0BOT")
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery freeze", CHANNEL)

        def given_up() -> bool:
            with ports.store.read() as tx:
                return any(c.dead for c in tx.cards.of_kind(CardKind.NOTICE))

        await until(given_up)
        await ana.command("/invite @celery-oncall", CHANNEL)

        async def said() -> bool:
            return any("froze executions" in m["text"] for m in await ana.messages(CHANNEL))

        await until(said)


SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


def _signed(body: str, at: int) -> dict[str, str]:
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=str(at), body=body)
    return {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": str(at),
        "X-Slack-Signature": signature or "",
        "X-Slack-Retry-Num": "0",
    }


async def test_slack_may_call_by_http_if_it_signs(slack: LocalSlack, place: Office) -> None:
    """Without an app token events come to `/slack/events`; what is not signed, or signed long ago, is refused."""
    ports = place.ports()
    async with (
        Person(slack.url, "U0ANA") as ana,
        bot_of(slack, place, ports=ports, app_token="", signing_secret=SECRET) as shell,
        aiohttp.ClientSession() as session,
    ):
        server = WebServer(shell.readiness, slack=shell.http)
        await server.start()
        url = f"http://127.0.0.1:{server.port}/slack/events"
        await Webhook(slack.url).post(alert())
        (message,) = await ana.messages(CHANNEL)
        event: dict[str, Any] = {**message, "channel": CHANNEL}
        body = json.dumps({"type": "event_callback", "event_id": "Ev1", "team_id": "T0LOCAL", "event": event})
        now = int(time.time())
        refused = {**_signed(body, now), "X-Slack-Signature": "v0=0"}
        for headers in (refused, _signed(body, now - 600)):
            async with session.post(url, data=body, headers=headers) as answer:
                assert answer.status == 401
        assert incidents(ports) == []
        for _ in range(2):
            async with session.post(url, data=body, headers=_signed(body, now)) as answer:
                assert answer.status == 200
        await until(lambda: thread(ana))
        await server.close()
    assert len(incidents(ports)) == 1
