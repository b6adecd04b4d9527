"""The playground's page in a real browser, against the real local Slack and a small Bolt app."""

import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from playground.slack.person import Person
from playground.slack.server import LocalSlack
from tests.playground.page_app import CARD, PageApp
from tests.playground.polling import eventually
from tests.playground.visiting import PHONE, Visit, alert, local_slack, open_thread, seen, serving

# One loop, and so one browser, for the module: starting it takes longer than most of these tests.
pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
CHANNEL = "C0ONCALL"
HOSTILE = "<!channel> <b>bold</b> <img src=x onerror=alert(1)> & `x`"


async def test_an_alert_is_drawn_and_answered_in_its_thread(slack: LocalSlack, app: PageApp, visit: Visit) -> None:
    """The attachment shows bar, title link and field; the app's answer counts as a reply and opens beside it."""
    tab = await visit(slack)
    await alert(slack)
    card = tab.locator("#messages .attached")
    assert "[FIRING:1] CeleryQueueDepthHigh" in await seen(card)
    assert await card.get_by_role("link").get_attribute("href") == "http://alertmanager.example.internal:9093/#/alerts"
    assert await card.evaluate("node => getComputedStyle(node, '::before').backgroundColor") == "rgb(163, 2, 0)"
    assert "Cluster\nprod" in await card.inner_text()
    thread = await open_thread(tab)
    assert await thread.get_by_role("button", name="Pause analytics").is_visible()
    assert "thread=" in tab.url


async def test_a_label_never_becomes_markup(slack: LocalSlack, app: PageApp, visit: Visit) -> None:
    """`<!channel>` and HTML in an alert's title stay visible text."""
    tab = await visit(slack)
    await alert(slack, HOSTILE)
    card = tab.locator("#messages .attached")
    assert HOSTILE in await seen(card.locator(".title"))
    assert "<img src=x onerror=alert(1)>" in await seen(card.locator(".text"))
    assert await card.locator("img, b, script").count() == 0
    assert await card.locator(".title .mention").count() == 0


async def test_a_click_is_confirmed_reaches_the_app_and_edits_the_card_in_place(
    slack: LocalSlack, app: PageApp, visit: Visit
) -> None:
    """Escape refuses the confirm dialog; its button sends the click; the same article then says what was done."""
    tab = await visit(slack)
    await alert(slack)
    thread = await open_thread(tab)
    pause = thread.get_by_role("button", name="Pause analytics")
    dialog = tab.get_by_role("alertdialog", name="Pause analytics?")
    await pause.click()
    assert "1,902 messages will wait." in await seen(dialog)
    assert await dialog.get_by_role("button", name="Pause").get_attribute("class") == "button danger"
    await tab.keyboard.press("Escape")
    await dialog.wait_for(state="detached")
    assert app.heard == []
    assert await pause.evaluate("node => node === document.activeElement")
    await pause.evaluate("node => { node.closest('article').marked = true; }")
    await pause.click()
    await dialog.get_by_role("button", name="Pause").click()
    sent = await app.wait_for("block_actions")
    assert sent["user"]["id"] == "U0ANA"
    assert sent["actions"][0]["value"] == "pause-7"
    await thread.get_by_text("Paused by").wait_for()
    assert await thread.locator("article.changed").evaluate("node => node.marked")


async def test_a_card_that_changes_under_the_finger_does_not_swallow_the_click(
    slack: LocalSlack, app: PageApp, visit: Visit
) -> None:
    """An edit between press and release waits for the release; the click reaches the app."""
    tab = await visit(slack)
    await alert(slack)
    thread = await open_thread(tab)
    scale = thread.get_by_role("button", name="Scale…")
    await scale.hover()
    await tab.mouse.down()
    root = slack.backend.timeline.history(CHANNEL)[-1]
    slack.backend.timeline.change(root.replies[0], {"blocks": [CARD[0], CARD[1] | {"block_id": "newer"}]})
    # The stream keeps its order: when the later message is on the page, the edit has been there.
    slack.backend.timeline.post(CHANNEL, {"user": "U0BEN", "text": "a later message"})
    await tab.get_by_text("a later message").wait_for()
    assert await scale.get_attribute("data-block-id") == "ways"
    await tab.mouse.up()
    await tab.get_by_role("dialog", name="Scale workers").wait_for()


