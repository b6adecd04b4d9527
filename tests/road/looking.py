"""What people look for in Slack: cards by kind, buttons, words."""

from collections.abc import Awaitable, Callable
from typing import Any

from playground.alerts import ALERTS
from playground.demo import Demo
from playground.slack.errors import Json
from playground.slack.person import Person

CHANNEL = "C0ONCALL"


def card_of(message: Json) -> str:
    """Return which card a message says it is."""
    return str((message.get("metadata") or {}).get("event_payload", {}).get("card", ""))


def has_button(message: Json, action_id: str) -> bool:
    """Return whether a message has a button."""
    return any(e.get("action_id") == action_id for b in message.get("blocks") or [] for e in b.get("elements", []))


async def see(person: Person, find: Callable[[], Awaitable[list[Json]]], fits: Callable[[Json], Any]) -> Json:
    """Wait until one of the messages fits, and return the newest that does."""

    async def look() -> Json | None:
        return next((m for m in reversed(await find()) if fits(m)), None)

    seen = await person.wait_for(look, timeout=45)
    assert seen is not None
    return seen


async def fire(demo: Demo, person: Person, alert: str = "queue-depth") -> Json:
    """Fire an alert and return its message in the channel."""
    before = {m["ts"] for m in await person.messages(CHANNEL)}
    await demo.fire(ALERTS[alert].payload())
    return await see(
        person, lambda: person.messages(CHANNEL), lambda m: m["ts"] not in before and m.get("bot_id") == "B0ALERT"
    )


async def ask_for_pause(person: Person, queue: str = "notifications", length: str = "10m") -> Json:
    """Ask for a pause that needs another person; return the request's message in the channel."""
    draft = await drafted(person, f"/celery pause {queue} for {length} because of a test")
    await person.click(draft, "submit_draft")
    return await see(person, lambda: person.messages(CHANNEL), lambda m: has_button(m, "approve"))


async def drafted(person: Person, line: str) -> Json:
    """Type a slash command; return the preview that it is answered with, to this person alone."""
    known = {e["ephemeral_id"] for e in await person.ephemerals()}
    await person.command(line, CHANNEL)
    return await see(
        person, person.ephemerals, lambda m: m["ephemeral_id"] not in known and has_button(m, "submit_draft")
    )
