"""A real bot beside a local Slack, and somebody at the keyboard: what is typed, pressed and posted, and what comes."""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.adapters.clusters import ConfiguredClusters
from bot.adapters.expressions import JinjaExpressions
from bot.domain.cluster import ClusterSpec, Mode, QueueSpec
from bot.ports import Ports
from bot.usecases.executions import execute
from playground.slack import LocalSlack, Person
from tests.slack.incoming import thread
from tests.slack.office import CHANNEL, REPOSITORY, Office, backed_up, office, until
from tests.slack.running import bot_of
from tests.slack.views.reading import read_blocks, seen
from tests.usecases.world import SPEC, SetClock, SimulatedCluster

STAGING = ClusterSpec(name="staging", queues=(QueueSpec(name="reports", importance=2),))
LAB = ClusterSpec(name="lab", mode=Mode.OBSERVE, queues=(QueueSpec(name="trials", importance=1),))
LISTED = {"subtype": "bot_message", "bot_id": "B0ALERT", "app_id": "A0ALERT", "text": ""}
UNLISTED = {"user": "U0OTHER", "bot_id": "B0OTHER", "app_id": "A0OTHER", "text": ""}

Message = dict[str, Any]


@dataclass
class Desk:
    """`ana` and `ben` are on call, `dora` is not; `prod` is backed up, `staging` has no workers, `lab` is observed."""

    slack: LocalSlack
    place: Office
    ports: Ports
    ana: Person
    ben: Person
    dora: Person

    async def typed(self, line: str, by: Person | None = None) -> str:
        """Return what is whispered to somebody who types a line."""
        return said(await self._whispered(by or self.ana, lambda person: person.command(line, CHANNEL)))

    async def pressed(self, where: Message, button: str, by: Person | None = None, **given: Any) -> str:
        """Return what is whispered to somebody who presses a button."""
        return said(await self._whispered(by or self.ana, lambda p: p.click(where, button, forge=True, **given)))

    async def drafted(self, line: str) -> Message:
        """Return the draft that comes of a line."""
        return await self._whispered(self.ana, lambda person: person.command(line, CHANNEL))

    async def treated(self, text: str, channel: str = CHANNEL) -> str:
        """Return what is whispered to somebody who has a message of theirs treated as an alert."""
        message = await self.ana.say(channel, text)
        where = {"channel": channel, "ts": message["ts"]}
        return said(await self._whispered(self.ana, lambda person: person.shortcut("treat_as_alert", where)))

    async def _whispered(self, person: Person, do: Callable[[Person], Awaitable[None]]) -> Message:
        before = {m["ts"] for m in await person.ephemerals()}
        await do(person)

        async def new() -> list[Message]:
            return [m for m in await person.ephemerals() if m["ts"] not in before]

        (message,) = await until(new)
        return dict(message)

    async def posted(self, sender: Message, **message: Any) -> Message:
        """Return what stands below a message of a sender, once the cluster was looked at."""
        number = len(await self.ana.messages(CHANNEL))
        self.slack.backend.timeline.post(CHANNEL, sender | message)
        await until(lambda: thread(self.ana, number))
        await until(self._settled)
        (card,) = await thread(self.ana, number)
        return card

    def _settled(self) -> bool:
        now = datetime.now(UTC) + timedelta(minutes=1)
        with self.ports.store.read() as tx:
            looked = all(run.updated_at != tx.incidents.get(run.incident_id).opened_at for run in tx.runs.find())
            return looked and not tx.inbox.unhandled(now) and not tx.cards.pending(now)

    async def executed(self) -> str:
        """Return what stands in the channel about the newest execution, which is run as the ops worker would."""
        await until(lambda: self.place.dispatcher.sent)
        await asyncio.to_thread(execute, self.ports, self.place.dispatcher.sent[-1])
        await until(self._settled)
        return " · ".join(lines_of((await self.ana.messages(CHANNEL))[-1])[:2])


def said(message: Message) -> str:
    """Return a message's text as it is read."""
    return _read(seen(message["text"]))


def lines_of(card: Message) -> list[str]:
    """Return a card line by line: of an incident, what is wrong, what to do next, …, what is a guess."""
    blocks = [b for b in card["blocks"] if b["type"] in ("section", "context")]
    return [_read(line).strip("()") for line in read_blocks(blocks).splitlines()]


def _read(text: str) -> str:
    """Return people by their names, nothing in bold, and the time of night when all this happens."""
    named = re.sub(r"<@U0([A-Z]+)>", lambda found: f"@{found[1].lower()}", text)
    return re.sub(r"\b\d\d:\d\d UTC", "03:14 UTC", named).replace("*", "")


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    """A bot at work, and people in the channel."""
    slack = LocalSlack(REPOSITORY / "manifest.yml")
    await slack.start()
    try:
        with tempfile.TemporaryDirectory() as folder, office(Path(folder)) as place:
            ports = _ports(place)
            people = [Person(slack.url, user) for user in ("U0ANA", "U0BEN", "U0DORA")]
            async with bot_of(slack, place, ports=ports):
                yield Desk(slack, place, ports, *people)
            for person in people:
                await person.close()
    finally:
        await slack.stop()


def _ports(place: Office) -> Ports:
    place.cluster = backed_up()
    place.cluster.depths_["analytics"] = 900  # nothing is less important, so nothing can be paused for it
    idle = SimulatedCluster(SetClock(), depths_={"trials": 3}, consuming={"lab1@a": {"trials"}})
    controls = {"prod": place.cluster, "staging": SimulatedCluster(SetClock()), "lab": idle}
    specs = {"prod": SPEC, "staging": STAGING, "lab": LAB}
    clusters = ConfiguredClusters(specs, controls, {CHANNEL: "prod"})
    return replace(place.ports(), clusters=clusters, expressions=JinjaExpressions())
