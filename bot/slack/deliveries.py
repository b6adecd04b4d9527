"""What Slack delivered: of which kind, by which unique id, and whether it can concern us. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Body = Mapping[str, Any]
"""The body of one request from Slack, as Slack made it."""

EVENTS = frozenset({"message", "app_mention", "app_home_opened", "member_joined_channel"})


class Kind(StrEnum):
    """Kinds of deliveries, as they stand in the inbox."""

    EVENT = "event"
    COMMAND = "command"
    ACTION = "action"
    VIEW = "view"
    SHORTCUT = "shortcut"


@dataclass(frozen=True)
class Identity:
    """Who we are, as Slack says. `workspace` is the workspace's address, with a slash at its end."""

    user: str
    bot: str
    app: str
    team: str
    workspace: str


@dataclass(frozen=True)
class Delivery:
    """One delivery. `also` is a second id under which Slack may send the same again."""

    kind: Kind
    id: str
    also: str | None = None


def delivery_of(body: Body) -> Delivery | None:
    """Return how a delivery is written down; None for what the bot takes no part in."""
    match body.get("type"):
        case "event_callback":
            return _event(body)
        case "block_actions":
            return Delivery(Kind.ACTION, _action_id(body))
        case "view_submission":
            return Delivery(Kind.VIEW, f"view:{body['trigger_id']}")
        case "shortcut" | "message_action":
            return Delivery(Kind.SHORTCUT, f"shortcut:{body['trigger_id']}")
    return Delivery(Kind.COMMAND, f"command:{body['trigger_id']}") if "command" in body else None


def _event(body: Body) -> Delivery | None:
    event = body["event"]
    if event.get("type") not in EVENTS:
        return None
    if event["type"] != "message":
        return Delivery(Kind.EVENT, body["event_id"])
    return Delivery(Kind.EVENT, message_id(event), also=body["event_id"])


def _action_id(body: Body) -> str:
    """Return the id of a click: the same one when it comes over two sockets, another when somebody clicks again."""
    action = body["actions"][0]
    return f"action:{body['user']['id']}:{action['action_ts']}:{action['action_id']}:{value_of(action)}"


def value_of(action: Body) -> str:
    """Return what a button or a menu's chosen option carries."""
    return str((action.get("selected_option") or action).get("value") or "")


def message_id(event: Body) -> str:
    """Return the id of a message in one of its wordings: a message and each edit of it count once."""
    if event.get("subtype") != "message_changed":
        return f"message:{event['channel']}:{event['ts']}"
    message = event["message"]
    edited = (message.get("edited") or {}).get("ts") or event.get("event_ts") or event["ts"]
    return f"message:{event['channel']}:{message['ts']}:{edited}"


def message_in(event: Body) -> Body | None:
    """Return the message of an event as it reads now, with its channel; None for a deletion and the like."""
    subtype = event.get("subtype")
    if subtype == "message_changed":
        return {**event["message"], "channel": event["channel"]}
    return event if subtype in (None, "bot_message", "thread_broadcast") else None


def by_an_app(message: Body) -> bool:
    """Return whether a program posted it. Not by subtype alone: apps that post with a token have none."""
    return bool(message.get("bot_id")) or message.get("subtype") == "bot_message"


def senders_of(message: Body) -> frozenset[str]:
    """Return the ids an installer may list a sender by: its bot id or its app id."""
    profile = message.get("bot_profile") or {}
    ids = (message.get("bot_id"), message.get("app_id"), profile.get("app_id"))
    return frozenset(i for i in ids if i)


def ours(message: Body, me: Identity) -> bool:
    """Return whether we posted it, by token or by a webhook of our own app."""
    return bool({me.bot, me.app} & senders_of(message)) or message.get("user") == me.user


def concerns(body: Body, me: Identity, channels: tuple[str, ...]) -> bool:
    """Return whether a delivery can concern the bot: what people say to each other is not even written down.

    Alerts count in these `channels` alone.
    """
    event = body.get("event") or {}
    if event.get("type") != "message":
        return True
    message = message_in(event) if event["channel"] in channels else None
    return message is not None and by_an_app(message) and not ours(message, me)
