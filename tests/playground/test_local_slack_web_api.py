"""The local Slack's Web API, called by the real slack_sdk."""

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import LocalSlack, default_workspace
from playground.slack.web_api.registry import METHODS
from playground.slack.workspace import Bot, Channel
from tests.playground.local_slack import ONCALL, SCOPES, client_of, local_slack, people


@pytest.fixture
async def slack(tmp_path: Path) -> AsyncIterator[LocalSlack]:
    """A local Slack with the usual manifest."""
    async with local_slack(tmp_path) as running:
        yield running


@pytest.fixture
async def client(slack: LocalSlack) -> AsyncIterator[AsyncWebClient]:
    """The app's client."""
    async with client_of(slack) as web:
        yield web


async def refusal(call: Awaitable[Any]) -> dict[str, Any]:
    """The answer of a call that Slack refuses."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return dict(caught.value.response.data)


async def test_auth_test_names_the_bot_and_carries_its_scopes_in_a_header(client: AsyncWebClient) -> None:
    """Doctor reads the granted scopes from x-oauth-scopes."""
    answer = await client.auth_test()
    assert (answer["user_id"], answer["bot_id"], answer["team_id"]) == ("U0BOT", "B0ONCALL", "T0LOCAL")
    assert set(answer.headers["x-oauth-scopes"].split(",")) == set(SCOPES)


async def test_auth_test_takes_json_with_an_empty_body(slack: LocalSlack) -> None:
    """The SDK sends Content-Type application/json and nothing else."""
    headers = {"Authorization": f"Bearer {slack.bot_token}", "Content-Type": "application/json"}
    async with ClientSession() as http, http.post(slack.api_url + "auth.test", headers=headers, data=b"") as answer:
        assert (await answer.json())["ok"] is True


@pytest.mark.parametrize(
    ("token", "method", "error"),
    [
        ("", "auth.test", "not_authed"),
        ("xoxb-wrong", "auth.test", "invalid_auth"),
        ("xoxp-U0BOT", "auth.test", "invalid_auth"),
        ("xoxp-U0NOBODY", "auth.test", "invalid_auth"),
        ("xapp-1-local-oncall", "chat.postMessage", "not_allowed_token_type"),
        ("xoxb-local-oncall", "apps.connections.open", "not_allowed_token_type"),
        ("xoxb-local-oncall", "chat.postMassage", "unknown_method"),
    ],
)
async def test_wrong_tokens_and_methods_are_refused(slack: LocalSlack, token: str, method: str, error: str) -> None:
    """Each with Slack's own word."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with ClientSession() as http, http.post(slack.api_url + method, headers=headers) as answer:
        assert (answer.status, (await answer.json())["error"]) == (200, error)


async def test_arguments_may_come_as_json_form_or_query(slack: LocalSlack) -> None:
    """All three post the same message; blocks come as a string in a form."""
    blocks = '[{"type":"divider","block_id":"line"}]'
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    given = {"channel": ONCALL, "text": "hello"}
    async with ClientSession(headers=headers) as http:
        as_json = http.post(slack.api_url + "chat.postMessage", json=given)
        as_form = http.post(slack.api_url + "chat.postMessage", data={**given, "blocks": blocks})
        as_query = http.get(slack.api_url + "chat.postMessage", params=given)
        for call in (as_json, as_form, as_query):
            async with call as answer:
                assert (await answer.json())["message"]["text"] == "hello"
    assert [m.body.get("blocks", [{}])[0].get("block_id") for m in slack.backend.timeline.history(ONCALL)] == [
        None,
        "line",
        None,
    ]


async def test_a_missing_scope_is_named(tmp_path: Path) -> None:
    """`needed` and `provided` tell what to add to the manifest."""
    async with local_slack(tmp_path, scopes=["commands"], events=[]) as slack, client_of(slack) as client:
        answer = await refusal(client.chat_postMessage(channel=ONCALL, text="x"))
        assert (answer["error"], answer["needed"], answer["provided"]) == ("missing_scope", "chat:write", "commands")
        assert (await refusal(client.usergroups_list()))["needed"] == "usergroups:read"


