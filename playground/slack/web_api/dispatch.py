"""The HTTP face of the Web API: `POST /api/<method>`."""

import asyncio
import time

from aiohttp import web

from playground.slack.backend import Backend
from playground.slack.errors import Json, Refused
from playground.slack.web_api import chat, conversations, reactions, tokens, users, views
from playground.slack.web_api.call import Call, Caller, arguments, caller_of
from playground.slack.web_api.limits import RateLimits, ratelimited
from playground.slack.web_api.registry import METHODS, Method

MODULES = (chat, conversations, reactions, tokens, users, views)
"""Imported for what they register."""


class WebApi:
    """Answers the Web API: authentication, scopes, limits and faults first, then the method."""

    def __init__(self, backend: Backend, limits: RateLimits) -> None:
        self._backend = backend
        self._limits = limits

    async def serve(self, request: web.Request) -> web.Response:
        """Answer one call; refusals are `{"ok": false, "error": …}` with 200, too many calls 429."""
        name = request.match_info["method"]
        args: Json = {}
        caller: Caller | None = None
        try:
            args = await arguments(request)
            token = _token(request, args)
            if self._backend.faults.offline and not token.startswith("xoxp-"):
                return web.Response(status=503, text="Service Unavailable")
            method = METHODS.get(name)
            if method is None:
                raise Refused("unknown_method", f"Slack has no method {name} (or the local Slack does not know it).")
            if name != "api.test":
                caller = caller_of(token, self._backend)
            answer = {"ok": True, **await self._run(method, caller, args)}
        except Refused as refused:
            answer = {"ok": False, "error": refused.code, **refused.fields}
        self._note(name, args, caller, answer)
        return _response(answer, caller)

    async def _run(self, method: Method, caller: Caller | None, args: Json) -> Json:
        if caller is None:
            return {"args": args} if args else {}
        call = Call(self._backend, caller, args)
        if caller.kind != "user":
            await self._suffer(method, call)
        if caller.kind not in method.tokens:
            raise Refused("not_allowed_token_type", f"{method.name} takes no {caller.kind} token.")
        call.need(*method.scopes)
        return method.run(call)

    async def _suffer(self, method: Method, call: Call) -> None:
        faults = self._backend.faults
        if faults.slow_api_seconds:
            await asyncio.sleep(faults.slow_api_seconds)
        if faults.take_rate_limit():
            raise ratelimited(faults.rate_limit_retry_after)
        if error := faults.fail_api.get(method.name, faults.fail_api.get("*", "")):
            raise Refused(error, "This fault was asked for.")
        self._limits.check(method, call)

    def _note(self, name: str, args: Json, caller: Caller | None, answer: Json) -> None:
        self._backend.api_log.append(
            {
                "method": name,
                "args": args,
                "caller": caller.user_id or caller.kind if caller else "",
                "outcome": "ok" if answer["ok"] else answer["error"],
                "at": time.time(),
            }
        )


def _token(request: web.Request, args: Json) -> str:
    given = str(args.pop("token", "") or "")
    header = request.headers.get("Authorization", "")
    return header.removeprefix("Bearer ").strip() if header.startswith("Bearer ") else given


def _response(answer: Json, caller: Caller | None) -> web.Response:
    headers = {"x-oauth-scopes": ",".join(sorted(caller.scopes))} if caller else {}
    if answer.get("error") == "ratelimited":
        headers["Retry-After"] = str(answer.pop("retry_after", 1))
        return web.json_response(answer, status=429, headers=headers)
    return web.json_response(answer, headers=headers)
