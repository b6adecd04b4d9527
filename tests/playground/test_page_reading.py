"""What a reader of the page finds where: threads, menus, the app's messages."""

import pytest

from playground.slack.server import LocalSlack
from tests.playground.page_app import CARD, PageApp
from tests.playground.polling import eventually
from tests.playground.visiting import DESK, PHONE, Tab, Visit, alert, open_thread, seen

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

CHANNEL = "C0ONCALL"


async def scrolled(tab: Tab) -> tuple[float, float]:
    """Return how far the thread is scrolled from its beginning, and from its end."""
    top, left = await tab.evaluate(
        """() => { const list = document.querySelector("#replies .messages");
        return [list.scrollTop, list.scrollHeight - list.scrollTop - list.clientHeight] }"""
    )
    return top, left


async def long_thread(slack: LocalSlack, app: PageApp) -> str:
    """Let an alert be answered in a thread of several screens; return its timestamp."""
    await alert(slack)

    async def answered() -> bool:
        return any(m.replies for m in slack.backend.timeline.history(CHANNEL))

    await eventually(answered)
    (root,) = [m.ts for m in slack.backend.timeline.history(CHANNEL) if m.replies]
    for i in range(12):
        body = {"user": "U0BOT", "bot_id": "B0ONCALL", "text": f"Outcome {i}", "blocks": CARD, "thread_ts": root}
        slack.backend.timeline.post(CHANNEL, body)
    return root


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_a_thread_opens_at_what_it_is_about(
    slack: LocalSlack, app: PageApp, visit: Visit, size: dict[str, int]
) -> None:
    """The alert and its card stand there first; what comes meanwhile is said, and one's own words are in sight."""
    root = await long_thread(slack, app)
    tab = await visit(slack, f"user=U0ANA&channel={CHANNEL}&thread={root}", size)
    thread = tab.get_by_role("complementary", name="Thread")
    await thread.get_by_text("13 replies").wait_for()
    top, left = await scrolled(tab)
    assert top == 0
    assert left > 500
    body = {"user": "U0BOT", "bot_id": "B0ONCALL", "text": "Paused.", "thread_ts": root}
    slack.backend.timeline.post(CHANNEL, body)
    pill = thread.get_by_role("button", name="New messages")
    await pill.wait_for()
    assert (await scrolled(tab))[0] == 0
    await thread.get_by_label("Reply…").fill("I look at it")
    await thread.get_by_role("button", name="Send").click()
    await thread.get_by_text("I look at it").wait_for()
    assert (await scrolled(tab))[1] < 60
    assert not await pill.is_visible()


async def test_whispers_are_no_replies(slack: LocalSlack, app: PageApp, visit: Visit) -> None:
    """Slack counts what all can see."""
    tab = await visit(slack)
    await alert(slack)
    thread = await open_thread(tab)
    await thread.get_by_role("button", name="Approve").click()
    await thread.get_by_text("You cannot approve").wait_for()
    assert await seen(thread.locator(".count")) == "1 reply"


async def test_a_menu_has_its_words_each_time_it_is_opened(slack: LocalSlack, app: PageApp, visit: Visit) -> None:
    """The second time as the first."""
    tab = await visit(slack)
    await alert(slack)
    thread = await open_thread(tab)
    for _ in range(2):
        await thread.get_by_role("button", name="More actions").last.click()
        await tab.get_by_role("menuitem", name="Resolve").wait_for()
        await tab.keyboard.press("Escape")
        await tab.get_by_role("menuitem", name="Resolve").wait_for(state="detached")


async def test_nothing_can_be_written_where_the_app_takes_no_messages(
    slack: LocalSlack, app: PageApp, visit: Visit
) -> None:
    """The manifest makes the app's messages read-only; Slack shows a sentence there instead of a field."""
    space = slack.workspace
    direct = space.im_between("U0ANA", space.app.user_id)
    tab = await visit(slack, f"user=U0ANA&channel={direct.id}")
    await tab.get_by_text("Sending messages to this app has been turned off.").first.wait_for()
    assert not await tab.locator("#composer textarea").is_visible()
    await tab.get_by_role("button", name="platform-oncall").click()
    await tab.locator("#composer textarea").wait_for()
