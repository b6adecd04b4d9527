"""A task fails since the mail server is down: its queue is paused, and what failed is sent again, each once."""

from collections import Counter

from playground.cluster import books
from playground.scenarios.story import CHANNEL, Story, StoryError

MAIL = "notifications.send"
WORKS_WITHIN = 120.0
"""Seconds until a requeue is offered: for one minute no task may have failed."""


class TaskFailuresStory(Story):
    """Ana asks, Ben approves; what was sent is read from the application's own books."""

    async def play(self) -> None:
        """Play all of it; raises StoryError at the first thing that is not seen."""
        await self._people()
        await self._alert()
        await self._pause()
        await self._fix()
        await self._requeue()
        self._told.chapter("The alert resolves")
        await self._resolve("task-failures-resolved")

    async def _alert(self) -> None:
        await self._heard()
        self._told.chapter("The mail server goes down, and notifications fail")
        await self._demo.cluster.break_("failing task")
        await self._fire("task-failures")
        self._told.said(await self._see(self._offers("Ask to pause"), "a card that names the cause and offers a pause"))

    async def _pause(self) -> None:
        self._told.chapter("No more of them are let fail")
        done = await self._asked_and_approved("Ask to pause notifications", "stopped consuming notifications")
        self._told.said(done)
        self._paused = done

    async def _fix(self) -> None:
        self._told.chapter("The mail server is back")
        await self._demo.cluster.mend("failing task")
        self._told.did("Dora", "brings the mail server back")
        await self._ana.click(self._paused, "undo")
        self._told.did("U0ANA", "presses Undo on the pause")
        words = ("consume notifications again", "consumes notifications again")
        self._told.said(await self._see(self._outcome(*words), "notifications resumed"))

    async def _requeue(self) -> None:
        self._told.chapter("What failed is sent again")
        card = await self._see(self._offers("Ask to send failed"), "a card that offers to send it again", WORKS_WITHIN)
        self._told.said(card)
        missing = self._missing()
        if not missing:
            raise StoryError("No notification is missing in the books: none failed.")
        self._told.seen(f"{len(missing)} notifications are missing in the books, or are on their way")
        self._told.said(await self._asked_and_approved("Ask to send failed", "sent again"))
        await self._demo.cluster.set_traffic({})
        await self._see(self._each_once, "every notification sent, each once")
        self._told.said(await self._see(self._card, f"the card in {CHANNEL}"))

    def _missing(self) -> set[int]:
        """Return the notifications that were not sent though later ones were; raises StoryError of one sent twice."""
        sent = books.read(self._demo.cluster.folder).get(MAIL, Counter())
        if twice := sorted(number for number, times in sent.items() if times > 1):
            raise StoryError(f"Notifications were sent twice: {twice}.")
        return set(range(1, max(sent, default=0) + 1)) - sent.keys()

    async def _each_once(self) -> bool:
        waiting = (await self._demo.controls.depths.read())["notifications"]
        return not waiting and not self._missing()