async def test_a_form_shows_a_field_error_and_then_passes(slack: LocalSlack, app: PageApp, visit: Visit) -> None:
    """The app's error stands beside its field; what was typed stays; a good value closes the form."""
    tab = await visit(slack)
    await alert(slack)
    thread = await open_thread(tab)
    await thread.get_by_role("button", name="Scale…").click()
    form = tab.get_by_role("dialog", name="Scale workers")
    await form.get_by_label("Reason").fill("launch day")
    await form.get_by_role("button", name="Request").click()
    count = form.get_by_role("textbox", name="How many more")
    assert await seen(form.locator(".error")) == "At most 2 more fit."
    assert await count.get_attribute("aria-invalid") == "true"
    assert await form.get_by_label("Reason").input_value() == "launch day"
    await count.fill("2")
    await form.get_by_role("button", name="Request").click()
    sent = await app.wait_for("view_submission")
    values = sent["view"]["state"]["values"]
    assert (values["count"]["n"]["value"], values["reason"]["t"]["value"]) == ("2", "launch day")
    await form.wait_for(state="detached")


async def test_an_ephemeral_message_is_marked_and_nobody_else_sees_it(
    slack: LocalSlack, app: PageApp, visit: Visit
) -> None:
    """The refusal says that only Ana sees it; Ben's page does not have it; Ana can dismiss it."""
    tab = await visit(slack)
    await alert(slack)
    thread = await open_thread(tab)
    await thread.get_by_role("button", name="Approve").click()
    refusal = thread.locator("article", has_text="You cannot approve your own request.")
    assert "Only visible to you" in await seen(refusal)
    others = await visit(slack, tab.url.split("?")[1].replace("U0ANA", "U0BEN"))
    await others.get_by_role("button", name="Approve").wait_for()
    assert await others.get_by_text("You cannot approve").count() == 0
    await refusal.hover()
    await refusal.get_by_role("button", name="Dismiss").click()
    await refusal.wait_for(state="detached")


async def test_a_global_shortcut_is_offered_beside_commands_and_runs_at_once(
    slack: LocalSlack, app: PageApp, visit: Visit
) -> None:
    """Typing "/" shows both; the shortcut chosen reaches the app, and leaves nothing in the box."""
    tab = await visit(slack)
    box = tab.get_by_role("textbox", name="Message #platform-oncall")
    await box.press_sequentially("/")
    assert await tab.get_by_role("option").count() == 2
    await box.press_sequentially("act")
    assert "Act on a cluster" in await seen(tab.get_by_role("option"))
    await tab.keyboard.press("Enter")
    sent = await app.wait_for("shortcut")
    assert (sent["callback_id"], sent["user"]["id"], "message" in sent) == ("act_on_a_cluster", "U0ANA", False)
    assert await box.input_value() == ""


async def test_a_slash_command_is_offered_and_run_but_not_in_a_thread(
    slack: LocalSlack, app: PageApp, visit: Visit
) -> None:
    """Typing "/" shows the command and its hint; Enter runs it; in a thread the page says to mention the app."""
    tab = await visit(slack)
    await alert(slack)
    box = tab.get_by_role("textbox", name="Message #platform-oncall")
    await box.press_sequentially("/ce")
    assert "pause <queue>" in await seen(tab.get_by_role("option"))
    await tab.keyboard.press("Tab")
    await box.press_sequentially("status")
    await tab.keyboard.press("Enter")
    answer = tab.locator("#messages article", has_text="all quiet, status asked by")
    assert "@Ana Almeida" in await seen(answer)

    async def emptied() -> bool:
        return str(await box.input_value()) == ""

    await eventually(emptied)
    await open_thread(tab)
    reply = tab.get_by_role("textbox", name="Reply…")
    await reply.fill("/celery status")
    await tab.keyboard.press("Enter")
    hint = tab.locator("#thread-composer .composer-note")
    assert await seen(hint) == "Slash commands do not work in threads. Write @celery-oncall status instead."
    assert await reply.input_value() == "/celery status"


