"""The Events API: what the app is told, and how often it is told again."""

import asyncio
import logging
import time
from secrets import token_hex

from playground.slack.background import Background
from playground.slack.errors import Json, NotAcknowledged, NotDelivered
from playground.slack.faults import Faults
from playground.slack.happenings import Changed, Deleted, Happening, HomeOpened, Joined, Posted, Reacted
from playground.slack.manifest import Manifest
from playground.slack.rules import Rules
from playground.slack.socket_mode import Sockets
from playground.slack.workspace import Channel, Workspace

log = logging.getLogger(__name__)
_MESSAGE_EVENT = {"channel": "message.channels", "group": "message.groups", "im": "message.im"}


class EventsApi:
    """Turns happenings into events the manifest subscribes to, and delivers each until it is acknowledged."""

    def __init__(
        self,
        workspace: Workspace,
        manifest: Manifest,
        sockets: Sockets,
        background: Background,
        rules: Rules,
        faults: Faults,
    ) -> None:
        self._workspace = workspace
        self._manifest = manifest
        self._sockets = sockets
        self._background = background
        self._rules = rules
        self._faults = faults
        self.lost: list[Json] = []
        """Events that were never acknowledged, after the last try."""

    def __call__(self, happening: Happening) -> None:
        """Deliver what this happening means to the app, beside everything else."""
        for subscription, event in self._events(happening):
            if subscription in self._manifest.events:
                self._background.spawn(self._deliver(self._callback(event)))

    def _events(self, happening: Happening) -> list[tuple[str, Json]]:
        if isinstance(happening, HomeOpened):
            return [("app_home_opened", _home_opened(happening))]
        if not isinstance(happening, Posted | Changed | Deleted | Reacted | Joined):
            return []
        if self._workspace.app.user_id not in happening.channel.members:
            return []
        match happening:
            case Posted():
                return self._posted(happening)
            case Changed(visible=True):
                return [(_MESSAGE_EVENT[happening.channel.kind], self._changed(happening))]
            case Deleted():
                return [(_MESSAGE_EVENT[happening.channel.kind], self._deleted(happening))]
            case Reacted():
                event = _reacted(happening)
                return [(event["type"], event)]
            case Joined():
                return [("member_joined_channel", self._joined(happening))]
        return []

    def _posted(self, happening: Posted) -> list[tuple[str, Json]]:
        channel, message = happening.channel, happening.message
        event = {**message.body, **_where(channel), "event_ts": message.ts}
        events = [(_MESSAGE_EVENT[channel.kind], event)]
        mentioned = f"<@{self._workspace.app.user_id}" in str(message.body.get("text", ""))
        if mentioned and not channel.is_im and message.bot_id != self._workspace.app.id and "subtype" not in event:
            mention = {key: value for key, value in event.items() if key != "channel_type"}
            events.append(("app_mention", mention | {"type": "app_mention"}))
        return events

    def _changed(self, happening: Changed) -> Json:
        stamp = _stamp()
        return {
            "type": "message",
            "subtype": "message_changed",
            "hidden": True,
            "message": happening.message.wire(),
            "previous_message": happening.previous,
            **_where(happening.channel),
            "ts": stamp,
            "event_ts": stamp,
        }

    def _deleted(self, happening: Deleted) -> Json:
        stamp = _stamp()
        return {
            "type": "message",
            "subtype": "message_deleted",
            "hidden": True,
            "deleted_ts": happening.message.ts,
            "previous_message": happening.previous,
            **_where(happening.channel),
            "ts": stamp,
            "event_ts": stamp,
        }

    def _joined(self, happening: Joined) -> Json:
        return {
            "type": "member_joined_channel",
            "user": happening.user,
            "channel": happening.channel.id,
            "channel_type": "G" if happening.channel.is_private else "C",
            "team": self._workspace.team_id,
            **({"inviter": happening.inviter} if happening.inviter else {}),
            "event_ts": _stamp(),
        }

    def _callback(self, event: Json) -> Json:
        space = self._workspace
        return {
            "token": "verification",
            "team_id": space.team_id,
            "context_team_id": space.team_id,
            "context_enterprise_id": None,
            "api_app_id": space.app.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev0{token_hex(5).upper()}",
            "event_time": int(float(event["event_ts"])),
            "is_ext_shared_channel": False,
            "event_context": token_hex(8),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": space.team_id,
                    "user_id": space.app.user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
        }

    async def _deliver(self, callback: Json) -> None:
        if self._faults.duplicate_events:
            self._background.spawn(self._retry(callback))
        await self._retry(callback)

    async def _retry(self, callback: Json) -> None:
        reason = ""
        for attempt, wait in enumerate((0.0, *self._rules.retry_after)):
            if wait:
                await asyncio.sleep(wait)
            try:
                await self._sockets.deliver(
                    "events_api",
                    callback,
                    accepts_response_payload=False,
                    retry_attempt=attempt,
                    retry_reason=reason,
                )
                return
            except NotAcknowledged:
                reason = "timeout"
            except NotDelivered:
                reason = "connection_failed"
        log.warning("local Slack gave up on event %s (%s)", callback["event_id"], callback["event"]["type"])
        self.lost.append(callback)


def _stamp() -> str:
    return f"{time.time():.6f}"


def _where(channel: Channel) -> Json:
    return {"channel": channel.id, "channel_type": channel.kind}


def _home_opened(happening: HomeOpened) -> Json:
    return {
        "type": "app_home_opened",
        "user": happening.user,
        "channel": happening.channel.id,
        "tab": happening.tab,
        **({"view": happening.view} if happening.view else {}),
        "event_ts": _stamp(),
    }


def _reacted(happening: Reacted) -> Json:
    return {
        "type": "reaction_added" if happening.added else "reaction_removed",
        "user": happening.user,
        "reaction": happening.name,
        "item": {"type": "message", "channel": happening.channel.id, "ts": happening.message.ts},
        "item_user": happening.message.user,
        "event_ts": _stamp(),
    }
