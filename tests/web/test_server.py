"""The web server over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from bot.web.server import WebServer


@asynccontextmanager
async def serving(troubles: dict[str, str], **more: Any) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    """A server whose parts are as given, and a client."""

    async def readiness() -> dict[str, str]:
        return troubles

    server = WebServer(readiness, **more)
    await server.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield f"http://127.0.0.1:{server.port}", session
    finally:
        await server.close()


async def test_a_process_that_answers_is_alive() -> None:
    """Liveness asks nothing of Slack or the database: restarting would not mend them."""
    async with serving({"slack": "not connected"}) as (url, session), session.get(f"{url}/healthz") as answer:
        assert answer.status == 200


async def test_it_is_ready_when_every_part_is() -> None:
    """Each part is named, with a word."""
    async with serving({"slack": "", "database": ""}) as (url, session), session.get(f"{url}/readyz") as answer:
        assert answer.status == 200
        assert await answer.json() == {"status": "ready", "slack": "ok", "database": "ok"}


async def test_what_is_wrong_is_said() -> None:
    """One part in trouble makes the bot not ready, and the answer says which and why."""
    troubles = {"slack": "not connected", "database": ""}
    async with serving(troubles) as (url, session), session.get(f"{url}/readyz") as answer:
        assert answer.status == 503
        assert await answer.json() == {"status": "not ready", "slack": "not connected", "database": "ok"}


async def test_a_part_that_never_answers_is_not_waited_for() -> None:
    """Readiness itself has a time limit."""

    async def readiness() -> dict[str, str]:
        await asyncio.sleep(60)
        return {}

    server = WebServer(readiness, ready_seconds=0.05)
    await server.start()
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{server.port}/readyz") as answer:
        assert answer.status == 503
    await server.close()


async def test_slack_is_answered_only_where_it_is_expected() -> None:
    """Without HTTP mode there is no such address; with it, requests go to the shell."""

    async def slack(request: web.Request) -> web.StreamResponse:
        return web.Response(text=await request.text())

    async with serving({}) as (url, session), session.post(f"{url}/slack/events") as answer:
        assert answer.status == 404
    async with serving({}, slack=slack) as (url, session), session.post(f"{url}/slack/events", data="x=1") as answer:
        assert await answer.text() == "x=1"
