"""response_url: how an app answers an interaction for half an hour, five times."""

import json
import time
from dataclasses import dataclass
from secrets import token_urlsafe

from aiohttp import web

from playground.slack.content import by_webhook, content
from playground.slack.errors import Json, Refused
from playground.slack.faults import Faults
from playground.slack.messages import Ephemeral, Message
from playground.slack.rules import Rules
from playground.slack.timeline import Timeline
from playground.slack.workspace import Workspace


@dataclass
class Reply:
    """Where an answer goes: to whom, in which channel, about which message (None for a command)."""

    user: str
    channel: str
    source: Message | Ephemeral | None = None
    uses_left: int = 0
    expires: float = 0.0


class Replies:
    """Issues response_urls and carries out what is posted to them."""

    def __init__(self, workspace: Workspace, timeline: Timeline, rules: Rules, faults: Faults) -> None:
        self._workspace = workspace
        self._timeline = timeline
        self._rules = rules
        self._faults = faults
        self._open: dict[str, Reply] = {}
        self.base_url = ""

    def issue(self, reply: Reply) -> str:
        """A response_url for one interaction."""
        reply.uses_left, reply.expires = self._rules.reply_url_uses, time.monotonic() + self._rules.reply_url_life
        key = token_urlsafe(18)
        self._open[key] = reply
        return f"{self.base_url}/responses/{self._workspace.team_id}/{key}"

    async def serve(self, request: web.Request) -> web.Response:
        """What an app posts to a response_url; errors as JSON with 404 or 400."""
        if self._faults.offline:
            return web.Response(status=503, text="Service Unavailable")
        reply = self._open.get(request.match_info["key"])
        if reply is None or time.monotonic() > reply.expires:
            return _refusal("expired_url", 404)
        if reply.uses_left == 0:
            return _refusal("used_url", 404)
        try:
            given = json.loads(await request.text())
            if not isinstance(given, dict):
                raise Refused("invalid_payload", "A response is a JSON object.")
            self.carry_out(reply, given)
        except ValueError:
            return _refusal("invalid_payload", 400)
        except Refused as refused:
            return _refusal(refused.code, 400, **refused.fields)
        reply.uses_left -= 1
        return web.Response(text="ok")

    def carry_out(self, reply: Reply, given: Json) -> None:
        """Delete or replace the original, or say something new, to the person alone unless `in_channel`."""
        if _true(given.get("delete_original")) and reply.source:
            self._delete(reply.source)
            return
        said = content(given)
        if _true(given.get("replace_original")) and reply.source:
            self._replace(reply.source, said)
            return
        author = by_webhook(self._workspace.app)
        thread = {"thread_ts": str(given["thread_ts"])} if given.get("thread_ts") else {}
        if given.get("response_type") == "in_channel":
            self._timeline.post(reply.channel, {**author, **said, **thread})
        else:
            self._timeline.whisper(reply.channel, reply.user, {**author, **said, **thread})

    def _delete(self, source: Message | Ephemeral) -> None:
        if isinstance(source, Ephemeral):
            self._timeline.dismiss(source)
        elif source.bot_id == self._workspace.app.id:
            self._timeline.delete(source)
        else:
            raise Refused("cant_delete_message", "Only the app's own message can be deleted.")

    def _replace(self, source: Message | Ephemeral, said: Json) -> None:
        changes = {"blocks": None, "attachments": None, **said}
        if isinstance(source, Ephemeral):
            self._timeline.rewhisper(source, changes)
        elif source.bot_id == self._workspace.app.id:
            self._timeline.change(source, changes)
        else:
            raise Refused("cant_update_message", "Only the app's own message can be replaced.")


def _true(value: object) -> bool:
    return value in (True, "true", 1, "1")


def _refusal(code: str, status: int, **fields: object) -> web.Response:
    return web.json_response({"ok": False, "error": code, **fields}, status=status)
