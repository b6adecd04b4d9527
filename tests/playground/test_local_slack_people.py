"""The people's side: what they type and see, the stream, the page, the process."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, web
from hypothesis import given
from hypothesis import strategies as st

from playground.slack import LocalSlack, ManifestError, Person, Webhook, default_workspace
from playground.slack.errors import Refused
from playground.slack.manifest import read_manifest
from playground.slack.text import escape, typed_message
from tests.playground.local_slack import (
    HASTY,
    ONCALL,
    SCOPES,
    actions,
    bolt_app,
    button,
    client_of,
    local_slack,
    manifest_file,
    modal,
    people,
)


@pytest.fixture
async def slack(tmp_path: Path) -> AsyncIterator[LocalSlack]:
    """A local Slack with short clocks."""
    async with local_slack(tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("@ana and @Ben.", "<@U0ANA> and <@U0BEN>."),
        ("@celery-oncall status", "<@U0BOT> status"),
        ("@oncall look at #platform-oncall, please", "<!subteam^S0ONCALL> look at <#C0ONCALL|platform-oncall>, please"),
        ("@here @channel", "<!here> <!channel>"),
        ("<!channel> & <@U0ANA>", "&lt;!channel&gt; &amp; &lt;@U0ANA&gt;"),
        ("mail me@ana.example, @nobody, #nowhere", "mail me@ana.example, @nobody, #nowhere"),
        ("see https://x.internal/a?b=1&c=2#general.", "see <https://x.internal/a?b=1&amp;c=2#general>."),
    ],
)
def test_what_people_type_is_stored_as_slack_stores_it(typed: str, stored: str) -> None:
    """Escaped first, then names become references; nobody can type a reference."""
    assert typed_message(typed, default_workspace()) == stored


@given(st.text())
def test_typed_text_holds_no_reference_that_was_typed(text: str) -> None:
    """Whatever is typed, angle brackets come from Slack alone."""
    space = default_workspace()
    bare = text.replace("@", "").replace("#", "").replace("http", "")
    assert typed_message(bare, space) == escape(bare)


async def test_a_person_reads_what_they_alone_see_in_its_place(slack: LocalSlack) -> None:
    """Ephemeral messages stand between the others, in the thread they belong to."""
    async with client_of(slack) as client, ClientSession() as http, people(slack, "U0ANA") as (ana,):
        root = await ana.say(ONCALL, "root")
        await client.chat_postEphemeral(channel=ONCALL, user="U0ANA", text="psst")
        await client.chat_postEphemeral(channel=ONCALL, user="U0ANA", text="below", thread_ts=root["ts"])
        await ana.say(ONCALL, "last")

        async def texts(**query: str) -> list[str]:
            query = {"channel": ONCALL, "user": "U0ANA", **query}
            async with http.get(f"{slack.url}/people/messages", params=query) as answer:
                return [message["text"] for message in (await answer.json())["messages"]]

        assert await texts() == ["root", "psst", "last"]
        assert await texts(thread_ts=root["ts"]) == ["root", "below"]
        assert await texts(user="U0BEN") == ["root", "last"]
        (psst, _below) = await ana.ephemerals()
        async with http.post(
            f"{slack.url}/people/dismiss", json={"user": "U0ANA", "ephemeral_id": psst["ephemeral_id"]}
        ) as dismissed:
            assert (await dismissed.json())["ok"]
        assert await texts() == ["root", "last"]


async def test_nobody_writes_where_they_may_not(tmp_path: Path) -> None:
    """Not outside their channels, not to an app whose messages tab is read-only, not nothing."""
    space = default_workspace()
    space.channels["C0GENERAL"].members.remove("U0ANA")
    async with local_slack(tmp_path, workspace=space) as slack, people(slack, "U0ANA") as (ana,):
        for channel, text, code in [
            ("C0GENERAL", "x", "not_in_channel"),
            ("C0NOWHERE", "x", "channel_not_found"),
            (ONCALL, "  ", "no_text"),
            (space.im_between("U0ANA", "U0BOT").id, "x", "messages_tab_read_only"),
        ]:
            with pytest.raises(Refused) as caught:
                await ana.say(channel, text)
            assert caught.value.code == code
        with pytest.raises(Refused) as in_thread:
            await ana.command("/celery status", ONCALL, thread_ts="1.0")
        assert in_thread.value.code == "not_supported_in_threads"


async def test_the_state_tells_the_page_all_it_needs(slack: LocalSlack) -> None:
    """People, channels, groups, and what the app offers."""
    async with ClientSession() as http, http.get(f"{slack.url}/people/state") as answer:
        state = await answer.json()
    assert {user["name"] for user in state["users"] if not user["is_bot"]} == {"ana", "ben", "chi", "dora"}
    assert [channel["name"] for channel in state["channels"]] == ["platform-oncall", "general"]
    assert {group["handle"] for group in state["groups"]} == {"oncall", "platform"}
    assert [command["command"] for command in state["app"]["commands"]] == ["/celery"]
    assert (state["app"]["bot_user_id"], state["app"]["connected"]) == ("U0BOT", False)


async def next_of(stream: ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next event of this type."""
    async with asyncio.timeout(5):
        while True:
            event: dict[str, Any] = await stream.receive_json()
            if event["type"] == kind:
                return event


