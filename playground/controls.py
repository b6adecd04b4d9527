"""What the page offers beside Slack itself: fire an alert, break something, count queues straight from the broker."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from playground.alerts import ALERTS, FIRED_BY, Payload
from playground.cluster.breakages import BREAKAGES
from playground.cluster.cluster import Cluster
from playground.cluster.depths import BrokerSilentError, Depths
from playground.processes import ProcessError


@dataclass
class Opening:
    """How the page opens: as whom, and on which thread; set when the first incident has been played."""

    you: str = "U0BEN"
    channel: str = "C0ONCALL"
    thread_ts: str = ""


@dataclass
class Controls:
    """The page's menus and its strip of depths. `fire` posts one alert to the channel."""

    cluster: Cluster
    depths: Depths
    fire: Callable[[Payload], Awaitable[None]]
    opening: Opening = field(default_factory=Opening)

    def application(self) -> web.Application:
        """Return the routes, to be mounted at /controls."""
        app = web.Application()
        app.add_routes(
            [
                web.get("", self._menus),
                web.get("/depths", self._depths),
                web.post("/alerts/{id}", self._fire),
                web.post("/breakages/{id}", self._toggle),
            ]
        )
        return app

    async def _menus(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "alerts": [{"id": name, "label": a.label} for name, a in ALERTS.items()],
                "breakages": [
                    {"id": name, "label": self._label(name), "active": name in self.cluster.broken}
                    for name in BREAKAGES
                ],
                "you": self.opening.you,
                "channel": self.opening.channel,
                "thread_ts": self.opening.thread_ts,
            }
        )

    async def _depths(self, _: web.Request) -> web.Response:
        try:
            depths = await self.depths.read()
        except BrokerSilentError as e:
            return web.json_response({"at": time.time(), "queues": [], "error": str(e)})
        queues = [{"name": name, "depth": depth} for name, depth in sorted(depths.items())]
        return web.json_response({"at": time.time(), "queues": queues})

    async def _fire(self, request: web.Request) -> web.Response:
        alert = ALERTS.get(request.match_info["id"])
        if alert is None:
            return web.json_response({"ok": False, "message": "There is no such alert."}, status=404)
        await self.fire(alert.payload())
        return web.json_response({"ok": True})

    async def _toggle(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if name not in BREAKAGES:
            return web.json_response({"ok": False, "message": "There is no such breakage."}, status=404)
        broken = name in self.cluster.broken
        try:
            await (self.cluster.mend(name) if broken else self.cluster.break_(name))
        except (BrokerSilentError, ProcessError) as e:
            return web.json_response({"ok": False, "message": str(e)}, status=503)
        breakage = BREAKAGES[name]
        if not broken and name in FIRED_BY:
            await self.fire(ALERTS[FIRED_BY[name]].payload())
        mended = f"Done: {breakage.repair}" if breakage.repair else f"Mended: {breakage.text}"
        return web.json_response({"ok": True, "message": mended if broken else f"Broken: {breakage.text}"})

    def _label(self, name: str) -> str:
        """Return what its entry in the menu does when it is chosen."""
        breakage = BREAKAGES[name]
        return breakage.repair if breakage.repair and name in self.cluster.broken else breakage.text
