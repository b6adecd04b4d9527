"""The watched application's web process: its health endpoint for jobs, and the traffic that its users cause.

Run as `python -m playground.cluster.jobs_api`; it takes a free port and prints `listening on <port>`. Beside the
application's own page `GET /api/v1/jobs/queue/stats` there are three for the playground alone: `POST
/playground/traffic` sets the rates (none at the start), `POST /playground/burst` publishes many jobs at once, and `POST
/playground/jobs` a list of chosen ones.
"""

import asyncio
import time
from dataclasses import dataclass, field

from aiohttp import web
from celery import Celery

from playground.celery_worker import BROKER_ERRORS
from playground.cluster.app import BROKER_URL, PRIORITY_STEPS, QUEUES, app
from playground.cluster.depths import BrokerSilentError, Depths
from playground.cluster.traffic import Job, Traffic

_PING_SECONDS = 1.0
_FRESH_SECONDS = 5.0
_PATIENCE_SECONDS = 2.0


@dataclass
class WorkersOnline:
    """Who answered the latest ping; asked again when that is older than five seconds."""

    control: Celery
    nodes: list[str] = field(default_factory=list)
    _asked: float = float("-inf")
    _asking: "asyncio.Task[None] | None" = None

    async def read(self) -> list[str]:
        """The node names; raises BrokerSilentError when the broker keeps the question longer than two seconds."""
        if time.monotonic() - self._asked > _FRESH_SECONDS:
            if self._asking is None or self._asking.done():  # never a second one behind a silent broker
                self._asking = asyncio.create_task(self._ask())
            try:
                await asyncio.wait_for(asyncio.shield(self._asking), _PATIENCE_SECONDS)
            except BROKER_ERRORS as error:
                raise BrokerSilentError from error
        return self.nodes

    async def _ask(self) -> None:
        replies = await asyncio.to_thread(self.control.control.ping, timeout=_PING_SECONDS)
        self.nodes = sorted(node for reply in replies or [] for node in reply)
        self._asked = time.monotonic()


class JobsApi:
    """The handlers of the web process."""

    def __init__(self, depths: Depths, workers: WorkersOnline, traffic: Traffic) -> None:
        """Serve these three."""
        self._depths = depths
        self._workers = workers
        self._traffic = traffic

    def routes(self) -> list[web.RouteDef]:
        """The pages."""
        return [
            web.get("/api/v1/jobs/queue/stats", self.stats),
            web.post("/playground/traffic", self.traffic),
            web.post("/playground/burst", self.burst),
            web.post("/playground/jobs", self.jobs),
        ]

    async def stats(self, _: web.Request) -> web.Response:
        """Waiting jobs by queue and the workers online; 503 while the broker is silent."""
        try:
            waiting = await self._depths.read()
            workers = await self._workers.read()
        except BrokerSilentError as error:
            return web.json_response({"status": "unavailable", "reason": str(error)}, status=503)
        queues = {queue: {"waiting": count} for queue, count in waiting.items()}
        status = "healthy" if workers else "no workers"
        return web.json_response({"status": status, "queues": queues, "workers": workers})

    async def traffic(self, request: web.Request) -> web.Response:
        """Replace the rates and the shares that fail: `{"rates": {…}, "failing": {…}}`."""
        wanted = await request.json()
        self._traffic.rates, self._traffic.failing = wanted["rates"], wanted["failing"]
        return web.json_response(wanted)

    async def burst(self, request: web.Request) -> web.Response:
        """Publish `{queue: count}` at once; answers how many it were."""
        try:
            return web.json_response(await self._traffic.publish(await request.json()))
        except BrokerSilentError as error:
            return web.json_response({"reason": str(error)}, status=503)

    async def jobs(self, request: web.Request) -> web.Response:
        """Publish a list of `[task, kwargs]` in its order; answers how many it were."""
        jobs = [Job(task, kwargs) for task, kwargs in await request.json()]
        try:
            await self._traffic.send(jobs)
        except BrokerSilentError as error:
            return web.json_response({"reason": str(error)}, status=503)
        return web.json_response({"published": len(jobs)})


def control_app(broker_url: str) -> Celery:
    """An app for remote control alone, which gives up on a silent broker after a second."""
    control = Celery(broker=broker_url, set_as_current=False)
    control.conf.broker_transport_options = {
        "priority_steps": list(PRIORITY_STEPS),
        "socket_timeout": 1,
        "socket_connect_timeout": 1,
    }
    return control


async def _serve() -> None:
    depths = Depths(BROKER_URL, QUEUES)
    traffic = Traffic(app, depths, rates={})
    server = web.Application()
    server.add_routes(JobsApi(depths, WorkersOnline(control_app(BROKER_URL)), traffic).routes())
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"listening on {runner.addresses[0][1]}", flush=True)  # noqa: T201  the parent process reads this line
    await traffic.run()


if __name__ == "__main__":
    asyncio.run(_serve())
