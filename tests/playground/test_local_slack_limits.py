"""How the local Slack slows apps down, and what goes wrong on demand."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import ClientSession
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler

from playground.slack import Person, Rules, Webhook, default_workspace
from playground.slack.errors import Refused
from playground.slack.workspace import Channel
from tests.playground.local_slack import ONCALL, client_of, local_slack


async def test_short_bursts_pass_and_then_one_message_a_second(tmp_path: Path) -> None:
    """429 with Retry-After; another channel has its own count."""
    space = default_workspace()
    space.add_channel(Channel("C0SECOND", "second", ["U0BOT"]))
    async with local_slack(tmp_path, rules=Rules(burst=3), workspace=space) as slack, client_of(slack) as client:
        for number in range(3):
            await client.chat_postMessage(channel=ONCALL, text=str(number))
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel=ONCALL, text="4")
        assert (caught.value.response.status_code, caught.value.response["error"]) == (429, "ratelimited")
        assert caught.value.response.headers["Retry-After"] == "1"
        await client.chat_postMessage(channel="C0SECOND", text="other channel")


async def test_the_sdks_retry_handler_gets_through(tmp_path: Path) -> None:
    """It waits as long as Retry-After says."""
    async with local_slack(tmp_path, rules=Rules(burst=1)) as slack, client_of(slack) as client:
        client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
        for number in range(2):
            await client.chat_postMessage(channel=ONCALL, text=str(number))
        outcomes = [call["outcome"] for call in slack.backend.api_log if call["method"] == "chat.postMessage"]
    assert outcomes == ["ok", "ratelimited", "ok"]


async def test_updates_have_a_budget_of_fifty_a_minute(tmp_path: Path) -> None:
    """The 51st at once is too many, whatever the message."""
    async with local_slack(tmp_path, rules=Rules()) as slack, client_of(slack) as client:
        ts = (await client.chat_postMessage(channel=ONCALL, text="card"))["ts"]
        calls = (client.chat_update(channel=ONCALL, ts=ts, text=str(number)) for number in range(60))
        answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, SlackApiError)]
    assert 8 <= len(refused) <= 10
    assert {answer.response["error"] for answer in refused} == {"ratelimited"}


async def test_the_budget_of_a_method_can_be_set(tmp_path: Path) -> None:
    """For a test that wants to see the bot wait."""
    rules = Rules(per_minute={"users.info": 2})
    async with local_slack(tmp_path, rules=rules) as slack, client_of(slack) as client:
        for _ in range(2):
            await client.users_info(user="U0ANA")
        with pytest.raises(SlackApiError, match="ratelimited") as caught:
            await client.users_info(user="U0ANA")
    assert caught.value.response.headers["Retry-After"] == "30"


async def test_people_are_not_counted_and_limits_can_be_off(tmp_path: Path) -> None:
    """A headless observer polls as it likes."""
    async with local_slack(tmp_path, rules=Rules(burst=1)) as slack, client_of(slack, "xoxp-U0ANA") as ana:
        for number in range(30):
            await ana.chat_postMessage(channel=ONCALL, text=str(number))
    async with local_slack(tmp_path, rules=Rules(burst=1, rate_limits=False)) as slack, client_of(slack) as client:
        for number in range(30):
            await client.chat_postMessage(channel=ONCALL, text=str(number))


async def test_webhooks_are_limited_in_plain_text(tmp_path: Path) -> None:
    """Alertmanager reads the status only."""
    async with local_slack(tmp_path, rules=Rules(burst=2)) as slack:
        webhook = Webhook(slack.url)
        for _ in range(2):
            await webhook.post({"text": "FIRING"})
        with pytest.raises(Refused, match="429 rate_limited"):
            await webhook.post({"text": "FIRING"})


async def test_faults_of_the_api_are_for_apps_and_end(tmp_path: Path) -> None:
    """The next two calls are 429, then a chosen method fails; a person's reading is spared."""
    async with (
        local_slack(tmp_path) as slack,
        client_of(slack) as client,
        Person(slack.url, "U0ANA") as ana,
        ClientSession() as http,
    ):
        faults = {"rate_limit_next": 2, "rate_limit_retry_after": 7, "fail_api": {"chat.update": "internal_error"}}
        async with http.post(f"{slack.url}/people/faults", json=faults) as answer:
            assert (await answer.json())["faults"]["rate_limit_next"] == 2
        for _ in range(2):
            assert await ana.messages(ONCALL) == []
            with pytest.raises(SlackApiError) as caught:
                await client.chat_postMessage(channel=ONCALL, text="x")
            assert caught.value.response.headers["Retry-After"] == "7"
        ts = (await client.chat_postMessage(channel=ONCALL, text="x"))["ts"]
        with pytest.raises(SlackApiError, match="internal_error"):
            await client.chat_update(channel=ONCALL, ts=ts, text="y")
        slack.faults.fail_api.clear()
        await client.chat_update(channel=ONCALL, ts=ts, text="y")


async def test_an_unknown_fault_is_named(tmp_path: Path) -> None:
    """With those there are."""
    async with (
        local_slack(tmp_path) as slack,
        ClientSession(slack.url) as http,
        http.post("/people/faults", json={"slow": 1}) as answer,
    ):
        refusal = await answer.json()
    assert refusal["ok"] is False
    assert "No such fault: slow. Faults are " in refusal["message"]


async def test_offline_slack_answers_apps_503_until_it_is_back(tmp_path: Path) -> None:
    """Web API, webhook and new sockets; people are not cut off."""
    async with local_slack(tmp_path) as slack, client_of(slack) as client, Person(slack.url, "U0ANA") as ana:
        slack.faults.go_offline(30)
        with pytest.raises(SlackApiError) as caught:
            await client.auth_test()
        assert caught.value.response.status_code == 503
        with pytest.raises(Refused, match="503"):
            await Webhook(slack.url).post({"text": "FIRING"})
        assert await ana.messages(ONCALL) == []
        slack.faults.go_offline(0)
        assert (await client.auth_test())["ok"]
