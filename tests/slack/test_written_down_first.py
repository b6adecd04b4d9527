"""Nothing that Slack heard we have is lost, and nothing is done twice."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.approval import RequestState
from bot.ports import InboxEntry, Ports
from playground.slack import LocalSlack, Person, Webhook
from playground.slack.errors import Refused
from tests.slack.incoming import alert, incidents, thread
from tests.slack.office import CHANNEL, REPOSITORY, FailingStore, Office, until
from tests.slack.running import bot_of


def unhandled(ports: Ports) -> list[InboxEntry]:
    """Return what is in the inbox and not handled."""
    with ports.store.read() as tx:
        return tx.inbox.unhandled(datetime.now(UTC) + timedelta(minutes=1))


async def test_a_crash_after_writing_down_and_before_answering_loses_nothing(slack: LocalSlack, place: Office) -> None:
    """The bot is killed with an alert in its inbox that Slack counts as delivered: the next one answers it, once."""
    ports = place.ports()
    arguments = [slack.api_url, slack.bot_token, slack.app_token, str(place.folder)]
    doomed = subprocess.Popen([sys.executable, "-m", "tests.slack.bot_process", *arguments], cwd=REPOSITORY)
    try:
        await until(lambda: slack.backend.sockets.live, timeout=30)
        await Webhook(slack.url).post(alert())
        await until(lambda: unhandled(ports))
    finally:
        os.kill(doomed.pid, signal.SIGKILL)
        doomed.wait(10)
    assert incidents(ports) == []
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await until(lambda: thread(ana), timeout=30)
        await until(lambda: not unhandled(ports))
        assert len(await thread(ana)) == 1
    assert len(incidents(ports)) == 1
    assert slack.backend.events.lost == []


async def test_an_event_that_cannot_be_written_down_is_not_acknowledged(slack: LocalSlack, place: Office) -> None:
    """While the database is full Slack is told nothing, so it sends the event again, and then it is handled once."""
    ports = place.ports()
    store = FailingStore(place.stores[0])
    async with bot_of(slack, place, ports=replace(ports, store=store)), Person(slack.url, "U0ANA") as ana:
        store.fail_writes = True
        await Webhook(slack.url).post(alert())
        await asyncio.sleep(1.0)
        assert await thread(ana) == []
        store.fail_writes = False
        await until(lambda: thread(ana), timeout=20)
        assert len(await thread(ana)) == 1
    assert slack.backend.events.lost == []


async def test_an_alert_waits_for_a_database_that_goes_away_after_it_was_written_down(
    slack: LocalSlack, place: Office
) -> None:
    """Acknowledged and then stuck: it is handled as soon as the database answers, once, and nobody sends it again."""
    ports = place.ports()
    store = FailingStore(place.stores[0])
    async with bot_of(slack, place, ports=replace(ports, store=store)), Person(slack.url, "U0ANA") as ana:
        store.fail_when = lambda: bool(unhandled(ports))
        await Webhook(slack.url).post(alert())
        await until(lambda: unhandled(ports))
        store.fail_when = lambda: False
        await until(lambda: thread(ana))
        await until(lambda: not unhandled(ports))
    assert len(incidents(ports)) == 1


async def test_a_command_that_cannot_be_written_down_fails_before_the_persons_eyes(
    slack: LocalSlack, place: Office
) -> None:
    """Slack never sends commands again: it tells the person that the app did not answer, and nothing is done."""
    ports = place.ports()
    store = FailingStore(place.stores[0])
    async with bot_of(slack, place, ports=replace(ports, store=store)), Person(slack.url, "U0ANA") as ana:
        store.fail_writes = True
        with pytest.raises(Refused, match="operation_timeout"):
            await ana.command("/celery freeze", CHANNEL)
        store.fail_writes = False
        assert await ana.ephemerals() == []
    with ports.store.read() as tx:
        assert tx.note("frozen") is None


async def test_one_click_that_comes_over_two_sockets_counts_once(slack: LocalSlack, place: Office) -> None:
    """Two bots on one database get the same click at the same moment: it is handled by one of them."""
    one, two = place.ports("bot-1"), place.ports("bot-2")
    async with bot_of(slack, place, ports=one), bot_of(slack, place, ports=two), Person(slack.url, "U0ANA") as ana:
        await Webhook(slack.url).post(alert())
        (card,) = await until(lambda: thread(ana))
        click = _click(card, "own", incidents(one)[0].id)
        deliver = slack.backend.sockets.deliver
        await asyncio.gather(*(deliver("interactive", click, accepts_response_payload=True) for _ in range(2)))
        await until(lambda: incidents(one)[0].owner)
        await until(lambda: not unhandled(one))
        assert await ana.ephemerals() == [], "nobody is told that it was done already"
    assert incidents(one)[0].owner == "U0ANA"


def _click(message: dict[str, Any], action: str, value: str) -> dict[str, Any]:
    where = {"message_ts": message["ts"], "channel_id": CHANNEL, "thread_ts": message["thread_ts"]}
    act = {"type": "button", "action_id": action, "value": value, "action_ts": "1700000000.000100"}
    return {
        "type": "block_actions",
        "team": {"id": "T0LOCAL"},
        "user": {"id": "U0ANA", "team_id": "T0LOCAL"},
        "trigger_id": "1.1.1",
        "container": {"type": "message", "is_ephemeral": False, **where},
        "channel": {"id": CHANNEL},
        "message": message,
        "actions": [act],
    }


async def test_a_click_that_a_crash_left_behind_is_done_by_the_next_bot(slack: LocalSlack, place: Office) -> None:
    """It was acknowledged, so the person believes that it counts: it does, though not twice."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await Webhook(slack.url).post(alert())
        (card,) = await until(lambda: thread(ana))
    click = _click(card, "own", incidents(ports)[0].id)
    with ports.store.write() as tx:
        tx.inbox.record("action:left-behind", "action", click, datetime.now(UTC))
    async with bot_of(slack, place, ports=ports):
        await until(lambda: not unhandled(ports))
    assert incidents(ports)[0].owner == "U0ANA"


