"""The Slack side of the bot: wires its parts together, runs them, ends them."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

import aiohttp
import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import OncallError
from bot.ports import Ports
from bot.slack import listeners
from bot.slack.answers import Answers
from bot.slack.backfill import Backfill, LastSeen
from bot.slack.config import SlackConfig
from bot.slack.connection import SDK_LOG, Connection, bolt_app, identify
from bot.slack.deliveries import Identity
from bot.slack.duties import Duties
from bot.slack.executors import Executors
from bot.slack.inbox import SlackInbox
from bot.slack.people import People
from bot.slack.posting import Posting
from bot.slack.publisher import Publisher
from bot.slack.refreshes import Refreshes
from bot.slack.rendering import render
from bot.slack.replay import Replay
from bot.slack.tools import Tools
from bot.slack.turns import Turns
from bot.usecases import forecasts, history
from bot.usecases.measuring import measure, poll_memory
from bot.usecases.sweep import sweep
from bot.usecases.watching import look, sample

log = structlog.get_logger(__name__)

CALL_SECONDS = 10.0
"""Longest that one call of Slack's API may take; after that it counts as uncertain."""


class SlackShell:
    """Everything between Slack and the use cases. `run` returns after `close`; it raises BadInput for a wrong token."""

    def __init__(self, ports: Ports, config: SlackConfig) -> None:
        self._ports = ports
        self._config = config
        self._executors = Executors()
        self._task: asyncio.Task[object] | None = None
        self._closed = asyncio.Event()
        self._app: AsyncApp | None = None
        self._connection: Connection | None = None

    async def run(self) -> None:
        """Start, work until `close` is called, and end in good order: what was started last ends first."""
        if self._closed.is_set():
            return
        self._task = asyncio.current_task()
        try:
            async with AsyncExitStack() as stack:
                await self._start(stack)
                await self._closed.wait()
        except asyncio.CancelledError:
            if self._task is None or not self._closed.is_set():
                raise
            self._task.uncancel()

    async def close(self) -> None:
        """End `run`."""
        if self._task and not self._closed.is_set():
            self._task.cancel()
        self._closed.set()

    async def readiness(self) -> dict[str, str]:
        """Return for Slack and for the database what is wrong, in a few words; empty when it works."""
        if self._closed.is_set():
            return {"slack": "closing", "database": ""}
        connected = self._connection is not None and await self._connection.alive()
        return {"slack": "" if connected else "not connected", "database": await self._database()}

    async def _database(self) -> str:
        try:
            await asyncio.wait_for(self._executors.db(_read_something, self._ports), timeout=3.0)
        except TimeoutError:
            return "does not answer"
        except OncallError as e:
            return str(e)
        return ""

    async def http(self, request: web.Request) -> web.StreamResponse:
        """Answer one request from Slack in HTTP mode; Bolt checks its signature."""
        if self._app is None:
            return web.Response(status=503, text="starting")
        return await to_aiohttp_response(await self._app.async_dispatch(await to_bolt_request(request)))

    async def _start(self, stack: AsyncExitStack) -> None:
        stack.push_async_callback(self._executors.close)
        self._mind_clusters(stack)
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_SECONDS))
        await stack.enter_async_context(session)
        # A post that slack_sdk repeated behind our back might stand there twice, so it must not.
        token, url = self._config.bot_token, self._config.api_url
        client = AsyncWebClient(token, url, session=session, retry_handlers=[], logger=SDK_LOG)
        me = await identify(client)
        publisher = self._publish(stack, client, me)
        seen = LastSeen(self._ports, self._executors)
        inbox = SlackInbox(self._ports, self._executors, me, self._config.channels, seen.saw)
        tools = self._tools(me, client, session, inbox, publisher)
        app = bolt_app(client, me, self._config, inbox)
        listeners.register(app, tools)
        await tools.people.refresh()
        await self._listen(stack, app, tools, seen)

    def _mind_clusters(self, stack: AsyncExitStack) -> None:
        """What must go on even while Slack cannot be reached: pauses end, depths are sampled."""
        duties, background, ports = Duties(), self._executors.background, self._ports
        stack.push_async_callback(duties.close)
        duties.every(5.0, "sweep", partial(background, sweep, ports))
        for cluster in ports.clusters.names():
            duties.every(5.0, f"sample {cluster}", partial(background, sample, ports, cluster))
            duties.every(15.0, f"look at {cluster}", partial(background, look, ports, cluster))
            duties.every(30.0, f"ask for memory on {cluster}", partial(background, poll_memory, ports, cluster))
            duties.every(10.0, f"measure {cluster}", partial(self._executors.db, measure, ports, cluster))
            duties.every(5.0, f"history of {cluster}", partial(self._executors.db, history.keep, ports, cluster))
            duties.every(60.0, f"forecasts of {cluster}", partial(self._executors.db, forecasts.keep, ports, cluster))

    def _publish(self, stack: AsyncExitStack, client: AsyncWebClient, me: Identity) -> Publisher:
        publisher = Publisher(self._ports, Posting(client), self._executors, partial(render, self._ports, me.workspace))
        stack.push_async_callback(_finally, "publisher", publisher.close)
        stack.callback(asyncio.create_task(publisher.run(), name="publisher").cancel)
        return publisher

    def _tools(
        self, me: Identity, client: AsyncWebClient, session: aiohttp.ClientSession, inbox: SlackInbox, shown: Publisher
    ) -> Tools:
        return Tools(
            ports=self._ports,
            config=self._config,
            me=me,
            client=client,
            executors=self._executors,
            inbox=inbox,
            answers=Answers(client, session),
            people=People(self._ports, self._config, client, self._executors),
            refreshes=Refreshes(self._ports, self._executors, shown.wake),
            turns=Turns(),
            wake=shown.wake,
        )

    async def _listen(self, stack: AsyncExitStack, app: AsyncApp, tools: Tools, seen: LastSeen) -> None:
        """Take up what an earlier process left behind, connect, and read what was said while nobody listened."""
        replay = Replay(self._ports, app, tools.inbox, self._executors)
        backfill = Backfill(tools.client, tools.inbox, replay, seen, tools.me, self._config.channels)
        connection = Connection(app, tools.client, self._config)
        stack.push_async_callback(_finally, "last seen", seen.remember)
        stack.push_async_callback(_finally, "replay", replay.release)
        stack.push_async_callback(_finally, "refreshes", tools.refreshes.close)
        stack.push_async_callback(_finally, "inbox", tools.inbox.idle)
        stack.push_async_callback(_finally, "connection", connection.close)
        duties = Duties()
        stack.push_async_callback(duties.close)
        await replay.take_up()
        self._app, self._connection = app, connection
        duties.every(10.0, "watch the socket", connection.watch)
        await connection.open()
        log.info("connected to Slack", bot=tools.me.user, workspace=tools.me.workspace)
        await backfill.run()
        duties.every(10.0, "refresh open incidents", tools.refreshes.all_open)
        duties.every(2.0, "refresh what was acted on", tools.refreshes.acted_on)
        duties.every(60.0, "read roles", tools.people.refresh)
        duties.every(2.0, "take up the unhandled", replay.take_up)
        duties.every(15.0, "read the rest of the history", backfill.run)
        duties.every(10.0, "remember what was seen", seen.remember)


def _read_something(ports: Ports) -> None:
    with ports.store.read() as tx:
        tx.note("roles")


async def _finally(what: str, end: Callable[[], Awaitable[None]]) -> None:
    """End one part; the others are ended too when it cannot be."""
    try:
        await end()
    except OncallError as e:
        log.warning("not ended in good order", part=what, why=str(e))
