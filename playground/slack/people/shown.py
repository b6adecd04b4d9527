"""What a person sees: the workspace, messages, conversations."""

from playground.slack.backend import Backend
from playground.slack.errors import Json, Refused
from playground.slack.messages import Message
from playground.slack.workspace import Channel


def state(backend: Backend) -> Json:
    """The whole workspace, as the page needs it once."""
    space, manifest = backend.workspace, backend.manifest
    return {
        "team": {"id": space.team_id, "name": space.name},
        "users": [
            {"id": u.id, "name": u.name, "real_name": u.real_name, "is_bot": u.is_bot, "color": u.color}
            for u in space.users.values()
        ],
        "channels": [channel(c) for c in space.channels.values() if not c.is_im],
        "groups": [{"id": g.id, "handle": g.handle, "users": g.users} for g in space.groups.values()],
        "bots": [{"id": b.id, "name": b.name, "user_id": b.user_id} for b in space.bots.values()],
        "app": {
            "id": space.app.app_id,
            "name": space.app.name,
            "bot_id": space.app.id,
            "bot_user_id": space.app.user_id,
            "connected": bool(backend.sockets.live),
            "home_tab": manifest.home_tab,
            "takes_messages": manifest.messages_tab and not manifest.messages_tab_read_only,
            "commands": [
                {"command": c.command, "description": c.description, "usage_hint": c.usage_hint}
                for c in manifest.commands
            ],
            "shortcuts": [
                {"name": s.name, "callback_id": s.callback_id, "type": s.type, "description": s.description}
                for s in manifest.shortcuts
            ],
        },
    }


def channel(shown: Channel) -> Json:
    """A channel for the page."""
    return {
        "id": shown.id,
        "name": shown.name,
        "is_im": shown.is_im,
        "is_private": shown.is_private,
        "members": list(shown.members),
        "topic": shown.topic,
    }


def messages(backend: Backend, channel_id: str, user: str, thread_ts: str = "") -> list[Json]:
    """A channel or one thread of it as one person sees it, ephemeral messages in their place. Oldest first."""
    place = visible(backend, channel_id, user)
    timeline = backend.timeline
    found: list[Message] = timeline.thread(channel_id, thread_ts) if thread_ts else timeline.history(channel_id)
    whispers = [
        whisper.wire()
        for whisper in timeline.ephemerals(user, place.id)
        if whisper.body.get("thread_ts", "") == thread_ts
    ]
    return sorted([*(message.wire() for message in found), *whispers], key=lambda shown: str(shown["ts"]))


def visible(backend: Backend, channel_id: str, user: str) -> Channel:
    """The channel, if this person may read it; Refused(channel_not_found, user_not_found)."""
    backend.workspace.user(user)
    found = backend.workspace.channel(channel_id)
    if not backend.workspace.readable(found, user):
        raise Refused("channel_not_found", f"{user} cannot see {channel_id}.")
    return found


def ims(backend: Backend, user: str) -> list[Json]:
    """A person's direct messages, the app's first, with the id of the other side."""
    space = backend.workspace
    space.im_between(space.user(user).id, space.app.user_id)
    shown = []
    for im in space.ims_of(user):
        other = next(member for member in im.members if member != user)
        shown.append(channel(im) | {"user": other, "name": space.user(other).name})
    return shown
