"""The bot's small web server: is it alive, is it ready, and Slack's requests when Slack calls us."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

Readiness = Callable[[], Awaitable[Mapping[str, str]]]
"""Gives for each part what is wrong with it, in a few words; empty when it works."""

SlackRequests = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""Answers one request from Slack, its signature checked."""

LARGEST_REQUEST = 1024 * 1024


class WebServer:
    """Serves `/healthz`, `/readyz` and, if `slack` is given, `/slack/events`. Loopback unless `host` says otherwise.

    `port` 0 takes a free one; see `port` after `start`. `ready_seconds` is how long the parts may take to say how they
    are.
    """

    def __init__(
        self,
        readiness: Readiness,
        *,
        slack: SlackRequests | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        ready_seconds: float = 5.0,
    ) -> None:
        self._readiness = readiness
        self._slack = slack
        self._host = host
        self._port = port
        self._ready_seconds = ready_seconds
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; raises OSError when the port is taken."""
        app = web.Application(client_max_size=LARGEST_REQUEST)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/readyz", self._ready)
        if self._slack:
            app.router.add_post("/slack/events", self._slack)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=3.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._runner.addresses[0][1]) if self._runner else self._port

    async def close(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _health(self, _request: web.Request) -> web.Response:
        """Answer at all: a process whose event loop is stuck cannot."""
        return web.json_response({"status": "alive"})

    async def _ready(self, _request: web.Request) -> web.Response:
        """Say of each part how it is; 503 unless all of them work."""
        try:
            troubles = dict(await asyncio.wait_for(self._readiness(), self._ready_seconds))
        except TimeoutError:
            troubles = {"bot": f"did not say within {self._ready_seconds:g} s how it is"}
        ready = not any(troubles.values())
        parts = {part: trouble or "ok" for part, trouble in troubles.items()}
        return web.json_response({"status": "ready" if ready else "not ready", **parts}, status=200 if ready else 503)