async def test_the_stream_shows_what_happens_before_ones_eyes(tmp_path: Path) -> None:
    """Messages, threads, reactions, whispers, views, notices; not those of others."""
    async with (
        local_slack(tmp_path, rules=HASTY) as slack,
        bolt_app(slack) as app,
        people(slack, "U0ANA") as (ana,),
        ClientSession() as http,
        http.ws_connect(f"{slack.url}/people/stream?user=U0ANA") as mine,
        http.ws_connect(f"{slack.url}/people/stream?user=U0BEN") as bens,
    ):
        client = app.client
        await client.chat_postEphemeral(channel=ONCALL, user="U0ANA", text="psst")
        ts = (await client.chat_postMessage(channel=ONCALL, text="root"))["ts"]
        await client.chat_postMessage(channel=ONCALL, text="reply", thread_ts=ts)
        await client.reactions_add(channel=ONCALL, timestamp=ts, name="eyes")
        await client.chat_update(channel=ONCALL, ts=ts, text="edited")
        trigger = slack.backend.triggers.issue("U0ANA")
        view = (await client.views_open(trigger_id=trigger, view=modal()))["view"]
        await client.views_update(view_id=view["id"], view=modal())
        await client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": []})
        await ana.close_view(view["id"])
        with pytest.raises(Refused, match="operation_timeout"):
            await ana.command("/celery status", ONCALL)

        assert (await next_of(mine, "ephemeral"))["message"]["text"] == "psst"
        assert (await next_of(mine, "message"))["message"]["text"] == "root"
        assert (await next_of(mine, "message"))["message"]["thread_ts"] == ts
        assert (await next_of(mine, "message_changed"))["message"]["reply_count"] == 1
        assert (await next_of(mine, "reaction"))["message"]["reactions"][0]["name"] == "eyes"
        assert (await next_of(mine, "message_changed"))["message"]["text"] == "edited"
        assert (await next_of(mine, "view_opened"))["view"]["id"] == view["id"]
        assert (await next_of(mine, "view_updated"))["view"]["id"] == view["id"]
        assert (await next_of(mine, "home"))["view"]["type"] == "home"
        assert (await next_of(mine, "view_closed"))["view"]["id"] == view["id"]
        notice = await next_of(mine, "notice")
        assert (notice["text"], notice["channel"]) == ('/celery failed with the error "operation_timeout"', ONCALL)
        assert (await bens.receive_json())["message"]["text"] == "root"


async def test_a_stream_for_nobody_is_refused(slack: LocalSlack) -> None:
    """With the reason."""
    async with ClientSession() as http, http.get(f"{slack.url}/people/stream?user=U0NO") as answer:
        assert (answer.status, (await answer.json())["error"]) == (400, "user_not_found")


async def test_two_people_click_at_once_and_both_arrive(slack: LocalSlack) -> None:
    """The app decides who was first, not Slack."""
    clicks: list[str] = []
    async with bolt_app(slack) as app, people(slack, "U0ANA", "U0BEN") as (ana, ben):

        async def note(ack: Any, body: dict[str, Any]) -> None:
            await ack()
            clicks.append(body["user"]["id"])

        app.action("approve")(note)
        await app.client.chat_postMessage(channel=ONCALL, text="?", blocks=[actions(button("approve"))])
        (message,) = await ana.messages(ONCALL)
        await asyncio.gather(ana.click(message, "approve"), ben.click(message, "approve"))
    assert sorted(clicks) == ["U0ANA", "U0BEN"]


async def test_waiting_ends_with_a_word_on_what_was_waited_for(slack: LocalSlack) -> None:
    """A headless story that stalls says where."""
    async with people(slack, "U0ANA") as (ana,):
        with pytest.raises(TimeoutError, match=r"U0ANA saw nothing after 0.1 s: Person\.views"):
            await ana.wait_for(ana.views, 0.1)


