"""A form in a real browser, on the real bot: opened by a command, corrected, previewed, approved and done."""

from typing import Any

import pytest

from playground.demo import Demo
from tests.road.looking import CHANNEL, card_of, fire, has_button, see
from tests.road.test_browser import DESK, PHONE, open_page, pressed, shot
from tests.services.browser import Tab

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

TASK = "stories.generate_story_with_status"


async def typed(page: Tab, line: str) -> Any:
    """Type a command into the channel; return the modal that it opens."""
    box = page.get_by_role("textbox", name="Message #platform-oncall")
    await box.fill(line)
    await page.keyboard.press("Enter")
    modal = page.get_by_role("dialog")
    await modal.wait_for()
    return modal


async def narrow(page: Tab) -> None:
    """Nothing is wider than the phone, the modal's own content included."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    wide = "[...document.querySelectorAll('.modal, .modal .sheet')].every(n => n.scrollWidth <= n.clientWidth + 1)"
    assert await page.evaluate(wide)


@pytest.mark.parametrize(("name", "size", "scheme"), [("desk", DESK, "light"), ("phone", PHONE, "dark")])
async def test_a_purge_by_its_form(demo: Demo, browser: Any, name: str, size: dict[str, int], scheme: str) -> None:
    """A typo gets the nearest name beside its field; put right, Ben approves, and the messages are set aside."""
    ana, ben = await demo.person("U0ANA"), await demo.person("U0BEN")
    await demo.cluster.burst({"ai_generation": 1200})
    page = await open_page(browser, demo, f"user=U0ANA&channel={CHANNEL}", size, scheme)
    modal = await typed(page, "/celery purge")
    await modal.get_by_label("Queue", exact=True).select_option("ai_generation")
    task = modal.get_by_label("Only of this task")
    await task.select_option("(another, to be typed)")
    await modal.locator("input[data-block-id^='task@']").fill("stories.generate_stroy")
    await modal.get_by_label("Why").fill("a bad prompt")
    await modal.get_by_role("button", name="Show preview").click()
    await modal.get_by_text("Did you mean").wait_for()
    assert TASK in await modal.get_by_text("Did you mean").inner_text()
    if size is PHONE:
        await narrow(page)
    await shot(page, f"form-{name}-typo")
    await modal.get_by_label("Only of this task").fill(TASK)
    await modal.get_by_role("button", name="Show preview").click()
    await modal.get_by_text("would be set aside, not deleted").wait_for()
    await modal.get_by_text("Nothing has happened yet.").wait_for()
    await shot(page, f"form-{name}-preview")
    known = {m["ts"] for m in await ana.messages(CHANNEL)}
    await modal.get_by_role("button", name="Ask for approval").click()
    await modal.wait_for(state="detached")
    request = await see(
        ana,
        lambda: ana.messages(CHANNEL),
        lambda m: m["ts"] not in known and has_button(m, "approve") and "a bad prompt" in str(m["blocks"]),
    )
    await ben.click(request, "approve")
    await see(
        ana,
        lambda: ana.messages(CHANNEL),
        lambda m: m["ts"] not in known and card_of(m).startswith("execution:") and "are set aside" in str(m["blocks"]),
    )
    await page.get_by_text("are set aside").last.wait_for()
    await shot(page, f"form-{name}-done")


async def test_an_offer_is_changed_on_a_phone(demo: Demo, browser: Any) -> None:
    """Change… beside it opens its form; the pause is for as long as was said, and stands in the incident's thread."""
    ana = await demo.person("U0ANA")
    await demo.cluster.break_("backlog")
    root = (await fire(demo, ana))["ts"]
    await see(ana, lambda: ana.replies(CHANNEL, root), lambda m: has_button(m, "change"))
    phone = await open_page(browser, demo, f"user=U0ANA&channel={CHANNEL}&thread={root}", PHONE)
    await phone.get_by_role("button", name="Change…").click()
    modal = phone.get_by_role("dialog")
    length = modal.get_by_label("For how long")
    await length.wait_for()
    assert await length.input_value() == "30m"
    await length.fill("15m")
    await narrow(phone)
    await shot(phone, "form-phone-change")
    await modal.get_by_role("button", name="Show preview").click()
    await modal.get_by_text("for 15 min").first.wait_for()
    await shot(phone, "form-phone-change-preview")
    await modal.get_by_role("button", name="Pause queue").click()
    await phone.get_by_text("stopped consuming analytics").first.wait_for()
    await shot(phone, "form-phone-changed")
    await pressed(phone, "Undo")
    await phone.get_by_text("consumes analytics again").first.wait_for()


async def test_all_that_can_be_done_is_listed(demo: Demo, browser: Any) -> None:
    """From the shortcut, on a phone in the dark: the list, a form above it, and back by its Cancel."""
    phone = await open_page(browser, demo, f"user=U0ANA&channel={CHANNEL}", PHONE, "dark")
    box = phone.get_by_role("textbox", name="Message #platform-oncall")
    await box.press_sequentially("/act")
    await phone.keyboard.press("Enter")
    modal = phone.get_by_role("dialog")
    await modal.get_by_text("Purge queue").wait_for()
    await narrow(phone)
    await shot(phone, "form-phone-list")
    await modal.locator("[data-block='do revoke_tasks']").get_by_role("button").click()
    await modal.get_by_label("Task ids").wait_for()
    await narrow(phone)
    await shot(phone, "form-phone-revoke")
    await modal.get_by_role("button", name="Cancel").click()
    await modal.get_by_text("Purge queue").wait_for()
