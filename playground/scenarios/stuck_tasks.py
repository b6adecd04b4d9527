"""Tasks of one name hang: they are set aside and ended, the others run, and after the fix they are put back."""

from playground.cluster import books
from playground.cluster.breakages import STUCK_REPORTS, USUAL_REPORTS, VISITS
from playground.scenarios.story import Story, StoryError

REPORT, VISIT = "analytics.export_report", "analytics.count_visits"
STUCK = range(USUAL_REPORTS + 1, USUAL_REPORTS + STUCK_REPORTS + 1)
SLOW_WITHIN = 90.0
"""Seconds until a task counts as hung: a minute, where the bot did not hear enough of them to know what is usual."""


class StuckTasksStory(Story):
    """Ana asks, Ben approves; what ran is read from the application's own books."""

    async def play(self) -> None:
        """Play all of it; raises StoryError at the first thing that is not seen."""
        await self._people()
        await self._alert()
        await self._set_aside()
        await self._end()
        await self._put_back()
        self._told.chapter("The alert resolves")
        await self._resolve("tasks-stuck-resolved")

    async def _alert(self) -> None:
        await self._heard()
        self._told.chapter("Report exports hang, and everything in analytics waits behind them")
        await self._demo.cluster.break_("stuck tasks")
        await self._see(self._clogged, "analytics has more than 500 waiting, and none of them moves")
        await self._fire("tasks-stuck")
        card = await self._see(self._offers("Ask to set aside"), "a card that offers to set them aside", SLOW_WITHIN)
        self._told.said(card)

    async def _set_aside(self) -> None:
        self._told.chapter("The ones that wait are set aside")
        self._told.said(await self._asked_and_approved("Ask to set aside", "stayed."))

    async def _end(self) -> None:
        self._told.chapter("The ones that run are ended, and the others run")
        self._told.said(await self._asked_and_approved("Ask to end", "revoked", "ended", "stopped"))
        await self._see(self._visits_counted, "every visit counted, each once")

    async def _put_back(self) -> None:
        self._told.chapter("The fix is deployed, and what was set aside runs")
        if set(books.read(self._demo.cluster.folder)[REPORT]) & set(STUCK):
            raise StoryError("A report that hangs ran to its end.")
        await self._demo.cluster.mend("stuck tasks")
        self._told.did("Dora", "deploys the fix: worker1 restarts")
        card = await self._see(self._offers("Put exe-"), "a card that offers to put them back")
        self._told.said(card)
        await self._ana.click(card, "offer")
        self._told.did("U0ANA", "presses the button, and confirms")
        done = await self._see(self._outcome("back in analytics"), "the verified outcome")
        self._told.said(done)
        self._back = _number_in(self._told.words(done)[0])
        await self._see(self._exported, f"{self._back} reports exported, each once")

    async def _clogged(self) -> bool:
        return (await self._demo.controls.depths.read())["analytics"] > 500

    async def _visits_counted(self) -> bool:
        return books.read(self._demo.cluster.folder).get(VISIT) == dict.fromkeys(range(1, VISITS + 1), 1)

    async def _exported(self) -> bool:
        """Return whether as many of the stuck ones as were put back ran, each once; those that were ended never do."""
        done = {n: times for n, times in books.read(self._demo.cluster.folder)[REPORT].items() if n in STUCK}
        if any(times > 1 for times in done.values()):
            raise StoryError(f"Reports were exported twice: {sorted(n for n, times in done.items() if times > 1)}.")
        return len(done) == self._back


def _number_in(words: str) -> int:
    """Return the first number of a line."""
    return int(next(word for word in words.replace(",", "").split() if word.isdecimal()))
