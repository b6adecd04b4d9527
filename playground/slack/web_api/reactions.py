"""reactions.*: emoji on messages."""

import re

from playground.slack.errors import Json, Refused
from playground.slack.messages import Message
from playground.slack.web_api.call import Call
from playground.slack.web_api.registry import TIER_2, TIER_3, method

_NAME = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")
_MOST = 23


@method("reactions.add", "reactions:write", per_minute=TIER_3)
def add(call: Call) -> Json:
    """Put an emoji on a message."""
    message, name = _item(call), _name(call)
    if name not in message.reactions and len(message.reactions) >= _MOST:
        raise Refused("too_many_emoji", f"A message takes at most {_MOST} kinds of reactions.")
    call.backend.timeline.react(message, call.caller.user_id, name)
    return {}


@method("reactions.remove", "reactions:write", per_minute=TIER_2)
def remove(call: Call) -> Json:
    """Take one's own emoji back."""
    call.backend.timeline.unreact(_item(call), call.caller.user_id, _name(call))
    return {}


@method("reactions.get", "reactions:read", per_minute=TIER_3)
def get(call: Call) -> Json:
    """The emoji on a message."""
    message = _item(call)
    return {"type": "message", "channel": message.channel, "message": message.wire()}


def _item(call: Call) -> Message:
    channel = call.channel()
    if call.caller.user_id not in channel.members:
        raise Refused("not_in_channel", f"The caller is not in #{channel.name}; invite it.")
    return call.backend.timeline.message(channel.id, call.required("timestamp"))


def _name(call: Call) -> str:
    name = call.required("name").strip(":")
    if not _NAME.fullmatch(name):
        raise Refused("invalid_name", f"{name!r} is no name of an emoji.")
    return name