async def test_the_scope_must_fit_the_kind_of_channel(tmp_path: Path) -> None:
    """channels:history does not read a private channel."""
    space = default_workspace()
    space.add_channel(Channel("C0SECRET", "secret", ["U0ANA", "U0BOT"], is_private=True))
    scopes = ["channels:history", "chat:write"]
    async with local_slack(tmp_path, scopes=scopes, events=[], workspace=space) as slack, client_of(slack) as client:
        assert (await refusal(client.conversations_history(channel="C0SECRET")))["needed"] == "groups:history"


@pytest.mark.parametrize(
    ("channel", "error"),
    [("C0NOWHERE", "channel_not_found"), ("#nowhere", "channel_not_found"), ("C0GENERAL", "not_in_channel")],
)
async def test_posting_needs_a_channel_the_bot_is_in(client: AsyncWebClient, channel: str, error: str) -> None:
    """The bot was not invited to #general."""
    assert (await refusal(client.chat_postMessage(channel=channel, text="x")))["error"] == error


async def test_a_private_channel_without_the_bot_does_not_exist_for_it(tmp_path: Path) -> None:
    """Slack does not give private channels away."""
    space = default_workspace()
    space.add_channel(Channel("C0SECRET", "secret", ["U0ANA"], is_private=True))
    async with local_slack(tmp_path, workspace=space) as slack, client_of(slack) as client:
        assert (await refusal(client.conversations_info(channel="C0SECRET")))["error"] == "channel_not_found"
        assert (await refusal(client.chat_postMessage(channel="C0SECRET", text="x")))["error"] == "channel_not_found"


async def test_a_posted_message_carries_its_author_and_filled_in_blocks(client: AsyncWebClient) -> None:
    """Block ids and text defaults are Slack's to fill in."""
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "*hi*"}}
    answer = await client.chat_postMessage(channel="#platform-oncall", text="hi", blocks=[section])
    message = answer["message"]
    assert (answer["channel"], message["user"], message["bot_id"]) == (ONCALL, "U0BOT", "B0ONCALL")
    assert message["blocks"][0]["block_id"]
    assert message["blocks"][0]["text"]["verbatim"] is False
    assert message["bot_profile"]["name"] == "celery-oncall"