async def test_a_person_talks_with_a_mention_and_reacts(slack: LocalSlack, app: PageApp, visit: Visit) -> None:
    """Typing "@" completes names; the message appears once, mention drawn; a reaction is put on and taken back."""
    tab = await visit(slack)
    box = tab.get_by_role("textbox", name="Message #platform-oncall")
    await box.press_sequentially("look @be")
    await tab.get_by_role("option", name="Ben Bauer").wait_for()
    await tab.keyboard.press("Enter")
    await box.press_sequentially("<b>now</b>")
    await tab.keyboard.press("Enter")
    message = tab.locator("#messages article", has_text="look @Ben Bauer <b>now</b>")
    await message.wait_for()
    assert await message.count() == 1
    await message.hover()
    await message.get_by_role("button", name="Add a reaction").click()
    await tab.get_by_role("menuitem", name="eyes").click()
    mine = message.get_by_role("button", name="eyes, 1")
    assert await mine.get_attribute("aria-pressed") == "true"
    await mine.click()
    await mine.wait_for(state="detached")


async def test_home_is_drawn_and_its_buttons_work(slack: LocalSlack, app: PageApp, visit: Visit) -> None:
    """Opening Home tells the app, what it publishes appears, and a button there reaches it with the view."""
    tab = await visit(slack)
    await tab.get_by_role("region", name="Apps").get_by_role("button", name="celery-oncall").click()
    await tab.locator("#home").get_by_role("button", name="Resume").click()
    sent = await app.wait_for("block_actions")
    assert sent["view"]["type"] == "home"
    assert "view=home" in tab.url


async def test_a_message_shortcut_reaches_the_app(slack: LocalSlack, app: PageApp, visit: Visit) -> None:
    """The message menu offers the manifest's shortcut and sends the message along."""
    tab = await visit(slack)
    async with Person(slack.url, "U0BEN") as ben:
        said = await ben.say(CHANNEL, "queues look odd")
    message = tab.locator("#messages article", has_text="queues look odd")
    await message.hover()
    await message.get_by_role("button", name="More message actions").click()
    await tab.get_by_role("menuitem", name="Treat as an alert").click()
    sent = await app.wait_for("message_action")
    assert (sent["callback_id"], sent["message"]["ts"]) == ("treat_as_alert", said["ts"])


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_text_can_be_read_in_both_themes(slack: LocalSlack, app: PageApp, visit: Visit, theme: str) -> None:
    """Contrast is at least 4.5 with channel, card, mention, error and hints in sight; dark is dark."""
    tab = await visit(slack, f"user=U0ANA&theme={theme}")
    await alert(slack)
    thread = await open_thread(tab)
    await thread.get_by_role("button", name="Approve").click()
    await thread.get_by_text("Only visible to you").wait_for()
    await tab.get_by_role("textbox", name="Reply…").fill("/celery")
    await thread.get_by_role("button", name="Scale…").click()
    form = tab.get_by_role("dialog", name="Scale workers")
    await form.get_by_role("button", name="Request").click()
    await form.locator(".error").wait_for()
    assert await tab.evaluate(CONTRAST) == []
    shade = await tab.evaluate("getComputedStyle(document.getElementById('main')).backgroundColor")
    assert shade == {"light": "rgb(255, 255, 255)", "dark": "rgb(23, 27, 24)"}[theme]


async def test_a_phone_shows_one_pane_at_a_time_and_never_scrolls_sideways(
    slack: LocalSlack, app: PageApp, visit: Visit
) -> None:
    """At 390 px rail, channel and thread follow one another by touch and back button, each fitting the width."""
    await alert(slack, "a_label_without_any_place_to_break_" * 6)
    tab = await visit(slack, "user=U0ANA", PHONE)

    async def alone(shown: str) -> None:
        await tab.locator(f"#{shown}").wait_for()
        panes = {name: await tab.locator(f"#{name}").is_visible() for name in ("rail", "main", "thread")}
        assert panes == {"rail": False, "main": False, "thread": False, shown: True}
        assert await tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        boxes = tab.locator(".messages, .attached, .body")
        assert await boxes.evaluate_all("all => all.filter(node => node.scrollWidth > node.clientWidth).length") == 0

    await alone("main")
    await open_thread(tab)
    await alone("thread")
    await tab.get_by_role("button", name="Back to the channel").click()
    await alone("main")
    await tab.get_by_role("button", name="Back to the list of channels").click()
    await alone("rail")
    await tab.get_by_role("button", name="platform-oncall").click()
    await alone("main")


