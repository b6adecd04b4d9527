"""The first incident: a queue backs up; one pause by one person, one by two; both end; the alert resolves."""

from collections.abc import Callable

from playground.alerts import ALERTS
from playground.demo import Demo
from playground.scenarios.transcript import Transcript
from playground.slack.errors import Json, Refused

CHANNEL = "C0ONCALL"
BACKED_UP = 1000
PATIENCE = 45.0
"""Seconds to wait for any one thing; a pause's own end may take until the next sweep."""


class StoryError(Exception):
    """Something that the story tells was not seen."""


class QueueDepthStory:
    """Ana and Ben at their keyboards. Everything they see, they read through Slack's own API.

    `second_pause` is how long Ana asks the more important queue to be paused: short where its end is to be seen.
    """

    def __init__(self, demo: Demo, transcript: Transcript, second_pause: str = "20s") -> None:
        self._demo, self._told, self._second_pause = demo, transcript, second_pause
        self._root = ""

    async def play(self) -> None:
        """Play all of it; raises StoryError at the first thing that is not seen."""
        await self.play_to_open_request()
        await self._approve()
        await self._ends()
        await self._resolve()

    async def play_to_open_request(self) -> str:
        """Play up to a request that waits for Ben; returns the timestamp of the incident's thread."""
        self._ana, self._ben = await self._demo.person("U0ANA"), await self._demo.person("U0BEN")
        await self._alert()
        await self._pause_alone()
        await self._ask()
        return self._root

    async def _alert(self) -> None:
        self._told.chapter("An alert lands in #platform-oncall")
        await self._demo.cluster.break_("backlog")
        await self._see(self._backed_up, "ai_generation has more than 1,000 waiting")
        await self._demo.fire(ALERTS["queue-depth"].payload())
        fired = self._told.seconds
        self._told.did("Alertmanager", "[FIRING:1] CeleryQueueDepthHigh ai_generation")
        root = await self._see(self._alert_message, "the alert in the channel")
        self._root = root["ts"]
        await self._see(self._card, "the bot's answer in the alert's thread")
        self._told.seen(f"answered in its thread after {self._told.seconds - fired:.1f} s")
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

    async def _resolve(self) -> None:
        self._told.chapter("The alert resolves")
        await self._demo.cluster.mend("backlog")
        await self._demo.fire(ALERTS["queue-depth-resolved"].payload())
        self._told.did("Alertmanager", "[RESOLVED] CeleryQueueDepthHigh ai_generation")
        await self._see(self._ticked, "the tick on the alert")
        self._told.said(await self._see(self._closed, "the card, closed"))

    async def _see(self, look: Callable[[], object], what: str) -> Json:
        try:
            seen: Json = await self._ana.wait_for(look, timeout=PATIENCE)  # type: ignore[arg-type]  # looks return Json
        except TimeoutError:
            raise StoryError(f"Not seen within {PATIENCE:.0f} s: {what}.") from None
        self._told.seen(what)
        return seen

    async def _backed_up(self) -> bool:
        return (await self._demo.controls.depths.read())["ai_generation"] > BACKED_UP

    async def _alert_message(self) -> Json | None:
        return _last(await self._ana.messages(CHANNEL), lambda m: "CeleryQueueDepthHigh" in str(m.get("attachments")))

    async def _thread(self) -> list[Json]:
        return await self._ana.replies(CHANNEL, self._root)

    async def _everywhere(self) -> list[Json]:
        """Return the thread and the channel: a slash command's cards stand in the channel."""
        return await self._thread() + await self._ana.messages(CHANNEL)

    async def _card(self) -> Json | None:
        return _last(await self._thread(), lambda m: _card_of(m).startswith("incident:"))

    async def _closed(self) -> Json | None:
        card = await self._card()
        return card if card and "Resolved" in "\n".join(self._told.words(card)) else None

    async def _offers_pause(self) -> Json | None:
        """Return the card once its button is the pause; before there are enough numbers it may be more slots."""
        card = await self._card()
        return card if card and _has_button(card, "offer") and "'Pause analytics'" in str(card["blocks"]) else None

    def _outcome(self, *words: str) -> Callable[[], object]:
        async def look() -> Json | None:
            def fits(m: Json) -> bool:
                text = "\n".join(self._told.words(m))
                return _card_of(m).startswith("execution:") and any(w in text for w in words) and "audit #" in text

            return _last(await self._everywhere(), fits)

        return look

    async def _draft(self) -> Json | None:
        return _last(await self._ana.ephemerals(), lambda m: _has_button(m, "submit_draft"))

    async def _open_request(self) -> Json | None:
        return _last(
            await self._everywhere(),
            lambda m: _card_of(m).startswith("request:") and _has_button(m, "approve") and "<@U0BEN>" in str(m),
        )

    async def _refusal(self) -> Json | None:
        return _last(await self._ana.ephemerals(), lambda m: "own request" in " ".join(self._told.words(m)).lower())

    async def _direct_message(self) -> Json | None:
        try:
            return _last(await self._ben.direct_messages(), lambda m: _has_button(m, "approve"))
        except Refused:
            return None

    async def _decided(self) -> Json | None:
        ts = self._request["ts"]
        return _last(
            await self._everywhere(),
            lambda m: (
                m["ts"] == ts and not _has_button(m, "approve") and "Approved by" in "\n".join(self._told.words(m))
            ),
        )

    async def _ticked(self) -> Json | None:
        return _last(
            await self._ana.messages(CHANNEL),
            lambda m: m["ts"] == self._root and any(r["name"] == "white_check_mark" for r in m.get("reactions", [])),
        )


def _last(messages: list[Json], fits: Callable[[Json], bool]) -> Json | None:
    return next((m for m in reversed(messages) if fits(m)), None)


def _card_of(message: Json) -> str:
    """Return which card a message says it is, in its metadata."""
    return str((message.get("metadata") or {}).get("event_payload", {}).get("card", ""))


def _has_button(message: Json, action_id: str) -> bool:
    elements = [e for b in message.get("blocks") or [] for e in (*b.get("elements", []), b.get("accessory") or {})]
    return any(
        e.get("action_id") == action_id or str(e.get("action_id", "")).startswith(f"{action_id}:") for e in elements
    )


async def verify_audit(demo: Demo, transcript: Transcript) -> None:
    """Have the audit chain walked by the command a person would use; raises StoryError when it is broken."""
    transcript.chapter("The audit")
    code, words = await demo.oncall.command("audit", "verify")
    transcript.did("Ana", "celery-oncall audit verify")
    if code != 0:
        raise StoryError(f"`audit verify` ended with {code}: {words}")
    transcript.seen(words.strip())