async def test_a_user_id_as_channel_is_a_direct_message(slack: LocalSlack, client: AsyncWebClient) -> None:
    """chat:write suffices, the answer has the D… id, and the person reads it."""
    answer = await client.chat_postMessage(channel="U0BEN", text="psst")
    assert answer["channel"].startswith("D")
    assert (await client.chat_postMessage(channel=answer["channel"], text="more"))["ok"]
    async with people(slack, "U0BEN", "U0ANA") as (ben, ana):
        assert [m["text"] for m in await ben.direct_messages()] == ["psst", "more"]
        assert (await refusal(ana.web.conversations_history(channel=answer["channel"])))["error"] == "channel_not_found"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"text": ""}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": "x", "blocks": [{"type": "sektion"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": "no json"}, "invalid_blocks_format"),
        ({"text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
        ({"text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"text": "x", "metadata": {"event_type": "card"}}, "invalid_metadata_format"),
    ],
)
async def test_what_slack_would_not_post_is_refused(client: AsyncWebClient, given: dict[str, Any], error: str) -> None:
    """Each with Slack's own word."""
    assert (await refusal(client.api_call("chat.postMessage", json={"channel": ONCALL, **given})))["error"] == error


async def test_invalid_blocks_say_where_and_why(client: AsyncWebClient) -> None:
    """The messages are those a developer reads in Slack's answer."""
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]
    answer = await refusal(client.chat_postMessage(channel=ONCALL, text="x", blocks=blocks))
    wanted = ["[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]"]
    assert answer["response_metadata"]["messages"] == wanted


async def test_a_thread_is_counted_on_its_root_and_kept_out_of_the_channel(client: AsyncWebClient) -> None:
    """Only a broadcast reply stands in the channel too."""
    root = (await client.chat_postMessage(channel=ONCALL, text="root"))["ts"]
    first = (await client.chat_postMessage(channel=ONCALL, text="one", thread_ts=root))["ts"]
    last = (await client.chat_postMessage(channel=ONCALL, text="two", thread_ts=first, reply_broadcast=True))["ts"]
    history = (await client.conversations_history(channel=ONCALL))["messages"]
    assert [m["text"] for m in history] == ["two", "root"]
    assert (history[1]["reply_count"], history[1]["latest_reply"]) == (2, last)
    replies = (await client.conversations_replies(channel=ONCALL, ts=root))["messages"]
    assert [m["text"] for m in replies] == ["root", "one", "two"]
    assert {m["thread_ts"] for m in replies} == {root}


async def test_history_is_paged_and_bounded_by_time(client: AsyncWebClient) -> None:
    """`oldest` is exclusive unless `inclusive`; a cursor leads to the next page."""
    stamps = [(await client.chat_postMessage(channel=ONCALL, text=str(n)))["ts"] for n in range(5)]
    after = await client.conversations_history(channel=ONCALL, oldest=stamps[2])
    assert [m["text"] for m in after["messages"]] == ["4", "3"]
    within = await client.conversations_history(channel=ONCALL, oldest=stamps[1], latest=stamps[2], inclusive=True)
    assert [m["text"] for m in within["messages"]] == ["2", "1"]
    seen, cursor = [], ""
    while True:
        page = await client.conversations_history(channel=ONCALL, limit=2, cursor=cursor)
        seen += [m["text"] for m in page["messages"]]
        if not page["has_more"]:
            break
        cursor = page["response_metadata"]["next_cursor"]
    assert seen == ["4", "3", "2", "1", "0"]
    assert (await refusal(client.conversations_history(channel=ONCALL, cursor="?")))["error"] == "invalid_cursor"


async def test_metadata_is_read_with_the_flag_only(client: AsyncWebClient) -> None:
    """The bot finds its own cards again by include_all_metadata."""
    metadata = {"event_type": "card", "event_payload": {"id": "7"}}
    await client.chat_postMessage(channel=ONCALL, text="card", metadata=metadata)
    plain = await client.conversations_history(channel=ONCALL)
    asked = await client.conversations_history(channel=ONCALL, include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert asked["messages"][0]["metadata"] == metadata


async def test_metadata_is_read_with_the_scope_only(tmp_path: Path) -> None:
    """Without metadata.message:read the flag is of no use."""
    scopes = [scope for scope in SCOPES if scope != "metadata.message:read"]
    async with local_slack(tmp_path, scopes=scopes) as slack, client_of(slack) as client:
        metadata = {"event_type": "card", "event_payload": {}}
        await client.chat_postMessage(channel=ONCALL, text="card", metadata=metadata)
        asked = await client.conversations_history(channel=ONCALL, include_all_metadata=True)
        assert "metadata" not in asked["messages"][0]


async def test_an_update_with_text_alone_takes_the_blocks_away(client: AsyncWebClient) -> None:
    """And marks the message as edited; an update with blocks does neither."""
    divider = [{"type": "divider"}]
    ts = (await client.chat_postMessage(channel=ONCALL, text="a", blocks=divider))["ts"]
    with_blocks = (await client.chat_update(channel=ONCALL, ts=ts, text="b", blocks=divider))["message"]
    assert (with_blocks["blocks"][0]["type"], "edited" in with_blocks) == ("divider", False)
    text_only = (await client.chat_update(channel=ONCALL, ts=ts, text="c"))["message"]
    assert ("blocks" in text_only, text_only["text"], text_only["edited"]["user"]) == (False, "c", "U0BOT")


async def test_only_ones_own_messages_can_be_changed(slack: LocalSlack, client: AsyncWebClient) -> None:
    """Nor messages that are not there."""
    async with people(slack, "U0ANA") as (ana,):
        ts = (await ana.say(ONCALL, "mine"))["ts"]
    assert (await refusal(client.chat_update(channel=ONCALL, ts=ts, text="x")))["error"] == "cant_update_message"
    assert (await refusal(client.chat_delete(channel=ONCALL, ts=ts)))["error"] == "cant_delete_message"
    assert (await refusal(client.chat_update(channel=ONCALL, ts="1.0", text="x")))["error"] == "message_not_found"
    mine = (await client.chat_postMessage(channel=ONCALL, text="x"))["ts"]
    long = await refusal(client.chat_update(channel=ONCALL, ts=mine, text="x" * 4001))
    assert long["error"] == "msg_too_long"


async def test_a_deleted_root_leaves_a_tombstone(client: AsyncWebClient) -> None:
    """Its thread stays readable; a deleted reply is gone and no longer counted."""
    root = (await client.chat_postMessage(channel=ONCALL, text="root"))["ts"]
    reply = (await client.chat_postMessage(channel=ONCALL, text="one", thread_ts=root))["ts"]
    await client.chat_delete(channel=ONCALL, ts=root)
    (tombstone,) = (await client.conversations_history(channel=ONCALL))["messages"]
    assert (tombstone["subtype"], tombstone["reply_count"]) == ("tombstone", 1)
    await client.chat_delete(channel=ONCALL, ts=reply)
    (alone,) = (await client.conversations_history(channel=ONCALL))["messages"]
    assert "reply_count" not in alone


async def test_reactions_are_added_once_and_removed_once(slack: LocalSlack, client: AsyncWebClient) -> None:
    """A person sees who reacted."""
    ts = (await client.chat_postMessage(channel=ONCALL, text="x"))["ts"]
    where = {"channel": ONCALL, "timestamp": ts}
    await client.reactions_add(name="eyes", **where)
    assert (await refusal(client.reactions_add(name="eyes", **where)))["error"] == "already_reacted"
    assert (await refusal(client.reactions_add(name="Eyes!", **where)))["error"] == "invalid_name"
    async with people(slack, "U0ANA") as (ana,):
        (message,) = await ana.messages(ONCALL)
        assert message["reactions"] == [{"name": "eyes", "users": ["U0BOT"], "count": 1}]
    await client.reactions_remove(name="eyes", **where)
    assert (await refusal(client.reactions_remove(name="eyes", **where)))["error"] == "no_reaction"
    assert (await refusal(client.reactions_get(**where)))["needed"] == "reactions:read"


async def test_an_ephemeral_message_is_for_one_member_only(slack: LocalSlack, client: AsyncWebClient) -> None:
    """It is in nobody's history."""
    await client.chat_postEphemeral(channel=ONCALL, user="U0ANA", text="only you")
    async with people(slack, "U0ANA", "U0BEN") as (ana, ben):
        assert [m["text"] for m in await ana.ephemerals()] == ["only you"]
        assert await ben.ephemerals() == []
        assert await ana.messages(ONCALL) == []
    slack.workspace.channels[ONCALL].members.remove("U0DORA")
    answer = await refusal(client.chat_postEphemeral(channel=ONCALL, user="U0DORA", text="x"))
    assert answer["error"] == "user_not_in_channel"


async def test_people_groups_channels_and_bots_are_described(client: AsyncWebClient) -> None:
    """What roles and mentions are made of."""
    assert (await client.users_info(user="U0ANA"))["user"]["profile"]["display_name"] == "ana"
    assert {u["id"] for u in (await client.users_list())["members"]} >= {"U0ANA", "U0BOT"}
    groups = (await client.usergroups_list(include_users=True))["usergroups"]
    assert {g["handle"]: g["users"] for g in groups}["oncall"] == ["U0ANA", "U0BEN"]
    assert (await client.usergroups_users_list(usergroup="S0PLATFORM"))["users"] == ["U0BEN", "U0CHI"]
    assert (await refusal(client.usergroups_users_list(usergroup="S0NO")))["error"] == "no_such_subteam"
    assert (await client.conversations_info(channel="C0GENERAL"))["channel"]["is_member"] is False
    listed = (await client.conversations_list(types="public_channel,private_channel"))["channels"]
    assert {c["name"] for c in listed} == {"platform-oncall", "general"}
    assert [c["id"] for c in (await client.users_conversations())["channels"]] == [ONCALL]
    assert "U0BOT" in (await client.conversations_members(channel=ONCALL))["members"]
    assert (await client.bots_info(bot="B0ALERT"))["bot"]["app_id"] == "A0ALERT"
    assert (await refusal(client.users_info(user="U0NO")))["error"] == "user_not_found"


async def test_opening_and_joining_need_their_scopes(tmp_path: Path) -> None:
    """im:write opens direct messages, channels:join lets the bot in by itself."""
    wide = [*SCOPES, "im:write", "channels:join"]
    async with local_slack(tmp_path, scopes=wide) as slack, client_of(slack) as client:
        assert (await client.conversations_open(users="U0ANA"))["channel"]["id"].startswith("D")
        assert (await client.conversations_join(channel="C0GENERAL"))["channel"]["is_member"]
    async with local_slack(tmp_path) as slack, client_of(slack) as client:
        assert (await refusal(client.conversations_open(users="U0ANA")))["error"] == "missing_scope"
        assert (await refusal(client.conversations_join(channel="C0GENERAL")))["needed"] == "channels:join"


async def test_a_permalink_leads_to_the_thread(client: AsyncWebClient) -> None:
    """Repeats of an alert join an incident with one link."""
    root = (await client.chat_postMessage(channel=ONCALL, text="root"))["ts"]
    reply = (await client.chat_postMessage(channel=ONCALL, text="one", thread_ts=root))["ts"]
    link = (await client.chat_getPermalink(channel=ONCALL, message_ts=reply))["permalink"]
    assert link.endswith(f"/archives/{ONCALL}/p{reply.replace('.', '')}?thread_ts={root}&cid={ONCALL}")


async def test_another_bot_posts_with_its_own_token(tmp_path: Path) -> None:
    """It is subject to membership like any other."""
    space = default_workspace()
    space.add_bot(Bot("B0STRAY", "A0STRAY", "Stray", "U0STRAY", "xoxb-stray"))
    async with (
        local_slack(tmp_path, workspace=space) as slack,
        client_of(slack, "xoxb-local-other") as other,
        client_of(slack, "xoxb-stray") as stray,
    ):
        message = (await other.chat_postMessage(channel=ONCALL, text="x"))["message"]
        assert (message["bot_id"], message["user"]) == ("B0OTHER", "U0OTHER")
        assert (await refusal(stray.chat_postMessage(channel=ONCALL, text="x")))["error"] == "not_in_channel"


WRONG: list[dict[str, Any]] = [
    {},
    {"channel": [], "ts": {}, "user": 7, "limit": "many", "cursor": 1, "view": "{", "blocks": {}, "metadata": "x"},
    {"channel": ONCALL, "ts": "now", "timestamp": "1", "name": "eyes", "oldest": "then", "view": [], "users": ","},
    {"channel": ONCALL, "ts": "1.0", "text": ["x"], "blocks": [None], "attachments": [[]], "user": "U0ANA"},
    {"channel": ONCALL, "text": "x", "blocks": [{"type": "section", "text": None}], "types": "x", "view": {}},
]


@pytest.mark.parametrize("method", sorted(METHODS))
async def test_no_argument_however_wrong_is_an_error_of_the_server(slack: LocalSlack, method: str) -> None:
    """Every method answers with ok or one of Slack's words."""
    async with ClientSession(headers={"Authorization": f"Bearer {slack.bot_token}"}) as http:
        for args in WRONG:
            async with http.post(slack.api_url + method, json=args) as answer:
                assert answer.status == 200, args
                body = await answer.json()
                assert body["ok"] or body["error"], args