async def test_phone_view_is_the_same_page_in_a_narrow_frame(slack: LocalSlack, visit: Visit) -> None:
    """The button narrows the frame to 390 px and shows one pane."""
    tab = await visit(slack)
    assert await tab.locator("#rail").is_visible()
    await tab.get_by_role("button", name="Phone view").click()
    assert (await tab.locator("#frame").bounding_box())["width"] == PHONE["width"]
    assert not await tab.locator("#rail").is_visible()


async def test_direct_messages_count_as_unread_until_opened(slack: LocalSlack, visit: Visit) -> None:
    """What came before the page was opened and what comes after both count; opening the conversation clears it."""
    space = slack.workspace
    direct = space.im_between("U0ANA", space.app.user_id)
    bot = {"user": space.app.user_id, "bot_id": space.app.id, "text": "Your consent is asked for."}
    slack.backend.timeline.post(direct.id, bot)
    tab = await visit(slack)
    place = tab.get_by_role("region", name="Direct messages").get_by_role("button")
    await tab.get_by_role("button", name="celery-oncall, 1 unread").wait_for()
    slack.backend.timeline.post(direct.id, bot)
    await tab.get_by_role("button", name="celery-oncall, 2 unread").wait_for()
    await place.click()
    await tab.get_by_text("Your consent is asked for.").first.wait_for()
    await place.locator(".count").wait_for(state="detached")


async def test_the_page_comes_back_after_a_gap_and_reads_what_it_missed(visit: Visit) -> None:
    """While the server is away the page says so; when it is back, what happened in between appears."""
    async with serving(local_slack()) as first:
        tab = await visit(first)
        port = int(first.url.rsplit(":", 1)[1])
    lost = tab.get_by_text("Connection lost")
    await lost.wait_for()
    second = local_slack(port)
    second.backend.timeline.post(CHANNEL, {"user": "U0BEN", "text": "said while you were away"})
    async with serving(second):
        await tab.locator("#messages article", has_text="said while you were away").wait_for()
        await lost.wait_for(state="hidden")


def _controls() -> tuple[web.Application, dict[str, Any]]:
    """What the playground offers, as a small app; the dict records what was asked of it."""
    done: dict[str, Any] = {"fired": [], "broken": False}

    async def offers(_request: web.Request) -> web.Response:
        breakages = [{"id": "kill", "label": "Kill a worker", "active": done["broken"]}]
        alerts = [{"id": "depth", "label": "Queue depth above 1000"}]
        return web.json_response({"alerts": alerts, "breakages": breakages, "you": "U0BEN", "channel": CHANNEL})

    async def fire(request: web.Request) -> web.Response:
        done["fired"].append(request.match_info["id"])
        return web.json_response({"ok": True})

    async def toggle(_request: web.Request) -> web.Response:
        done["broken"] = not done["broken"]
        return web.json_response({"ok": True})

    async def depths(_request: web.Request) -> web.Response:
        return web.json_response({"at": time.time(), "queues": [{"name": "ai_generation", "depth": 1284}]})

    app = web.Application()
    routes = [web.get("", offers), web.get("/depths", depths)]
    app.add_routes([*routes, web.post("/alerts/{id}", fire), web.post("/breakages/{id}", toggle)])
    return app, done


