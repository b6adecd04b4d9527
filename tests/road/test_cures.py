"""Stuck and failing tasks, broken and cured from the page: somebody at a desk, somebody else on a phone."""

from collections import Counter
from typing import Any

import pytest

from playground.cluster import books
from playground.cluster.breakages import BREAKAGES, STUCK_REPORTS, USUAL_REPORTS, VISITS
from playground.demo import Demo
from playground.slack.errors import Json
from playground.slack.person import Person
from tests.playground.polling import eventually
from tests.road.looking import CHANNEL, card_of, has_button, see
from tests.road.test_browser import DESK, PATIENCE, PHONE, open_page, shot
from tests.services.browser import Tab

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.asyncio(loop_scope="module")]

LONG = 100_000
"""Milliseconds until a task is known to hang, or until none has failed for a minute."""


async def chosen(page: Tab, breakage: str, *, broken: bool) -> None:
    """Choose an entry of "Break something": what breaks it, or what repairs it."""
    text = BREAKAGES[breakage].repair if broken else BREAKAGES[breakage].text
    await page.get_by_role("button", name="Break something").click()
    await page.get_by_role("menuitemcheckbox", name=text).click()
    await page.get_by_text(f"{'Done' if broken else 'Broken'}: {text}").wait_for()


async def alert_of(ana: Person, name: str) -> Json:
    """Return the alert that the breakage set off by itself."""
    return await see(ana, lambda: ana.messages(CHANNEL), lambda m: name in str(m.get("attachments")))


async def pressed(page: Tab, name: str, timeout: int = PATIENCE) -> None:
    """Press the thread's button that begins like this, and confirm what it asks."""
    thread = page.get_by_label("Thread", exact=True)
    await thread.get_by_role("button", name=name).first.click(timeout=timeout)
    await page.get_by_role("alertdialog").get_by_role("button").last.click()


async def narrow(page: Tab) -> None:
    """Nothing is wider than the phone."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def approved(ben: Person, ana: Person, thread: str, words: str) -> None:
    """Approve as Ben what was asked for in the thread."""
    request = await see(
        ana,
        lambda: ana.replies(CHANNEL, thread),
        lambda m: card_of(m).startswith("request:") and has_button(m, "approve") and words in str(m["blocks"]),
    )
    await ben.click(request, "approve")


async def test_stuck_tasks_are_set_aside_ended_and_put_back_each_once(demo: Demo, browser: Any) -> None:
    """Ana on a phone asks, Ben approves; what was ended by force alone is missing in the books."""
    ana, ben = await demo.person("U0ANA"), await demo.person("U0BEN")
    desk = await open_page(browser, demo, f"user=U0BEN&channel={CHANNEL}", DESK)
    await chosen(desk, "stuck tasks", broken=False)
    root = (await alert_of(ana, "CeleryTasksStuck"))["ts"]
    await desk.goto(f"{demo.slack.url}/?user=U0BEN&channel={CHANNEL}&thread={root}")
    phone = await open_page(browser, demo, f"user=U0ANA&channel={CHANNEL}&thread={root}", PHONE)
    await pressed(phone, "Ask to set aside analytics.export_report in analytics", LONG)
    await narrow(phone)
    await shot(phone, "stuck-phone-asked")
    await pressed(desk, "Approve")
    await desk.get_by_text("of analytics are set aside").first.wait_for()
    await phone.get_by_role("button", name="Break").click()
    await phone.get_by_role("menuitemcheckbox", name=BREAKAGES["stuck tasks"].repair).wait_for()
    await shot(phone, "stuck-phone-menu")
    await phone.keyboard.press("Escape")
    await shot(desk, "stuck-desk-set-aside")
    await pressed(phone, "Ask to end analytics.export_report in analytics")
    await approved(ben, ana, root, "end analytics.export_report")
    await phone.get_by_text("tasks in workers' hands stopped").first.wait_for()
    await shot(phone, "stuck-phone-ended")

    async def visited() -> bool:
        return books.read(demo.cluster.folder).get("analytics.count_visits") == Counter(range(1, VISITS + 1))

    await eventually(visited)
    await chosen(desk, "stuck tasks", broken=True)
    await pressed(phone, "Put exe-")
    await phone.get_by_text("messages are back in analytics.").first.wait_for()
    await narrow(phone)
    await shot(phone, "stuck-phone-back")
    await shot(desk, "stuck-desk-back")
    assert await desk.get_by_label("Thread", exact=True).get_by_role("button", name="Undo").count() == 0
    back = await see(ana, lambda: ana.replies(CHANNEL, root), lambda m: "are back in analytics" in str(m["blocks"]))
    n = int(str(back["text"]).split()[1])

    async def exported() -> bool:
        done = books.read(demo.cluster.folder)["analytics.export_report"]
        return len(done) == USUAL_REPORTS + n

    await eventually(exported)
    done = books.read(demo.cluster.folder)["analytics.export_report"]
    assert set(done.values()) == {1}
    assert 0 < USUAL_REPORTS + STUCK_REPORTS - len(done) <= 20, "only what workers held was ended"


async def test_what_failed_is_sent_again_each_once(demo: Demo, browser: Any) -> None:
    """Ben on a phone asks, Ana approves; no notification is missing in the books, and none was sent twice.

    Those that ran before do not count: a worker that restarts gives back what it has just begun (docs/traps.md).
    """
    ana, before = await demo.person("U0ANA"), set(books.read(demo.cluster.folder).get("notifications.send", ()))
    desk = await open_page(browser, demo, f"user=U0ANA&channel={CHANNEL}", DESK)
    await chosen(desk, "failing task", broken=False)
    root = (await alert_of(ana, "CeleryTaskHighFailRate"))["ts"]
    await desk.goto(f"{demo.slack.url}/?user=U0ANA&channel={CHANNEL}&thread={root}")
    phone = await open_page(browser, demo, f"user=U0BEN&channel={CHANNEL}&thread={root}", PHONE, "dark")
    thread = phone.get_by_label("Thread", exact=True)
    await thread.get_by_role("button", name="Ask to pause notifications").wait_for()
    await narrow(phone)
    await shot(phone, "failing-phone-alert")
    await chosen(desk, "failing task", broken=True)
    await pressed(phone, "Ask to send failed notifications.send again", LONG)
    await thread.get_by_text("would be sent again under new ids").first.wait_for()
    await shot(phone, "failing-phone-asked")
    await pressed(desk, "Approve")
    await desk.get_by_text("are sent again.").first.wait_for()
    await shot(desk, "failing-desk-sent-again")
    await demo.cluster.set_traffic({})

    async def each_once() -> bool:
        sent = books.read(demo.cluster.folder)["notifications.send"]
        assert [number for number, times in sent.items() if times > 1 and number not in before] == []
        return sent.keys() == set(range(1, max(sent) + 1)) and not (await demo.controls.depths.read())["notifications"]

    await eventually(each_once)
