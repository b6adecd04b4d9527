"""The people API over HTTP. Described in README.md beside the package."""

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from aiohttp import web

from playground.slack.backend import Backend
from playground.slack.errors import Json, Refused
from playground.slack.messages import Message
from playground.slack.people import deeds, shown
from playground.slack.people.stream import Streams

Deed = Callable[["PeopleApi", "Given"], Awaitable[Json]]
Route = Callable[["PeopleApi", web.Request], Awaitable[web.Response]]


def _answering(deed: Deed) -> Route:
    """Make a route of a deed: arguments from the query or the JSON body; refusals as JSON with a sentence."""

    @wraps(deed)
    async def route(self: "PeopleApi", request: web.Request) -> web.Response:
        try:
            answer = {"ok": True, **await deed(self, await _given(request))}
        except Refused as refused:
            answer = {"ok": False, "error": refused.code, "message": refused.sentence}
        return web.json_response(answer)

    return route


class Given(dict[str, Any]):
    """The arguments of a request; looking up one that is missing refuses the request."""

    def __missing__(self, name: str) -> Any:
        raise Refused("invalid_arguments", f"The field {name} is missing.")


async def _given(request: web.Request) -> Given:
    if request.method == "GET":
        return Given(request.query)
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError:
        raise Refused("invalid_json", "The body is no valid JSON.") from None
    if not isinstance(body, dict):
        raise Refused("invalid_json", "The body must be a JSON object.")
    return Given(body)


class PeopleApi:
    """Everything the page and the driver do, as the person they name."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.streams = Streams(backend)

    def routes(self) -> list[web.RouteDef]:
        """The routes below /people."""
        gets = {
            "state": self.state,
            "messages": self.messages,
            "ims": self.ims,
            "ephemerals": self.ephemerals,
            "views": self.views,
            "api_log": self.api_log,
            "stream": self.streams.serve,
        }
        posts = {
            "message": self.message,
            "command": self.command,
            "action": self.action,
            "shortcut": self.shortcut,
            "view_submit": self.view_submit,
            "view_close": self.view_close,
            "home": self.home,
            "reaction": self.reaction,
            "dismiss": self.dismiss,
            "faults": self.faults,
        }
        return [
            *(web.get(f"/people/{name}", handler) for name, handler in gets.items()),
            *(web.post(f"/people/{name}", handler) for name, handler in posts.items()),
        ]

    @_answering
    async def state(self, _given: Given) -> Json:
        """The workspace."""
        return shown.state(self._backend)

    @_answering
    async def messages(self, given: Given) -> Json:
        """A channel or thread."""
        found = shown.messages(self._backend, given["channel"], given["user"], given.get("thread_ts", ""))
        return {"messages": found}

    @_answering
    async def ims(self, given: Given) -> Json:
        """Direct messages."""
        return {"channels": shown.ims(self._backend, given["user"])}

    @_answering
    async def ephemerals(self, given: Given) -> Json:
        """What only this person sees, in all channels."""
        return {"messages": [e.wire() for e in self._backend.timeline.ephemerals(given["user"])]}

    @_answering
    async def views(self, given: Given) -> Json:
        """Open modals, the topmost last, and the published Home."""
        views = self._backend.views
        return {"views": views.stack(given["user"]), "home": views.home(given["user"])}

    @_answering
    async def api_log(self, given: Given) -> Json:
        """Recent Web API calls."""
        wanted = given.get("method")
        return {"calls": [call for call in self._backend.api_log if wanted in (None, "", call["method"])]}

    @_answering
    async def message(self, given: Given) -> Json:
        """Say something."""
        return deeds.say(
            self._backend, given["user"], given["channel"], str(given["text"]), given.get("thread_ts") or ""
        )

    @_answering
    async def command(self, given: Given) -> Json:
        """A slash command."""
        text, thread = str(given.get("text") or ""), given.get("thread_ts") or ""
        await deeds.command(self._backend, given["user"], given["channel"], given["command"], text.strip(), thread)
        return {}

    @_answering
    async def action(self, given: Given) -> Json:
        """Press or choose."""
        user = self._backend.workspace.user(given["user"]).id
        place = deeds.place(self._backend, user, given["where"])
        await self._backend.interactions.action(user, place, given["action_id"], given.get("block_id") or "", given)
        return {}

    @_answering
    async def shortcut(self, given: Given) -> Json:
        """A shortcut, on a message when `ts` is given."""
        user = self._backend.workspace.user(given["user"]).id
        message = deeds.place(self._backend, user, given) if given.get("ts") else None
        on = message if isinstance(message, Message) else None
        await self._backend.interactions.shortcut(user, given["callback_id"], on)
        return {}

    @_answering
    async def view_submit(self, given: Given) -> Json:
        """Submit a modal."""
        return await self._backend.interactions.submit(given["user"], given["view_id"], given.get("values") or {})

    @_answering
    async def view_close(self, given: Given) -> Json:
        """Close a modal."""
        await self._backend.interactions.close(given["user"], given["view_id"])
        return {}

    @_answering
    async def home(self, given: Given) -> Json:
        """Open the Home tab."""
        return {"view": deeds.open_home(self._backend, given["user"])}

    @_answering
    async def reaction(self, given: Given) -> Json:
        """React to a message."""
        deeds.react(
            self._backend,
            given["user"],
            given["channel"],
            given["ts"],
            given["name"],
            remove=bool(given.get("remove")),
        )
        return {}

    @_answering
    async def dismiss(self, given: Given) -> Json:
        """Clear an ephemeral message."""
        self._backend.timeline.dismiss(deeds.whisper(self._backend, given["user"], given["ephemeral_id"]))
        return {}

    @_answering
    async def faults(self, given: Given) -> Json:
        """Break something."""
        self._backend.faults.apply(given)
        return {"faults": self._backend.faults.shown()}
