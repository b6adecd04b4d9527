"""What people look at by command: over a local Slack and a real bot, with a cluster in memory and events made up."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot.adapters.clusters import ConfiguredClusters
from bot.domain.live import FailureGroup, Feed, LiveWorker, Phase, TaskTrace
from bot.domain.window import Figures, Slice, Span, TaskFigures, Window
from bot.ports import Deaf, Ports
from playground.slack import LocalSlack, Person
from tests.slack.office import CHANNEL, Office, until
from tests.slack.running import bot_of
from tests.slack.test_asking import last_whisper, ours, shown
from tests.slack.views.reading import read_blocks
from tests.usecases.world import SPEC

ID = "7d1c4a52-93f0-4d5e-8f5e-1c1f0c2b7a10"


@dataclass
class Heard(Deaf):
    """Events as if they were heard: of bookings one in ten failed."""

    connected: bool = True

    def window(self, span: Span, now: datetime) -> Window:
        """Return ten tasks."""
        rows = (TaskFigures("shop.booking.create", "booking", Figures(succeeded=9, failed=1)),)
        return Window(span, now - span.length, now, rows)

    def failures(self, span: Span, now: datetime) -> tuple[FailureGroup, ...]:
        """Return the one failure."""
        at = now - timedelta(seconds=30)
        trace = "Traceback (most recent call last):\nValueError: <!channel>"
        group = FailureGroup(
            "shop.booking.create", "booking", "ValueError", 1, at, at, "<!channel> no seat", trace, ID, "worker1@a"
        )
        return (group,)

    def workers(self, now: datetime) -> tuple[LiveWorker, ...]:
        """Return none: those that answer are enough."""
        return ()

    def task(self, id: str) -> TaskTrace | None:
        """Return the one that failed."""
        return TaskTrace(ID, "shop.booking.create", "booking", Phase.FAILED, "worker1@a") if id == ID else None

    def feed(self) -> Feed:
        """Return whether events arrive."""
        return Feed(connected=self.connected, trouble=None if self.connected else "the connection was refused")

    def slices(self, after: datetime) -> Sequence[Slice]:
        """Return none."""
        return ()


def ports_of(place: Office, live: Heard | None = None) -> Ports:
    """Return the ports of a bot that hears."""
    clusters = ConfiguredClusters({"prod": SPEC}, {"prod": place.cluster}, {CHANNEL: "prod"}, {"prod": live or Heard()})
    return replace(place.ports(), clusters=clusters)


async def asked(person: Person, line: str, containing: str) -> str:
    """Return what is whispered to somebody who asks, as it is read."""
    before = {m["ts"] for m in await person.ephemerals()}
    await person.command(f"/celery {line}", CHANNEL)

    async def new() -> dict[str, Any] | None:
        return next((m for m in await person.ephemerals() if m["ts"] not in before), None)

    message = await until(new)
    text = read_blocks(message["blocks"])
    assert containing in text, text
    return text


ANSWERS = {
    "queues": "🔴 *ai_generation* 1,284 waiting",
    "queues ai_generation": "Taken by: ",
    "workers": "*prod*: 2 of 2 workers answer, 4 of 8 slots busy",
    "workers worker1": "*prod*: *worker1@a* 3 of 4 busy",
    "tasks": "❌ *shop.booking.create*: 10 ended, 90 % completed",
    "tasks shop.booking.* 1h": "*prod*: *shop.booking.∗*, last 1 h: 10 ended",
    "failures": "↳ last 30 s ago on worker1@a: <!channel> no seat",
    "failures create": "ValueError: <!channel>```",
    f"task {ID}": "❌ Heard last: failed on worker1@a",
    "check": "`queue_depths` ",
    "check queue_depths": "Again: `/celery check prod/queue_depths`",
    "targets": "*prod*: ",
}


async def test_every_look_is_answered_to_the_person_alone(slack: LocalSlack, place: Office) -> None:
    """Each with its age, and nothing in the channel."""
    async with bot_of(slack, place, ports=ports_of(place)), Person(slack.url, "U0ANA") as ana:
        for line, answer in ANSWERS.items():
            text = await asked(ana, line, answer)
            assert line == "check" or "when shown" in text or "Not counted yet" in text
        assert await ana.messages(CHANNEL) == []


async def test_refresh_changes_the_whisper_and_share_shows_it_to_all(slack: LocalSlack, place: Office) -> None:
    """Of exactly what was asked for, anew; what all see has no buttons."""
    async with bot_of(slack, place, ports=ports_of(place)), Person(slack.url, "U0ANA") as ana:
        await ana.command("/celery queues ai_generation", CHANNEL)
        view = await last_whisper(ana, containing="Taken by")
        place.cluster.depths_["ai_generation"] = 77
        await ana.click(view, "look_refresh")
        await last_whisper(ana, containing="*ai_generation* 77 waiting")
        assert len(await ana.ephemerals()) == 1
        await ana.click(view, "look_share")
        (shared,) = await until(lambda: ana.messages(CHANNEL))
        assert "*ai_generation* 77 waiting" in shown(shared)
        assert "look_" not in shown(shared)


async def test_names_that_are_not_known_get_the_nearest(slack: LocalSlack, place: Office) -> None:
    """Queues, workers, tasks and checks."""
    async with bot_of(slack, place, ports=ports_of(place)), Person(slack.url, "U0ANA") as ana:
        await asked(ana, "queues ai_generatoin", "There is no queue `ai_generatoin`. Did you mean `ai_generation`?")
        await asked(ana, "workers worker3@a", "Did you mean `worker")
        await asked(ana, "tasks shop.booking.creat", "Did you mean `shop.booking.create`?")
        await asked(ana, "failures booking.creat", "Did you mean `shop.booking.create`?")
        await asked(ana, "check queue_depth", "Did you mean `queue_depths`")


async def test_looks_at_a_dead_broker_say_what_is_still_known(slack: LocalSlack, place: Office) -> None:
    """Within three seconds each: the last numbers with their age; what is heard from memory stays."""
    async with bot_of(slack, place, ports=ports_of(place)), Person(slack.url, "U0ANA") as ana:
        await asked(ana, "queues", "1,284 waiting")
        place.cluster.down = True
        for line, known in (
            ("status", "*ai_generation* 1,284 waiting"),
            ("queues", "*ai_generation* 1,284 waiting"),
            ("workers", "worker1@a"),
            ("tasks", "10 ended"),
            (f"task {ID}", "Heard last: failed"),
            ("check queue_depths", "cannot be read"),
        ):
            begun = time.monotonic()
            text = await asked(ana, line, known)
            assert time.monotonic() - begun < 3
            if line in ("status", "queues", "workers"):
                assert text.startswith("🔴 The broker of `prod` cannot be read")
                assert "What is still known, as of " in text


async def test_events_that_do_not_arrive_are_told_first(slack: LocalSlack, place: Office) -> None:
    """Figures would look like now."""
    ports = ports_of(place, Heard(connected=False))
    async with bot_of(slack, place, ports=ports), Person(slack.url, "U0ANA") as ana:
        text = await asked(ana, "failures", "🔴 Events of tasks are not heard now: the connection was refused.")
        assert "✅" not in text


async def test_a_line_made_up_by_the_client_only_looks(slack: LocalSlack, place: Office) -> None:
    """A button below a view can do nothing but look, whatever it is made to carry."""
    async with bot_of(slack, place, ports=ports_of(place)), Person(slack.url, "U0ANA") as ana:
        for value in ("pause analytics", "", "x" * 1900):
            await ana.click(ours(slack), "look_refresh", forge=True, value=value)
            await until(lambda: _whispers(ana, "another version"))
            for message in await ana.ephemerals():
                assert "submit_draft" not in shown(message)
        await ana.click(ours(slack), "look_refresh", forge=True, value="queues stagin/reports")
        await last_whisper(ana, containing="There is no cluster `stagin`")


async def _whispers(person: Person, containing: str) -> list[dict[str, Any]]:
    return [m for m in await person.ephemerals() if containing in shown(m)]
