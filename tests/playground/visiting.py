"""Somebody with a browser at the playground's page: a workspace, a small Bolt app in it, and tabs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiohttp import web

from playground.slack.person import Webhook
from playground.slack.rules import Rules
from playground.slack.server import LocalSlack
from tests.playground.page_app import PageApp

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "playground" / "slack" / "page"
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 30_000
"""Two slow cores that other tests share."""

Tab = Any
"""A page of Playwright, which is installed for the slow tests only, so that its types are not known here."""
Visit = Callable[..., Awaitable[Tab]]


def local_slack(port: int = 0, controls: web.Application | None = None) -> LocalSlack:
    """A workspace with the project's manifest and page."""
    rules = Rules(retry_after=(0.0, 0.1, 0.2))
    return LocalSlack(ROOT / "manifest.yml", port=port, controls=controls, page=PAGE, rules=rules)


@asynccontextmanager
async def serving(slack: LocalSlack) -> AsyncIterator[LocalSlack]:
    """The workspace while it runs."""
    await slack.start()
    try:
        yield slack
    finally:
        await slack.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def slack() -> AsyncIterator[LocalSlack]:
    """A running workspace."""
    async with serving(local_slack()) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def app(slack: LocalSlack) -> AsyncIterator[PageApp]:
    """A Bolt app connected to it."""
    app = PageApp(slack)
    await app.start()
    yield app
    await app.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Any) -> AsyncIterator[Visit]:
    """A function that opens the page of a workspace at a query; an error in the page's scripts fails the test."""
    errors: list[str] = []
    contexts: list[Any] = []

    async def open_page(slack: LocalSlack, query: str = "user=U0ANA", size: Any = DESK) -> Tab:
        context = await browser.new_context(viewport=size)
        contexts.append(context)
        tab = await context.new_page()
        tab.set_default_timeout(PATIENCE_MS)
        tab.on("pageerror", lambda error: errors.append(str(error)))
        await tab.goto(f"{slack.url}/?{query}")
        await tab.wait_for_selector("#main-heading h1", state="attached")
        return tab

    yield open_page
    for context in contexts:
        await context.close()
    assert errors == []


async def alert(slack: LocalSlack, label: str = "ai_generation") -> None:
    """Alertmanager's default notification."""
    part = {
        "title": f"[FIRING:1] CeleryQueueDepthHigh (prod {label} critical)",
        "title_link": "http://alertmanager.example.internal:9093/#/alerts",
        "text": f"Depth of {label}",
        "fallback": "[FIRING:1]",
        "color": "danger",
        "fields": [{"title": "Cluster", "value": "prod", "short": True}],
        "footer": "Alertmanager",
    }
    await Webhook(slack.url).post({"username": "Alertmanager", "attachments": [part]})


async def open_thread(tab: Tab) -> Any:
    """Go into the alert's thread and return the pane."""
    await tab.get_by_text("1 reply").first.click()
    thread = tab.get_by_role("complementary", name="Thread")
    await thread.get_by_text("ai_generation: 1,284 waiting").wait_for()
    return thread


async def seen(locator: Any) -> str:
    """The text of what appears there."""
    await locator.first.wait_for()
    return str(await locator.first.inner_text())
