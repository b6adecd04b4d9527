"""One call of a Web API method: who calls, with which arguments."""

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from playground.slack.backend import APP_TOKEN, Backend
from playground.slack.errors import Json, Refused
from playground.slack.scopes import KNOWN_BOT_SCOPES
from playground.slack.workspace import Bot, Channel, Workspace

_OTHER_APPS = frozenset({"chat:write", "channels:history", "channels:read", "reactions:write", "users:read"})
CONVERSATION_SCOPES = {"channel": "channels", "group": "groups", "im": "im"}


@dataclass(frozen=True)
class Caller:
    """Whose token it is: `kind` is `bot`, `user` or `app`."""

    kind: str
    token: str
    user_id: str
    bot: Bot | None
    scopes: frozenset[str]


def caller_of(token: str, backend: Backend) -> Caller:
    """The owner of a token; Refused(not_authed, invalid_auth). People's tokens may do everything people may."""
    space = backend.workspace
    if not token:
        raise Refused("not_authed", "No token was given.")
    if token == APP_TOKEN:
        return Caller("app", token, "", space.app, frozenset({"connections:write"}))
    for bot in space.bots.values():
        if bot.token and bot.token == token:
            ours = bot.id == space.app.id
            return Caller("bot", token, bot.user_id, bot, backend.manifest.scopes if ours else _OTHER_APPS)
    person = space.users.get(token.removeprefix("xoxp-"))
    if person and not person.is_bot and token.startswith("xoxp-"):
        return Caller("user", token, person.id, None, KNOWN_BOT_SCOPES)
    raise Refused("invalid_auth", "The token is none of this workspace's.")


async def arguments(request: web.Request) -> Json:
    """The arguments of a call: the query, and a JSON or form body above it."""
    given: Json = dict(request.query)
    if request.content_type == "application/json":
        text = await request.text()
        if text.strip():
            try:
                body = json.loads(text)
            except ValueError:
                raise Refused("invalid_json", "The body is no valid JSON.") from None
            if not isinstance(body, dict):
                raise Refused("json_not_object", "The body must be a JSON object.")
            given |= body
    elif request.method == "POST":
        given |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
    return given


@dataclass(frozen=True)
class Call:
    """A call with its arguments, read as Slack reads them."""

    backend: Backend
    caller: Caller
    args: Json

    @property
    def workspace(self) -> Workspace:
        """The workspace called on."""
        return self.backend.workspace

    def text(self, name: str, default: str = "") -> str:
        """A string, or the default."""
        value = self.args.get(name)
        return default if value is None else str(value)

    def required(self, name: str) -> str:
        """A string that must be there; Refused(invalid_arguments)."""
        if not self.text(name):
            problem = f"[ERROR] missing required field: {name}"
            raise Refused("invalid_arguments", problem, response_metadata={"messages": [problem]})
        return self.text(name)

    def flag(self, name: str) -> bool:
        """A boolean: true, "true", 1 or "1"."""
        return self.args.get(name) in (True, "true", "True", 1, "1")

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number between 1 and `most`; Refused(invalid_limit)."""
        try:
            value = int(self.args.get(name) or default)
        except (TypeError, ValueError):
            raise Refused("invalid_limit", f"{name} must be a number.") from None
        if not 1 <= value <= most:
            raise Refused("invalid_limit", f"{name} must be from 1 to {most}.")
        return value

    def structure(self, name: str, error: str = "invalid_arguments") -> Any:
        """A JSON value, given as such or as a string; None when absent."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise Refused(error, f"{name} is no valid JSON.") from None

    def channel(self, name: str = "channel") -> Channel:
        """A channel the caller can see; Refused(channel_not_found)."""
        channel = self.workspace.channel(self.required(name))
        if not self.workspace.readable(channel, self.caller.user_id):
            raise Refused("channel_not_found", f"{channel.id} is private and the caller is not in it.")
        return channel

    def need(self, *scopes: str) -> None:
        """Refused(missing_scope) unless the caller holds one of them."""
        if scopes and not self.caller.scopes.intersection(scopes):
            provided = ",".join(sorted(self.caller.scopes))
            raise Refused(
                "missing_scope",
                f"The token lacks the scope {' or '.join(scopes)}.",
                needed=",".join(scopes),
                provided=provided,
            )

    def need_for(self, channel: Channel, verb: str) -> None:
        """The scope that fits the channel's kind, such as `groups:history`."""
        self.need(f"{CONVERSATION_SCOPES[channel.kind]}:{verb}")
