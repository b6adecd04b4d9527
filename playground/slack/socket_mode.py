"""Socket Mode: tickets, sockets, envelopes, acknowledgements."""

import asyncio
import json
import time
from dataclasses import dataclass
from itertools import count
from uuid import uuid4

from aiohttp import WSMsgType, web

from playground.slack.background import Background
from playground.slack.errors import Json, NotAcknowledged, NotDelivered
from playground.slack.faults import Faults
from playground.slack.rules import Rules


@dataclass(eq=False)
class Socket:
    """One connection of the app. A draining one was asked to reconnect and gets nothing new."""

    ws: web.WebSocketResponse
    request: web.Request
    number: int
    draining: bool = False
    sent: int = 0


class Sockets:
    """The app's connections: each envelope goes to exactly one of them, in turn."""

    def __init__(self, app_id: str, rules: Rules, faults: Faults, background: Background) -> None:
        self._app_id = app_id
        self._rules = rules
        self._faults = faults
        self._background = background
        self._tickets: dict[str, float] = {}
        self._open: list[Socket] = []
        self._turn = count()
        self._pending: dict[str, asyncio.Future[Json | None]] = {}
        self._arrived = asyncio.Event()
        self._reconnecting_until = 0.0

    @property
    def live(self) -> list[Socket]:
        """The sockets that get envelopes now."""
        return [socket for socket in self._open if not socket.draining and not socket.ws.closed]

    def ticket(self) -> str:
        """A ticket for one connection, to be used soon."""
        ticket = str(uuid4())
        self._tickets[ticket] = time.monotonic() + self._rules.ticket_life
        return ticket

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket end of one connection, until it closes."""
        expires = self._tickets.pop(request.query.get("ticket", ""), 0.0)
        if self._faults.offline or time.monotonic() > expires:
            raise web.HTTPForbidden(text="ticket is used, expired or unknown")
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        if len(self.live) >= self._rules.max_sockets:
            await ws.send_json({"type": "disconnect", "reason": "too_many_websockets", "debug_info": _debug()})
            await ws.close()
            return ws
        socket = Socket(ws, request, next(self._turn))
        self._open.append(socket)
        try:
            await self._listen(socket)
        finally:
            self._open.remove(socket)
            if not self.live:
                self._arrived.clear()
        return ws

    async def _listen(self, socket: Socket) -> None:
        await socket.ws.send_json(
            {
                "type": "hello",
                "num_connections": len(self.live),
                "connection_info": {"app_id": self._app_id},
                "debug_info": _debug() | {"approximate_connection_time": 18060},
            }
        )
        self._arrived.set()
        async for frame in socket.ws:
            if frame.type is WSMsgType.TEXT:
                self._acknowledge(str(frame.data))

    def _acknowledge(self, text: str) -> None:
        # The client may answer over the socket that replaced the one the envelope came by: any socket counts.
        try:
            answer = json.loads(text)
        except ValueError:
            return  # Slack ignores what is no JSON
        waiting = self._pending.get(answer.get("envelope_id", "")) if isinstance(answer, dict) else None
        if waiting and not waiting.done():
            payload = answer.get("payload")
            waiting.set_result(payload if isinstance(payload, dict) and payload else None)

    async def deliver(self, kind: str, payload: Json, **envelope: object) -> Json | None:
        """Send one envelope to one socket and return the payload of its acknowledgement.

        NotDelivered when no socket is there, NotAcknowledged after `rules.ack` seconds.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._rules.ack
        envelope_id = str(uuid4())
        waiting: asyncio.Future[Json | None] = loop.create_future()
        self._pending[envelope_id] = waiting
        frame = {"envelope_id": envelope_id, "type": kind, "payload": payload, **envelope}
        try:
            await self._send(json.dumps(frame), deadline)
            async with asyncio.timeout_at(deadline):
                return await waiting
        except TimeoutError:
            raise NotAcknowledged(f"The app did not acknowledge within {self._rules.ack:g} s.") from None
        finally:
            del self._pending[envelope_id]

    async def _send(self, text: str, deadline: float) -> None:
        while True:
            socket = await self._next(deadline)
            try:
                await socket.ws.send_str(text)
            except ConnectionError:
                socket.draining = True  # gone under our hands: the next one gets it
                continue
            socket.sent += 1
            return

    async def _next(self, deadline: float) -> Socket:
        loop = asyncio.get_running_loop()
        while not (live := self.live):
            if loop.time() > min(deadline, self._reconnecting_until):
                raise NotDelivered("No socket of the app is connected.")
            self._arrived.clear()
            try:
                async with asyncio.timeout_at(min(deadline, self._reconnecting_until)):
                    await self._arrived.wait()
            except TimeoutError:
                continue  # the loop looks once more and gives up
        return live[next(self._turn) % len(live)]

    def refresh(self) -> None:
        """Ask every socket to reconnect; envelopes wait for the new ones, so that nothing is lost."""
        self._reconnecting_until = asyncio.get_running_loop().time() + self._rules.ack
        for socket in self.live:
            socket.draining = True
            self._background.spawn(self._say_goodbye(socket))

    async def _say_goodbye(self, socket: Socket) -> None:
        goodbye = {"type": "disconnect", "reason": "refresh_requested", "debug_info": _debug()}
        try:
            await socket.ws.send_json(goodbye)
        except ConnectionError:
            return  # it left by itself
        await asyncio.sleep(self._rules.refresh_grace)
        await socket.ws.close()

    def drop(self) -> None:
        """Cut every socket without a goodbye."""
        for socket in tuple(self._open):
            socket.draining = True
            if socket.request.transport:
                socket.request.transport.abort()

    async def close(self) -> None:
        """Close every socket politely."""
        for socket in tuple(self._open):
            await socket.ws.close()


def _debug() -> Json:
    return {"host": "applink-local"}
