"""What all stories share: people at their keyboards, and what they look for through Slack's own API."""

from collections.abc import Callable

from playground.alerts import ALERTS
from playground.demo import Demo
from playground.scenarios.transcript import Transcript
from playground.slack.errors import Json, Refused

CHANNEL = "C0ONCALL"
PATIENCE = 45.0
"""Seconds to wait for any one thing; a pause's own end may take until the next sweep."""


class StoryError(Exception):
    """Something that the story tells was not seen."""


class Story:
    """Ana and Ben at their keyboards. Everything they see, they read through Slack's own API."""

    def __init__(self, demo: Demo, transcript: Transcript) -> None:
        self._demo, self._told = demo, transcript
        self._root = ""

    async def _people(self) -> None:
        """Let them come in."""
        self._ana, self._ben = await self._demo.person("U0ANA"), await self._demo.person("U0BEN")

    async def _fire(self, alert: str) -> None:
        """Fire an alert, and wait for the bot's answer in its thread."""
        await self._demo.fire(ALERTS[alert].payload())
        fired = self._told.seconds
        title = ALERTS[alert].payload()["attachments"][0]["title"]
        self._told.did("Alertmanager", title.partition(" (")[0])

        async def landed() -> Json | None:
            return last(await self._ana.messages(CHANNEL), lambda m: title in str(m.get("attachments")))

        self._root = (await self._see(landed, "the alert in the channel"))["ts"]
        await self._see(self._card, "the bot's answer in the alert's thread")
        self._told.seen(f"answered in its thread after {self._told.seconds - fired:.1f} s")

    async def _resolve(self, alert: str) -> None:
        """Let the alert end."""
        await self._demo.fire(ALERTS[alert].payload())
        self._told.did("Alertmanager", ALERTS[alert].payload()["attachments"][0]["title"].partition(" (")[0])
        await self._see(self._ticked, "the tick on the alert")
        self._told.said(await self._see(self._closed, "the card, closed"))

    async def _heard(self) -> None:
        """Wait until the bot has switched on worker1's task events: what runs before is not known to it."""

        async def on() -> bool:
            return "Events of group {task} enabled by remote." in self._demo.cluster.workers["worker1"].process.output()

        await self._see(on, "the bot hears what worker1 does")

    async def _see(self, look: Callable[[], object], what: str, patience: float = PATIENCE) -> Json:
        try:
            seen: Json = await self._ana.wait_for(look, timeout=patience)  # type: ignore[arg-type]  # looks return Json
        except TimeoutError:
            if self._root and (card := await self._card()):
                self._told.said(card)  # it may say why
            raise StoryError(f"Not seen within {patience:.0f} s: {what}.") from None
        self._told.seen(what)
        return seen

    async def _thread(self) -> list[Json]:
        return await self._ana.replies(CHANNEL, self._root)

    async def _everywhere(self) -> list[Json]:
        """Return the thread and the channel: a slash command's cards stand in the channel."""
        return await self._thread() + await self._ana.messages(CHANNEL)

    async def _card(self) -> Json | None:
        return last(await self._thread(), lambda m: card_of(m).startswith("incident:"))

    async def _closed(self) -> Json | None:
        card = await self._card()
        return card if card and "Resolved" in "\n".join(self._told.words(card)) else None

    def _offers(self, words: str) -> Callable[[], object]:
        """Look for the card with a button that says so."""

        async def look() -> Json | None:
            card = await self._card()
            return card if card and has_button(card, "offer") and f"'{words}" in str(card["blocks"]) else None

        return look

    def _outcome(self, *words: str) -> Callable[[], object]:
        """Look for what was done and verified, in any of these words."""

        async def look() -> Json | None:
            def fits(m: Json) -> bool:
                text = "\n".join(self._told.words(m))
                return card_of(m).startswith("execution:") and any(w in text for w in words) and "audit #" in text

            return last(await self._everywhere(), fits)

        return look

    async def _asked_and_approved(self, button: str, *outcome: str) -> Json:
        """Press an offer as Ana, approve it as Ben; return the verified outcome."""
        card = await self._see(self._offers(button), "the offer")
        await self._ana.click(card, "offer")
        self._told.did("U0ANA", "presses the button, and confirms that she asks for it")
        request = await self._see(self._open_request, "a request that mentions who may approve")
        self._told.said(request)
        await self._ben.click(request, "approve")
        self._told.did("U0BEN", "approves, and confirms")
        return await self._see(self._outcome(*outcome), "the verified outcome")

    async def _open_request(self) -> Json | None:
        return last(
            await self._everywhere(),
            lambda m: card_of(m).startswith("request:") and has_button(m, "approve") and "<@U0BEN>" in str(m),
        )

    async def _direct_message(self) -> Json | None:
        try:
            return last(await self._ben.direct_messages(), lambda m: has_button(m, "approve"))
        except Refused:
            return None

    async def _ticked(self) -> Json | None:
        return last(
            await self._ana.messages(CHANNEL),
            lambda m: m["ts"] == self._root and any(r["name"] == "white_check_mark" for r in m.get("reactions", [])),
        )


def last(messages: list[Json], fits: Callable[[Json], bool]) -> Json | None:
    """Return the newest message that fits."""
    return next((m for m in reversed(messages) if fits(m)), None)


def card_of(message: Json) -> str:
    """Return which card a message says it is, in its metadata."""
    return str((message.get("metadata") or {}).get("event_payload", {}).get("card", ""))


def has_button(message: Json, action_id: str) -> bool:
    """Return whether a message has a button."""
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
