"""The first incident in a real browser, on the real bot: what the README's screenshot shows."""

from pathlib import Path
from typing import Any

import pytest

from playground.demo import Demo
from playground.slack.errors import Json
from playground.slack.person import Person
from tests.road.looking import CHANNEL, ask_for_pause, card_of, fire, see
from tests.services.browser import Tab

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

SHOTS = Path(__file__).parents[2] / "playground-artifacts"
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
PATIENCE = 45_000
"""Milliseconds that Playwright waits for one thing."""


async def open_page(browser: Any, demo: Demo, query: str, viewport: dict[str, int], scheme: str = "light") -> Tab:
    """Open the page as a person, on a place."""
    page = await browser.new_page(viewport=viewport, color_scheme=scheme)
    page.set_default_timeout(PATIENCE)
    await page.goto(f"{demo.slack.url}/?{query}")
    return page


async def shot(page: Tab, name: str) -> None:
    """Keep a picture to be looked at with care."""
    SHOTS.mkdir(exist_ok=True)
    await page.screenshot(path=str(SHOTS / f"{name}.png"))


async def pressed(page: Tab, name: str) -> None:
    """Press a button and confirm what it asks."""
    await page.get_by_role("button", name=name, exact=True).first.click()
    await page.get_by_role("alertdialog").get_by_role("button").last.click()


async def card(ana: Person, alert: Json, *buttons: str) -> Json:
    """Return the incident's card once it has these buttons."""
    return await see(
        ana,
        lambda: ana.replies(CHANNEL, alert["ts"]),
        lambda m: card_of(m).startswith("incident:") and all(f"'{b}" in str(m["blocks"]) for b in buttons),
    )


async def test_a_fired_alert_gets_its_thread_and_an_approved_request_its_outcome(demo: Demo, browser: Any) -> None:
    """At a desk, from the menu to the verified outcome."""
    ana = await demo.person("U0ANA")
    await demo.cluster.break_("backlog")
    desk = await open_page(browser, demo, f"user=U0BEN&channel={CHANNEL}", DESK)
    await desk.get_by_role("button", name="Fire alert").click()
    await desk.get_by_text("Queue depth of ai_generation").first.click()
    alert = await see(ana, lambda: ana.messages(CHANNEL), lambda m: m.get("bot_id") == "B0ALERT")
    await card(ana, alert)
    await desk.goto(f"{demo.slack.url}/?user=U0BEN&channel={CHANNEL}&thread={alert['ts']}")
    thread = desk.get_by_label("Thread", exact=True)
    await thread.get_by_text("waiting (limit 500)").wait_for()
    request = await ask_for_pause(ana)
    assert "<@U0BEN>" in str(request["blocks"])
    await pressed(desk, "Approve")
    await desk.get_by_text("stopped consuming notifications").first.wait_for()
    await desk.get_by_text("Approved by").first.wait_for()
    await shot(desk, "desk")


async def test_a_phone_in_the_dark_goes_from_the_alert_to_its_outcome_and_back(demo: Demo, browser: Any) -> None:
    """Two taps from the card to the verified pause, two more to undo it; nothing is wider than the phone."""
    ana = await demo.person("U0ANA")
    await fire(demo, ana)  # where the alert fires already, this joins its incident
    alert = next(m for m in await ana.messages(CHANNEL) if m.get("bot_id") == "B0ALERT")
    await card(ana, alert, "offer")
    phone = await open_page(browser, demo, f"user=U0BEN&channel={CHANNEL}&thread={alert['ts']}", PHONE, "dark")
    ground = await phone.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert max(ground[:3]) < 64, "the page is not dark"
    first = phone.get_by_text("waiting (limit 500)").first
    await first.wait_for()
    assert await first.evaluate("node => node.getBoundingClientRect().bottom < innerHeight"), "the card is out of sight"
    await pressed(phone, "Pause analytics")
    await phone.get_by_text("stopped consuming analytics").first.wait_for()
    await shot(phone, "phone-dark")
    assert await phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    await pressed(phone, "Undo")
    await phone.get_by_text("consumes analytics again").first.wait_for()
    await shot(phone, "phone-dark-undone")