async def test_page_and_controls_are_served_beside_slack(tmp_path: Path) -> None:
    """The page at the root, the playground's buttons below /controls."""

    async def fire(_request: web.Request) -> web.Response:
        return web.json_response({"ok": True})

    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<title>Local Slack</title>", encoding="utf-8")
    (page / "app.js").write_text("1", encoding="utf-8")
    controls = web.Application()
    controls.router.add_post("/fire", fire)
    slack = LocalSlack(manifest_file(tmp_path), page=page, controls=controls)
    await slack.start()
    async with ClientSession(slack.url) as http:
        for path, text in [("/", "<title>Local Slack</title>"), ("/app.js", "1")]:
            async with http.get(path) as answer:
                assert await answer.text() == text
        async with http.post("/controls/fire") as answer:
            assert await answer.json() == {"ok": True}
        async with http.get("/../manifest.yml") as answer:
            assert answer.status == 404
    await slack.stop()


async def test_the_log_of_calls_holds_no_tokens(slack: LocalSlack) -> None:
    """Method, arguments, caller, outcome."""
    async with client_of(slack) as client, ClientSession() as http:
        await client.api_call("chat.postMessage", params={"channel": ONCALL, "text": "x", "token": slack.bot_token})
        async with http.get(f"{slack.url}/people/api_log?method=chat.postMessage") as answer:
            (call,) = (await answer.json())["calls"]
    assert (call["args"], call["caller"], call["outcome"]) == ({"channel": ONCALL, "text": "x"}, "U0BOT", "ok")


@pytest.mark.parametrize(
    ("path", "payload", "answer"),
    [
        ("/services/T0LOCAL/B0ALERT/wrong", {"text": "x"}, "404 no_service"),
        ("/services/T0ELSE/B0ALERT/alertmanager-to-platform-oncall", {"text": "x"}, "404 no_team"),
        (None, {}, "400 no_text"),
        (None, [], "400 invalid_payload"),
        (None, {"blocks": [{"type": "sektion"}]}, "400 invalid_blocks"),
        (None, {"attachments": [{}] * 101}, "400 too_many_attachments"),
    ],
)
async def test_a_wrong_webhook_call_is_refused_in_plain_text(
    slack: LocalSlack, path: str | None, payload: Any, answer: str
) -> None:
    """As Slack's incoming webhooks do."""
    webhook = Webhook(slack.url, path) if path else Webhook(slack.url)
    with pytest.raises(Refused, match=answer):
        await webhook.post(payload)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"scopes": [*SCOPES, "chat:wirte"]}, "Slack knows no 'chat:wirte'; did you mean chat:write?"),
        ({"events": ["mesage.channels"]}, "Slack knows no 'mesage.channels'; did you mean message.channels?"),
        ({"scopes": ["chat:write"]}, "the event app_mention needs the bot scope app_mentions:read; add it"),
    ],
)
def test_a_manifest_with_a_slip_is_refused(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    """Slack's published schema lets all three pass."""
    with pytest.raises(ManifestError, match=problem.replace("?", r"\?")):
        read_manifest(manifest_file(tmp_path, **changes))


def test_a_manifest_that_is_none_is_named(tmp_path: Path) -> None:
    """Missing, broken or of the wrong kind."""
    (tmp_path / "broken.yml").write_text("a: [", encoding="utf-8")
    (tmp_path / "list.yml").write_text("- a", encoding="utf-8")
    for name, problem in [("missing.yml", "cannot read"), ("broken.yml", "cannot read"), ("list.yml", "is a mapping")]:
        with pytest.raises(ManifestError, match=f"{name}: .*{problem}"):
            read_manifest(tmp_path / name)


def test_the_projects_own_manifest_is_sound() -> None:
    """The playground starts with it."""
    manifest = read_manifest(Path(__file__).parents[2] / "manifest.yml")
    assert manifest.command("/celery") is not None


async def test_as_a_process_it_says_what_to_export_and_ends_on_sigterm(tmp_path: Path) -> None:
    """An app in another process needs its address and tokens."""
    command = [sys.executable, "-m", "playground.slack", "--manifest", str(manifest_file(tmp_path))]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(30):
        lines = [(await process.stdout.readline()).decode().strip() for _ in range(5)]
    exports = dict(line.split("=", 1) for line in lines)
    url = exports["SLACK_API_URL"].removesuffix("/api/")
    async with Person(url, "U0ANA") as ana:
        await ana.say(ONCALL, "hello")
        assert [m["text"] for m in await ana.messages(ONCALL)] == ["hello"]
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await process.wait() == 0


async def test_as_a_process_it_refuses_a_wrong_manifest_in_one_sentence(tmp_path: Path) -> None:
    """Exit code 2 and no traceback."""
    command = [
        sys.executable,
        "-m",
        "playground.slack",
        "--manifest",
        str(manifest_file(tmp_path, scopes=["chat:wirte"])),
    ]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert errors.decode().count("\n") == 1
    assert "did you mean chat:write?" in errors.decode()
