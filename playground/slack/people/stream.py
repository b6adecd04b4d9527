"""`GET /people/stream?user=U`: what happens before one person's eyes, as JSON over a WebSocket."""

import asyncio

from aiohttp import WSMsgType, web

from playground.slack.backend import Backend
from playground.slack.errors import Json
from playground.slack.happenings import (
    Changed,
    Deleted,
    Happening,
    Joined,
    Noticed,
    Posted,
    Reacted,
    ViewShown,
    Whispered,
)


class Streams:
    """The open pages; each gets what its person would see."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._pages: dict[web.WebSocketResponse, tuple[str, asyncio.Queue[Json]]] = {}
        backend.announce.listeners.append(self._announce)

    def _announce(self, happening: Happening) -> None:
        for user, queue in self._pages.values():
            if event := self._seen(happening, user):
                queue.put_nowait(event)

    def _seen(self, happening: Happening, user: str) -> Json | None:
        match happening:
            case Posted() | Changed() | Deleted() | Reacted() | Joined():
                seen = self._backend.workspace.readable(happening.channel, user)
                return _in_channel(happening) if seen else None
            case Whispered(kind, ephemeral) if ephemeral.user == user:
                return {"type": kind, "channel": ephemeral.channel, "message": ephemeral.wire()}
            case ViewShown(kind, owner, view) if owner == user:
                return {"type": kind, "view": view}
            case Noticed(owner, text, channel) if owner == user:
                return {"type": "notice", "text": text, "channel": channel}
        return None

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One page's stream, until it leaves."""
        user = self._backend.workspace.user(request.query.get("user", "")).id
        page = web.WebSocketResponse(heartbeat=30)
        await page.prepare(request)
        queue: asyncio.Queue[Json] = asyncio.Queue()
        self._pages[page] = (user, queue)
        feeder = asyncio.create_task(_feed(page, queue))
        try:
            async for frame in page:
                if frame.type is WSMsgType.ERROR:
                    break
        finally:
            del self._pages[page]
            feeder.cancel()
        return page

    async def close(self) -> None:
        """Say goodbye to every page."""
        for page in tuple(self._pages):
            await page.close()


async def _feed(page: web.WebSocketResponse, queue: "asyncio.Queue[Json]") -> None:
    try:
        while True:
            await page.send_json(await queue.get())
    except ConnectionError:
        return  # the page has left; `serve` notices too


def _in_channel(happening: Posted | Changed | Deleted | Reacted | Joined) -> Json:
    channel = happening.channel.id
    match happening:
        case Posted(_, message):
            return {"type": "message", "channel": channel, "message": message.wire()}
        case Changed(_, message):
            return {"type": "message_changed", "channel": channel, "message": message.wire()}
        case Deleted(_, message):
            return {"type": "message_deleted", "channel": channel, "ts": message.ts, "thread_ts": message.thread_ts}
        case Reacted(_, message, user, name, added):
            return {
                "type": "reaction",
                "channel": channel,
                "message": message.wire(),
                "user": user,
                "name": name,
                "added": added,
            }
        case Joined(_, user, inviter):
            return {"type": "member_joined", "channel": channel, "user": user, "inviter": inviter}
