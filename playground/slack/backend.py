"""All parts of the local Slack, put together."""

from collections import deque
from dataclasses import dataclass, field

from playground.slack.background import Background
from playground.slack.errors import Json, Refused
from playground.slack.events import EventsApi
from playground.slack.faults import Faults
from playground.slack.happenings import Announcer, Joined
from playground.slack.interactions import Interactions
from playground.slack.manifest import Manifest
from playground.slack.replies import Replies
from playground.slack.rules import Rules
from playground.slack.socket_mode import Sockets
from playground.slack.timeline import Timeline
from playground.slack.triggers import Triggers
from playground.slack.views import Views
from playground.slack.workspace import Channel, Workspace

APP_TOKEN = "xapp-1-local-oncall"  # noqa: S105 - the fixed token of a loopback playground, no secret


@dataclass
class Backend:
    """What a request may touch."""

    workspace: Workspace
    manifest: Manifest
    rules: Rules
    faults: Faults
    announce: Announcer
    background: Background
    sockets: Sockets
    timeline: Timeline
    views: Views
    triggers: Triggers
    replies: Replies
    events: EventsApi
    interactions: Interactions
    url: str = ""
    api_log: "deque[Json]" = field(default_factory=lambda: deque(maxlen=5000))

    def join(self, channel: Channel, user: str, inviter: str = "") -> None:
        """Let somebody into a channel, as Slack announces it; Refused(already_in_channel)."""
        if user in channel.members:
            raise Refused("already_in_channel", f"{user} is already in #{channel.name}.")
        channel.members.append(user)
        self.announce(Joined(channel, user, inviter))
        self._remark(channel, user, "join", f"<@{user}> has joined the channel", inviter)

    def leave(self, channel: Channel, user: str) -> None:
        """Take somebody out of a channel; Refused(not_in_channel)."""
        if user not in channel.members:
            raise Refused("not_in_channel", f"{user} is not in #{channel.name}.")
        self._remark(channel, user, "leave", f"<@{user}> has left the channel")
        channel.members.remove(user)

    def _remark(self, channel: Channel, user: str, what: str, text: str, inviter: str = "") -> None:
        kind = "group" if channel.is_private else "channel"
        extra = {"inviter": inviter} if inviter else {}
        self.timeline.post(channel.id, {"subtype": f"{kind}_{what}", "user": user, "text": text, **extra})


def build(workspace: Workspace, manifest: Manifest, rules: Rules) -> Backend:
    """Wire everything: events follow what happens in the workspace."""
    workspace.rename_app(manifest.bot_name)
    faults, announce, background = Faults(), Announcer(), Background()
    sockets = Sockets(workspace.app.app_id, rules, faults, background)
    faults.attach(sockets.drop, sockets.refresh)
    timeline, views = Timeline(workspace, announce), Views(workspace, announce)
    triggers, replies = Triggers(rules, faults), Replies(workspace, timeline, rules, faults)
    events = EventsApi(workspace, manifest, sockets, background, rules, faults)
    announce.listeners.append(events)
    interactions = Interactions(workspace, manifest, sockets, timeline, views, triggers, replies, announce)
    return Backend(
        workspace,
        manifest,
        rules,
        faults,
        announce,
        background,
        sockets,
        timeline,
        views,
        triggers,
        replies,
        events,
        interactions,
    )
