"""chat.*: what apps and people say."""

import json

from playground.slack.content import by_app, content
from playground.slack.errors import Json, Refused
from playground.slack.messages import Message
from playground.slack.web_api.call import Call
from playground.slack.web_api.registry import TIER_3, TIER_4, method
from playground.slack.workspace import Channel

_LONGEST_EDIT = 4_000
_LARGEST_METADATA = 16_000


@method("chat.postMessage", "chat:write", per_channel=True)
def post_message(call: Call) -> Json:
    """Post to a channel, a thread, or (channel = user id) a person's direct messages."""
    channel = _target(call)
    body = _author(call) | _content(call) | _thread(call)
    message = call.backend.timeline.post(channel.id, body, _metadata(call))
    return {"channel": channel.id, "ts": message.ts, "message": message.wire(metadata=True)}


@method("chat.update", "chat:write", per_minute=TIER_3)
def update(call: Call) -> Json:
    """Edit one's own message. Without `blocks` the old ones stay only if there is no `text` either."""
    message = _own(call, "cant_update_message")
    said = _content(call, longest=_LONGEST_EDIT)
    changes: Json = {"blocks": None} | said if call.args.get("text") else said
    if not call.text("text"):
        changes.pop("text", None)
    if (metadata := _metadata(call)) is not None:
        message.metadata = metadata
    edited_by = "" if changes.get("blocks") else call.caller.user_id
    call.backend.timeline.change(message, changes, edited_by=edited_by)
    return {
        "channel": message.channel,
        "ts": message.ts,
        "text": message.body["text"],
        "message": message.wire(metadata=True),
    }


@method("chat.delete", "chat:write", per_minute=TIER_3)
def delete(call: Call) -> Json:
    """Remove one's own message."""
    message = _own(call, "cant_delete_message")
    call.backend.timeline.delete(message)
    return {"channel": message.channel, "ts": message.ts}


@method("chat.postEphemeral", "chat:write", per_minute=TIER_4)
def post_ephemeral(call: Call) -> Json:
    """Show a message to one member of a channel only."""
    channel = _target(call)
    user = call.workspace.user(call.required("user"))
    if user.id not in channel.members:
        raise Refused("user_not_in_channel", f"{user.id} is not in {channel.id}.")
    body = _author(call) | _content(call, longest=_LONGEST_EDIT) | _thread(call)
    body.pop("subtype", None)
    ephemeral = call.backend.timeline.whisper(channel.id, user.id, body)
    return {"message_ts": ephemeral.body["ts"]}


@method("chat.getPermalink", per_minute=600)
def get_permalink(call: Call) -> Json:
    """The address of a message; a reply's names its thread."""
    channel = call.channel()
    message = call.backend.timeline.message(channel.id, call.required("message_ts"))
    link = f"{call.backend.url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    query = f"?thread_ts={message.thread_ts}&cid={channel.id}" if message.is_reply else ""
    return {"channel": channel.id, "permalink": link + query}


def _target(call: Call) -> Channel:
    given, space = call.required("channel"), call.workspace
    if given in space.users:
        return _direct(call, given)
    named = space.channel_named(given.removeprefix("#"))
    channel = named or space.channel(given)
    if not space.readable(channel, call.caller.user_id):
        raise Refused("channel_not_found", f"{channel.id} is private and the caller is not in it.")
    if channel.is_archived:
        raise Refused("is_archived", f"#{channel.name} is archived.")
    public = call.caller.bot and "chat:write.public" in call.caller.scopes
    if call.caller.user_id not in channel.members and not public:
        raise Refused("not_in_channel", f"The caller is not in #{channel.name}; invite it.")
    return channel


def _direct(call: Call, user_id: str) -> Channel:
    if call.workspace.user(user_id).is_bot:
        raise Refused("cannot_dm_bot", f"{user_id} is an app; apps get no direct messages of others.")
    ours = call.caller.user_id == call.workspace.app.user_id
    if ours and not call.backend.manifest.messages_tab:
        raise Refused("messages_tab_disabled", "The manifest turns the app's Messages tab off.")
    return call.workspace.im_between(call.caller.user_id, user_id)


def _author(call: Call) -> Json:
    bot = call.caller.bot
    if bot is None:
        return {"user": call.caller.user_id, "team": call.workspace.team_id}
    fields = by_app(call.workspace, bot)
    if call.text("username") and "chat:write.customize" in call.caller.scopes:
        fields |= {"username": call.text("username"), "subtype": "bot_message"}
    return fields


def _content(call: Call, longest: int = 40_000) -> Json:
    given = {
        "text": call.args.get("text"),
        "blocks": call.structure("blocks", "invalid_blocks_format"),
        "attachments": call.structure("attachments", "invalid_attachments"),
    }
    return content(given, longest=longest)


def _thread(call: Call) -> Json:
    if not call.text("thread_ts"):
        return {}
    broadcast = {"subtype": "thread_broadcast"} if call.flag("reply_broadcast") else {}
    return {"thread_ts": call.text("thread_ts"), **broadcast}


def _metadata(call: Call) -> Json | None:
    metadata = call.structure("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if metadata == {}:
        return {}
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
        raise Refused("invalid_metadata_format", "metadata needs event_type and an object event_payload.")
    if not isinstance(metadata.get("event_type"), str) or not metadata["event_type"]:
        raise Refused("invalid_metadata_format", "metadata needs an event_type.")
    if len(json.dumps(metadata)) > _LARGEST_METADATA:
        raise Refused("metadata_too_large", f"metadata may have at most {_LARGEST_METADATA} bytes.")
    return {"event_type": metadata["event_type"], "event_payload": metadata["event_payload"]}


def _own(call: Call, error: str) -> Message:
    channel = call.channel()
    message = call.backend.timeline.message(channel.id, call.required("ts"))
    bot = call.caller.bot
    mine = message.bot_id == bot.id if bot else message.user == call.caller.user_id
    if not mine:
        raise Refused(error, f"{message.ts} was written by somebody else.")
    return message
