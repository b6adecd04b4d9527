"""Alerts as they come in, and what is seen of their incidents."""

from typing import Any

from bot.domain.incident import Incident
from bot.ports import Ports
from playground.slack import LocalSlack, Person
from tests.slack.office import CHANNEL

GROUP = "http://alertmanager.example/#/alerts?receiver=slack"


def alert(status: str = "FIRING", name: str = "QueueDepth", queue: str = "ai_generation") -> dict[str, Any]:
    """Return a message in the default form of Alertmanager."""
    title = f"[{status}{':1' if status == 'FIRING' else ''}] {name} ({queue} critical)"
    colour = "danger" if status == "FIRING" else "good"
    return {"attachments": [{"title": title, "title_link": GROUP, "fallback": f"{title} | {GROUP}", "color": colour}]}


def incidents(ports: Ports) -> list[Incident]:
    """Return every incident, oldest first."""
    with ports.store.read() as tx:
        return tx.incidents.find()


async def thread(person: Person, number: int = 0) -> list[dict[str, Any]]:
    """Return the thread below a message of the channel, without the message itself."""
    roots = await person.messages(CHANNEL)
    return (await person.replies(CHANNEL, roots[number]["ts"]))[1:] if len(roots) > number else []


async def marks(person: Person, number: int = 0) -> set[str]:
    """Return the reactions on a message of the channel."""
    message = (await person.messages(CHANNEL))[number]
    return {r["name"] for r in message.get("reactions", [])}


def calls(slack: LocalSlack, method: str) -> list[dict[str, Any]]:
    """Return what our app called, and how it was answered."""
    return [c for c in slack.backend.api_log if c["method"] == method and c["caller"] == "U0BOT"]