async def test_what_fails_again_and_again_is_given_up_in_words(slack: LocalSlack, place: Office) -> None:
    """A click that three processes died over is not tried a fourth time; whoever clicked is told in the thread."""
    ports = place.ports()
    async with Person(slack.url, "U0ANA") as ana:
        root = await ana.say(CHANNEL, "here")
        click = _click({"ts": "1.000001", "thread_ts": root["ts"]}, "own", "inc-1")
        with ports.store.write() as tx:
            tx.inbox.record("action:cursed", "action", click, datetime.now(UTC))
            for _ in range(3):
                tx.inbox.attempt("action:cursed")
        async with bot_of(slack, place, ports=ports):
            (told,) = await until(lambda: thread(ana))
        assert "<@U0ANA>" in told["text"]
        assert "ask again" in told["text"]
    assert unhandled(ports) == []


async def test_an_alert_that_the_bot_stumbles_over_is_not_passed_over_in_silence(
    slack: LocalSlack, place: Office
) -> None:
    """Nobody asked, so nobody would miss an answer: a line below the alert says that a person must look."""
    ports = place.ports()
    async with Person(slack.url, "U0ANA") as ana:
        root = await ana.say(CHANNEL, "as if an alert")
        event = {"type": "message", "bot_id": "B0ALERT", "channel": CHANNEL, "ts": root["ts"], "text": "cursed"}
        with ports.store.write() as tx:
            tx.inbox.record("message:cursed", "event", {"type": "event_callback", "event": event}, datetime.now(UTC))
            for _ in range(3):
                tx.inbox.attempt("message:cursed")
        async with bot_of(slack, place, ports=ports):
            (told,) = await until(lambda: thread(ana))
        assert "look at it yourself" in told["text"]
    assert unhandled(ports) == []


async def test_alerts_posted_while_nobody_listened_are_found_in_the_history(slack: LocalSlack, place: Office) -> None:
    """Slack repeats events for minutes only; a bot that comes back later reads the channel's history."""
    ports = place.ports()
    async with Person(slack.url, "U0ANA") as ana:
        await Webhook(slack.url).post(alert(name="BeforeWeCame"))
        await until(lambda: slack.backend.events.lost)
        async with bot_of(slack, place, ports=ports):
            await Webhook(slack.url).post(alert(name="Seen"))
            await until(lambda: thread(ana, 1))
        await Webhook(slack.url).post(alert(name="Missed"))
        await ana.say(CHANNEL, "what is going on?")
        await until(lambda: len(slack.backend.events.lost) >= 3)
        async with bot_of(slack, place, ports=ports):
            await until(lambda: thread(ana, 2))
    assert [i.alert.name for i in incidents(ports)] == ["Seen", "Missed"]


async def test_the_first_delivery_is_not_taken_for_a_repeat(slack: LocalSlack, place: Office) -> None:
    """Slack marks the first one as attempt 0, which Bolt hands on as a header that is there and true."""
    ports = place.ports()
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        await Webhook(slack.url).post(alert())
        await until(lambda: thread(ana))


async def test_fifty_approvals_over_two_sockets_start_one_execution(slack: LocalSlack, place: Office) -> None:
    """Ben presses Approve fifty times, over two bots at once: the pause is dispatched once."""
    one, two = place.ports("bot-1"), place.ports("bot-2")
    async with bot_of(slack, place, ports=one), bot_of(slack, place, ports=two), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery pause notifications for 20m because it is noisy", CHANNEL)
        (draft,) = await until(ana.ephemerals)
        await ana.click(draft, "submit_draft")
        (request,) = await until(lambda: ana.messages(CHANNEL))
        with one.store.read() as tx:
            (asked,) = tx.requests.find(state=RequestState.PENDING.value)
        clicks = [_press(request, asked.id, n) for n in range(50)]
        deliver = slack.backend.sockets.deliver
        await asyncio.gather(*(deliver("interactive", c, accepts_response_payload=True) for c in clicks))
        await until(lambda: not unhandled(one))
    assert len(place.dispatcher.sent) == 1
    with one.store.read() as tx:
        assert len(tx.executions.find()) == 1


def _press(message: dict[str, Any], request_id: str, number: int) -> dict[str, Any]:
    click = _click({**message, "thread_ts": None}, "approve", request_id)
    click["user"] = {"id": "U0BEN", "team_id": "T0LOCAL"}
    click["actions"][0]["action_ts"] = f"1700000001.{number:06d}"
    return click
