"""What a person does: talk, react, open Home, and Slack's own commands."""

import re

from playground.slack.backend import Backend
from playground.slack.errors import Json, Refused
from playground.slack.happenings import HomeOpened
from playground.slack.messages import Ephemeral, Message
from playground.slack.people import shown
from playground.slack.text import typed_message
from playground.slack.workspace import Channel

_MENTION = re.compile(r"<@(\w+)>")


def say(backend: Backend, user: str, channel_id: str, text: str, thread_ts: str = "") -> Json:
    """Post a message as a person types it; Refused(not_in_channel, no_text, messages_tab_read_only)."""
    channel = _member(backend, user, channel_id)
    space = backend.workspace
    if not text.strip():
        raise Refused("no_text", "There is nothing to send.")
    to_app = channel.is_im and space.app.user_id in channel.members
    if to_app and (backend.manifest.messages_tab_read_only or not backend.manifest.messages_tab):
        raise Refused("messages_tab_read_only", "Sending messages to this app has been turned off.")
    body: Json = {"user": user, "team": space.team_id, "text": typed_message(text, space)}
    if thread_ts:
        body["thread_ts"] = thread_ts
    message = backend.timeline.post(channel.id, body)
    return {"channel": channel.id, "ts": message.ts, "message": message.wire()}


def _member(backend: Backend, user: str, channel_id: str) -> Channel:
    channel = shown.visible(backend, channel_id, user)
    if user not in channel.members:
        raise Refused("not_in_channel", f"{user} is not in #{channel.name}.")
    return channel


async def command(backend: Backend, user: str, channel_id: str, name: str, text: str, thread_ts: str) -> None:
    """A slash command: Slack's own /invite and /remove, else the app's. In threads Slack has none."""
    channel = shown.visible(backend, channel_id, user)
    if thread_ts:
        raise Refused("not_supported_in_threads", f"{name} is not supported in threads. Sorry!")
    if name in ("/invite", "/remove"):
        _move(backend, user, channel, name, text)
        return
    await backend.interactions.command(user, channel.id, name, text)


def _move(backend: Backend, user: str, channel: Channel, name: str, text: str) -> None:
    members = _MENTION.findall(typed_message(text, backend.workspace))
    if not members:
        raise Refused("user_not_found", f"{name} needs the name of somebody, such as {name} @ben.")
    for member in members:
        if name == "/invite":
            backend.join(channel, member, user)
        else:
            backend.leave(channel, member)


def react(backend: Backend, user: str, channel_id: str, ts: str, name: str, *, remove: bool) -> None:
    """Put an emoji on a message, or take it back."""
    message = backend.timeline.message(_member(backend, user, channel_id).id, ts)
    if remove:
        backend.timeline.unreact(message, user, name)
    else:
        backend.timeline.react(message, user, name)


def open_home(backend: Backend, user: str) -> Json | None:
    """Open the app's Home tab: the app is told; returns what is published so far, None at first."""
    if not backend.manifest.home_tab:
        raise Refused("not_enabled", "The manifest does not enable the app's Home tab.")
    space = backend.workspace
    view = backend.views.home(space.user(user).id)
    backend.announce(HomeOpened(user, space.im_between(user, space.app.user_id), "home", view))
    return view


def whisper(backend: Backend, user: str, ephemeral_id: str) -> Ephemeral:
    """An ephemeral message this person sees; Refused(message_not_found)."""
    ephemeral = backend.timeline.ephemeral(ephemeral_id)
    if ephemeral.user != user:
        raise Refused("message_not_found", f"{user} does not see {ephemeral.id}.")
    return ephemeral


def place(backend: Backend, user: str, where: Json) -> Message | Ephemeral | Json:
    """What `where` names, if this person sees it: a message, an ephemeral message or a view."""
    if where.get("ephemeral_id"):
        return whisper(backend, user, str(where["ephemeral_id"]))
    if where.get("view_id"):
        owner, view = backend.views.find(str(where["view_id"]))
        if owner != user:
            raise Refused("not_found", f"{user} does not have {view['id']} open.")
        return view
    channel = shown.visible(backend, str(where.get("channel", "")), user)
    return backend.timeline.message(channel.id, str(where.get("ts", "")))
