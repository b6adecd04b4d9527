"""Text as bad as JSON can carry it, from the door to the card, on both databases: nothing crashes or is lost."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.approval import RequestState
from bot.domain.audit import Sound
from bot.domain.incident import Incident
from bot.ports import Ports
from playground.slack import LocalSlack, Person
from tests.slack.incoming import alert, incidents, thread
from tests.slack.office import CHANNEL, Office, until
from tests.slack.running import bot_of
from tests.slack.test_asking import last_whisper, ours, requests_of, shown

NUL, HALF, RTL = "\0", "\ud83d", "\u202e"
MARKED = "\u200eai_generation\u200f"
AUTHOR = {"subtype": "bot_message", "bot_id": "B0ALERT", "app_id": "A0ALERT", "text": ""}
LONG = "ключ✂ " * 6_667  # 40,000 characters, the most that Slack keeps of a message


@dataclass
class Elsewhere(Office):
    """An office whose database is on a server."""

    database: str = field(default="")

    @property
    def url(self) -> str:
        """Where the database is."""
        return self.database or super().url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    """An office with an empty database of each kind."""
    database = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    opened = Elsewhere(tmp_path, database=database)
    yield opened
    opened.close()


def nothing_left(ports: Ports) -> bool:
    """Return whether everything that was written down is handled."""
    with ports.store.read() as tx:
        return not tx.inbox.unhandled(datetime.now(UTC) + timedelta(minutes=1))


def post(slack: LocalSlack, **message: Any) -> None:
    """Have the listed sender post a message, past what a kinder Slack would refuse."""
    slack.backend.timeline.post(CHANNEL, AUTHOR | message)


async def answered(ana: Person, number: int) -> str:
    """Return what stands in the thread of the channel's message of that number, once something does."""
    (card, *_) = await until(lambda: thread(ana, number))
    return shown(card)


def only(found: list[Incident], name: str) -> Incident:
    """Return the one incident whose alert's name begins so."""
    (incident,) = (i for i in found if i.alert.name.startswith(name))
    return incident


async def test_alerts_of_hostile_text_are_answered(slack: LocalSlack, either: Office) -> None:
    """Each of them has its incident and its message in its thread, and the audit over all of them holds."""
    ports = either.ports()
    async with bot_of(slack, either, ports=ports), Person(slack.url, "U0ANA") as ana:
        post(slack, **alert(name=f"Nul{NUL}Alert", queue=f"q{NUL}"))
        post(slack, **alert(name=f"Half{HALF}Alert", queue=HALF))
        post(slack, text=f"Critical Alert: Marked {RTL}Depth > 1000 on {MARKED}")
        post(slack, text=f"Long {LONG}")
        post(slack, **alert(name="Digits", queue="> 1" + ",000" * 3_000))
        cards = [await answered(ana, number) for number in range(5)]
        await until(lambda: nothing_left(ports))

        async def counted() -> bool:
            return "1,284 waiting" in await answered(ana, 2)

        await until(counted)
    found = incidents(ports)
    assert len(found) == 5
    assert only(found, "Nul").alert.name == "Nul\ufffdAlert"
    assert only(found, "Half").alert.values == ("Half\ufffdAlert", "\ufffd", "critical")
    assert (only(found, "Marked").queue, only(found, "Marked").limit) == ("ai_generation", 1000)
    assert only(found, "Digits").limit is None
    assert RTL not in "".join(cards)
    assert isinstance(ports.store.verify_audit(), Sound)


async def test_commands_of_hostile_text_are_answered(slack: LocalSlack, either: Office) -> None:
    """By slash and by mention: a sentence on what is not understood, and a reason that stays as good as it can be."""
    ports = either.ports()
    async with bot_of(slack, either, ports=ports), Person(slack.url, "U0ANA") as ana:
        await ana.command(f"/celery pause ana{NUL}lytics", CHANNEL)
        await last_whisper(ana, containing="Did you mean `analytics`?")
        await ana.say(CHANNEL, f"@celery-oncall {HALF}{LONG}")
        await last_whisper(ana, containing="There is no command")
        await ana.say(CHANNEL, f"@celery-oncall pause {MARKED} because {LONG}")
        await last_whisper(ana, containing="300 fit")
        await ana.command(f"/celery pause \u200eanalytics for 20m because {NUL}it{HALF} is {RTL}late", CHANNEL)
        await ana.click(await last_whisper(ana, containing="submit_draft"), "submit_draft")
        (approved,) = await until(lambda: requests_of(ports, RequestState.APPROVED))
        await until(lambda: nothing_left(ports))
    assert approved.reason == "\ufffdit\ufffd is late"
    assert either.dispatcher.sent == [approved.execution_id]
    assert isinstance(ports.store.verify_audit(), Sound)


async def test_a_shortcut_and_a_forged_click_of_hostile_text_are_answered(slack: LocalSlack, either: Office) -> None:
    """A person's message may hold anything; what a button carries is believed to be nothing but an id."""
    ports = either.ports()
    async with bot_of(slack, either, ports=ports), Person(slack.url, "U0ANA") as ana:
        message = await ana.say(CHANNEL, f"{NUL}{HALF}the shop is {RTL}down")
        await ana.shortcut("treat_as_alert", {"channel": CHANNEL, "ts": message["ts"]})
        await answered(ana, 0)
        await ana.click(ours(slack), "approve", forge=True, value=f"req{NUL}{HALF}")
        await last_whisper(ana, containing="There is no request")
        await until(lambda: nothing_left(ports))
    assert [i.alert.title for i in incidents(ports)] == ["\ufffd\ufffdthe shop is down"]


async def test_hostile_text_said_while_nobody_listened_is_answered_too(slack: LocalSlack, either: Office) -> None:
    """A channel's history comes in by another door."""
    ports = either.ports()
    async with bot_of(slack, either, ports=ports), Person(slack.url, "U0ANA") as ana:
        post(slack, **alert())
        await answered(ana, 0)
    post(slack, **alert(name=f"Nul{NUL}{HALF}Alert"))
    await until(lambda: slack.backend.events.lost)
    async with bot_of(slack, either, ports=ports), Person(slack.url, "U0ANA") as ana:
        await answered(ana, 1)
        await until(lambda: nothing_left(ports))
    assert [i.alert.name for i in incidents(ports)] == ["QueueDepth", "Nul\ufffd\ufffdAlert"]