async def test_the_playgrounds_controls_work_and_depths_are_shown(visit: Visit) -> None:
    """The page opens as the proposed person, fires, breaks, and counts the queues; nothing leaves the machine."""
    controls, done = _controls()
    asked: list[str] = []
    async with serving(local_slack(controls=controls)) as slack:
        tab = await visit(slack, "")
        tab.on("request", lambda request: asked.append(request.url))
        await tab.reload()
        await tab.get_by_role("button", name="You are Ben Bauer").wait_for()
        strip = tab.get_by_role("region", name="Queue depths")
        assert "ai_generation1,284" in (await seen(strip)).replace("\n", "")
        assert "counted straight from the broker" in await strip.inner_text()
        await tab.get_by_role("button", name="Fire alert").click()
        await tab.get_by_role("menuitem", name="Queue depth above 1000").click()
        await tab.get_by_text("Fired: Queue depth above 1000").wait_for()
        assert done["fired"] == ["depth"]
        await tab.get_by_role("button", name="Break something").click()
        await tab.get_by_role("menuitemcheckbox", name="Kill a worker").click()
        await tab.locator('[data-control="break"] .dot').wait_for()
        assert done["broken"]
    assert [url for url in asked if not url.startswith((slack.url, "data:"))] == []


async def test_a_link_to_what_is_not_there_opens_the_channel_and_says_so(slack: LocalSlack, visit: Visit) -> None:
    """An unknown person or channel falls back to what there is; an unknown thread is told in one sentence."""
    tab = await visit(slack, "user=U0NOBODY&channel=C0NOWHERE")
    assert "platform-oncall" in await seen(tab.get_by_role("heading", level=1))
    assert await tab.get_by_role("button", name="You are Ana Almeida").is_visible()
    other = await visit(slack, f"user=U0ANA&channel={CHANNEL}&thread=1.000001")
    assert "There is no message 1.000001" in await seen(other.get_by_role("alert"))


async def test_without_controls_their_menus_are_hidden(slack: LocalSlack, visit: Visit) -> None:
    """The plain local Slack has nothing to fire or to break, and no depths."""
    tab = await visit(slack)
    assert await tab.get_by_role("button", name="You are Ana Almeida").is_visible()
    assert await tab.get_by_role("button", name="Fire alert").count() == 0
    assert not await tab.locator("#depths").is_visible()


TEXTS = {
    "*bold* _it_ ~no~ `co*d*e`": "<strong>bold</strong> <em>it</em> <s>no</s> <code>co*d*e</code>",
    "snake_case_name 2*3*4 a_b_ c*d* ": "snake_case_name 2*3*4 a_b_ c*d* ",
    "&lt;!channel&gt; &amp;amp;": "&lt;!channel&gt; &amp;amp;",
    "<script>alert(1)</script>": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<javascript:alert(1)|x>": "&lt;javascript:alert(1)|x&gt;",
    "> quoted\nnot": "<blockquote>quoted</blockquote>not",
    "```a *b*\n<&gt;```": "<pre>a *b*\n&lt;&gt;</pre>",
    "<@U0BEN>": '<span class="mention">@Ben Bauer</span>',
    "<!subteam^S0ONCALL>": '<span class="mention mine">@oncall</span>',
    "<!here>": '<span class="mention mine">@here</span>',
    ":no_such_emoji: 10:30:45": ":no_such_emoji: 10:30:45",
}


async def test_mrkdwn_is_drawn_as_slack_draws_it(slack: LocalSlack, visit: Visit) -> None:
    """Marks, escapes, quotes, code, references and dates become exactly these nodes."""
    tab = await visit(slack)
    draw = """async (text) => {
        const { mrkdwn } = await import('/js/mrkdwn.js');
        const box = document.createElement('div');
        box.append(mrkdwn(text));
        return box.innerHTML;
    }"""
    assert {text: await tab.evaluate(draw, text) for text in TEXTS} == TEXTS
    date = await tab.evaluate(draw, "<!date^1392734382^{date_num} of {nothing}|then>")
    assert '<time datetime="2014-02-18T14:39:42.000Z"' in date
    assert ">2014-02-18 of {nothing}</time>" in date
    link = await tab.evaluate(draw, "<https://a.example/?b=1&amp;c=2|the *board*>")
    assert 'href="https://a.example/?b=1&amp;c=2"' in link
    assert ">the *board*</a>" in link
    assert "🔴" in await tab.evaluate(draw, ":red_circle:")
