"""conversations.*: channels, their members and what was said."""

from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from typing import TypeVar

from playground.slack.errors import Json, Refused
from playground.slack.messages import Message
from playground.slack.web_api.call import CONVERSATION_SCOPES, Call
from playground.slack.web_api.registry import TIER_2, TIER_3, TIER_4, method
from playground.slack.workspace import Channel

_HISTORY = tuple(f"{kind}:history" for kind in CONVERSATION_SCOPES.values())
_READ = tuple(f"{kind}:read" for kind in CONVERSATION_SCOPES.values())
_TYPES = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}
_OPEN = ("im:write", "channels:manage", "groups:write", "mpim:write")

T = TypeVar("T")


@method("conversations.history", *_HISTORY, per_minute=TIER_3)
def history(call: Call) -> Json:
    """What stands in a channel, newest first."""
    channel = _readable(call)
    latest_first = list(reversed(_within(call, call.backend.timeline.history(channel.id))))
    page, cursor = _page(call, latest_first, 100)
    return {"messages": [_shown(call, message) for message in page], **_more(cursor), "pin_count": 0}


@method("conversations.replies", *_HISTORY, per_minute=TIER_3)
def replies(call: Call) -> Json:
    """A thread, its root first."""
    channel = _readable(call)
    root, *below = call.backend.timeline.thread(channel.id, call.required("ts"))
    page, cursor = _page(call, [root, *_within(call, below)], 1000)
    return {"messages": [_shown(call, message) for message in page], **_more(cursor)}


@method("conversations.info", *_READ, per_minute=TIER_3)
def info(call: Call) -> Json:
    """One channel."""
    channel = call.channel()
    call.need_for(channel, "read")
    return {"channel": described(call, channel)}


@method("conversations.list", *_READ, per_minute=TIER_2)
def list_all(call: Call) -> Json:
    """Channels the caller can see, public ones unless `types` says otherwise."""
    channels = [c for c in call.workspace.channels.values() if call.workspace.readable(c, call.caller.user_id)]
    return _listed(call, channels)


@method("users.conversations", *_READ, per_minute=TIER_3)
def of_user(call: Call) -> Json:
    """Channels a member (the caller unless `user` is given) is in."""
    user = call.text("user") or call.caller.user_id
    return _listed(call, [c for c in call.workspace.channels.values() if user in c.members])


@method("conversations.members", *_READ, per_minute=TIER_4)
def members(call: Call) -> Json:
    """Who is in a channel."""
    channel = call.channel()
    call.need_for(channel, "read")
    page, cursor = _page(call, channel.members, 100)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


@method("conversations.open", *_OPEN, per_minute=TIER_3)
def open_im(call: Call) -> Json:
    """Open the direct messages with a person."""
    users = call.required("users").split(",")
    if len(users) != 1:
        raise Refused("method_not_supported_for_channel_type", "The local Slack opens conversations of two only.")
    channel = call.workspace.im_between(call.caller.user_id, call.workspace.user(users[0].strip()).id)
    return {"channel": {"id": channel.id}}


@method("conversations.join", "channels:join", per_minute=TIER_3)
def join(call: Call) -> Json:
    """Join a public channel."""
    channel = call.channel()
    if channel.kind != "channel":
        raise Refused("method_not_supported_for_channel_type", "Only public channels can be joined.")
    if call.caller.user_id in channel.members:
        return {"channel": described(call, channel), "warning": "already_in_channel"}
    call.backend.join(channel, call.caller.user_id)
    return {"channel": described(call, channel)}


def _readable(call: Call) -> Channel:
    channel = call.channel()
    call.need_for(channel, "history")
    if call.caller.kind == "bot" and call.caller.user_id not in channel.members:
        raise Refused("not_in_channel", f"The app is not in #{channel.name}; invite it.")
    return channel


def _within(call: Call, messages: list[Message]) -> list[Message]:
    oldest, latest = call.text("oldest", "0"), call.text("latest")
    inclusive = call.flag("inclusive")
    return [m for m in messages if _after(m.ts, oldest, inclusive) and (not latest or _after(latest, m.ts, inclusive))]


def _after(one: str, other: str, inclusive: bool) -> bool:
    first, second = _seconds(one), _seconds(other)
    return first > second or (inclusive and first == second)


def _seconds(ts: str) -> tuple[int, int]:
    whole, _, fraction = ts.partition(".")
    try:
        return int(whole or 0), int(fraction.ljust(6, "0")[:6])
    except ValueError:
        raise Refused("invalid_ts_oldest", f"{ts!r} is no timestamp.") from None


def _shown(call: Call, message: Message) -> Json:
    wanted = call.flag("include_all_metadata") and "metadata.message:read" in call.caller.scopes
    return message.wire(metadata=wanted)


def _page(call: Call, items: list[T], default: int) -> tuple[list[T], str]:
    start, limit = _start(call), call.number("limit", default, 1000)
    end = start + limit
    cursor = b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""
    return items[start:end], cursor


def _start(call: Call) -> int:
    if not call.text("cursor"):
        return 0
    try:
        return int(b64decode(call.text("cursor"), validate=True).decode().removeprefix("next:"))
    except (BadBase64, ValueError):
        raise Refused("invalid_cursor", "The cursor is none this method gave out.") from None


def _more(cursor: str) -> Json:
    return {"has_more": bool(cursor), **({"response_metadata": {"next_cursor": cursor}} if cursor else {})}


def _listed(call: Call, channels: list[Channel]) -> Json:
    wanted = {_TYPES.get(name.strip(), "") for name in call.text("types", "public_channel").split(",")}
    if "" in wanted:
        raise Refused("invalid_types", f"types must be among {', '.join(_TYPES)}.")
    for kind in wanted - {"mpim"}:
        call.need(f"{CONVERSATION_SCOPES[kind]}:read")
    shown = [c for c in channels if c.kind in wanted and not (call.flag("exclude_archived") and c.is_archived)]
    page, cursor = _page(call, shown, 100)
    return {"channels": [described(call, c) for c in page], "response_metadata": {"next_cursor": cursor}}


def described(call: Call, channel: Channel) -> Json:
    """A channel as Slack shows it to the caller."""
    common: Json = {"id": channel.id, "created": 1, "is_archived": channel.is_archived, "is_im": channel.is_im}
    if channel.is_im:
        other = next(user for user in channel.members if user != call.caller.user_id)
        return common | {"user": other, "is_user_deleted": False}
    return common | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_general": channel.name == "general",
        "is_member": call.caller.user_id in channel.members,
        "num_members": len(channel.members),
        "topic": {"value": channel.topic, "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }
