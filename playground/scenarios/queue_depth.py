"""The first incident: a queue backs up; one pause by one person, one by two; both end; the alert resolves."""

from playground.demo import Demo
from playground.scenarios.story import CHANNEL, Story, has_button, last
from playground.scenarios.transcript import Transcript
from playground.slack.errors import Json

BACKED_UP = 1000


class QueueDepthStory(Story):
    """Ana and Ben at their keyboards.

    `second_pause` is how long Ana asks the more important queue to be paused: short where its end is to be seen.
    """

    def __init__(self, demo: Demo, transcript: Transcript, second_pause: str = "20s") -> None:
        super().__init__(demo, transcript)
        self._second_pause = second_pause

    async def play(self) -> None:
        """Play all of it; raises StoryError at the first thing that is not seen."""
        await self.play_to_open_request()
        await self._approve()
        await self._ends()
        await self._is_over()

    async def play_to_open_request(self) -> str:
        """Play up to a request that waits for Ben; returns the timestamp of the incident's thread."""
        await self._people()
        await self._alert()
        await self._pause_alone()
        await self._ask()
        return self._root

    async def _alert(self) -> None:
        self._told.chapter("An alert lands in #platform-oncall")
        await self._demo.cluster.break_("backlog")
        await self._see(self._backed_up, "ai_generation has more than 1,000 waiting")
        await self._fire("queue-depth")
        self._told.said(await self._see(self._offers_pause, "a card with live numbers that offers a pause"))

    async def _pause_alone(self) -> None:
        self._told.chapter("One person on call may pause a queue of low importance")
        card = await self._see(self._offers_pause, "the offer")
        await self._ana.click(card, "offer")
        self._told.did("U0ANA", "presses the button, and confirms")
        done = await self._see(self._outcome("stopped consuming analytics"), "the verified outcome")
        self._told.said(done)
        self._paused = done

    async def _ask(self) -> None:
        self._told.chapter("A more important queue needs another person")
        line = f"/celery pause notifications for {self._second_pause} because stories come first"
        await self._ana.command(line, CHANNEL)
        self._told.did("U0ANA", line)
        draft = await self._see(self._draft, "a preview, shown to Ana alone")
        self._told.said(draft)
        await self._ana.click(draft, "submit_draft")
        self._request = await self._see(self._open_request, "a request that mentions who may approve")
        self._told.said(self._request)
        await self._ana.click(self._request, "approve")
        self._told.did("U0ANA", "tries to approve her own request")
        refusal = await self._see(self._refusal, "the refusal, shown to Ana alone")
        self._told.said(refusal)

    async def _approve(self) -> None:
        self._told.chapter("Ben approves, from his direct message")
        message = await self._see(self._direct_message, "the request in Ben's direct messages")
        await self._ben.click(message, "approve")
        self._told.did("U0BEN", "approves, and confirms")
        self._told.said(await self._see(self._outcome("stopped consuming notifications"), "the verified outcome"))
        await self._see(self._decided, "the request's buttons gone, and who approved")

    async def _ends(self) -> None:
        self._told.chapter("Pauses end")
        self._told.said(
            await self._see(
                self._outcome("consume notifications again", "consumes notifications again"),
                "the end of the pause, by itself",
            )
        )
        await self._ana.click(self._paused, "undo")
        self._told.did("U0ANA", "presses Undo on the first pause")
        self._told.said(
            await self._see(self._outcome("consume analytics again", "consumes analytics again"), "analytics resumed")
        )

    async def _is_over(self) -> None:
        self._told.chapter("The alert resolves")
        await self._demo.cluster.mend("backlog")
        await self._resolve("queue-depth-resolved")

    async def _backed_up(self) -> bool:
        return (await self._demo.controls.depths.read())["ai_generation"] > BACKED_UP

    async def _offers_pause(self) -> Json | None:
        """Return the card once its button is the pause; before there are enough numbers it may be more slots."""
        card = await self._card()
        return card if card and has_button(card, "offer") and "'Pause analytics'" in str(card["blocks"]) else None

    async def _draft(self) -> Json | None:
        return last(await self._ana.ephemerals(), lambda m: has_button(m, "submit_draft"))

    async def _refusal(self) -> Json | None:
        return last(await self._ana.ephemerals(), lambda m: "own request" in " ".join(self._told.words(m)).lower())

    async def _decided(self) -> Json | None:
        ts = self._request["ts"]
        return last(
            await self._everywhere(),
            lambda m: (
                m["ts"] == ts and not has_button(m, "approve") and "Approved by" in "\n".join(self._told.words(m))
            ),
        )
