"""Incoming webhooks: `POST /services/<team>/<bot>/<secret>`; answers are plain text, as Slack's are."""

import json

from aiohttp import web

from playground.slack.backend import Backend
from playground.slack.content import by_webhook, content
from playground.slack.errors import Json, Refused
from playground.slack.web_api.limits import RateLimits
from playground.slack.workspace import IncomingWebhook


class Webhooks:
    """Posts what monitoring systems send."""

    def __init__(self, backend: Backend, limits: RateLimits) -> None:
        self._backend = backend
        self._limits = limits

    async def serve(self, request: web.Request) -> web.Response:
        """`ok`, or 4xx with Slack's word for what was wrong."""
        if self._backend.faults.offline:
            return web.Response(status=503, text="Service Unavailable")
        webhook = self._find(request.match_info["bot"], request.match_info["secret"])
        if request.match_info["team"] != self._backend.workspace.team_id:
            return web.Response(status=404, text="no_team")
        if webhook is None:
            return web.Response(status=404, text="no_service")
        try:
            self._limits.check_webhook(webhook.bot_id)
            self._post(webhook, await _payload(request))
        except Refused as refused:
            return _refusal(refused)
        return web.Response(text="ok")

    def _find(self, bot_id: str, secret: str) -> IncomingWebhook | None:
        webhooks = self._backend.workspace.webhooks
        return next((w for w in webhooks if (w.bot_id, w.secret) == (bot_id, secret)), None)

    def _post(self, webhook: IncomingWebhook, given: Json) -> None:
        if self._backend.workspace.channel(webhook.channel).is_archived:
            raise Refused("channel_is_archived")
        author = by_webhook(self._backend.workspace.bots[webhook.bot_id], str(given.get("username") or ""))
        icons = {"icons": {"emoji": given["icon_emoji"]}} if given.get("icon_emoji") else {}
        thread = {"thread_ts": str(given["thread_ts"])} if given.get("thread_ts") else {}
        self._backend.timeline.post(webhook.channel, {**author, **content(given), **icons, **thread})


async def _payload(request: web.Request) -> Json:
    if request.content_type == "application/x-www-form-urlencoded":
        text = str((await request.post()).get("payload", ""))
    else:
        text = await request.text()
    try:
        given = json.loads(text)
    except ValueError:
        raise Refused("invalid_payload") from None
    if not isinstance(given, dict):
        raise Refused("invalid_payload")
    return given


def _refusal(refused: Refused) -> web.Response:
    if refused.code == "ratelimited":
        after = str(refused.fields["retry_after"])
        return web.Response(status=429, text="rate_limited", headers={"Retry-After": after})
    status = {"channel_not_found": 404, "channel_is_archived": 410}.get(refused.code, 400)
    return web.Response(status=status, text=refused.code)
