"""What the doctor finds between the bot and Slack: each failure made for real in the local Slack, in one sentence."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.domain.diagnosed import Diagnosed
from bot.slack.config import RoleSource, SlackConfig
from bot.slack.examination import examine
from bot.slack.scopes import NEEDED
from playground.slack import LocalSlack, default_workspace
from playground.slack.workspace import Channel, UserGroup
from tests.doctoring import bad_ones, notes, slack_config
from tests.playground.local_slack import local_slack

ONE_OF_ONCALL = {"oncall": 1}
MANIFEST = " paste manifest.yml again on the app's page, under App Manifest, and reinstall it."


async def found_in(slack: LocalSlack, **changed: Any) -> list[Diagnosed]:
    """Examine the local Slack with some of the settings changed."""
    return await examine(slack_config(slack, **changed), ONE_OF_ONCALL)


async def test_nothing_is_wrong_with_a_sound_installation(slack: LocalSlack) -> None:
    """What was looked at is named, so that a person can see that it is what they meant."""
    assert [(d.level, d.sentence) for d in await found_in(slack)] == [
        ("ok", "The bot is @celery-oncall in Local workspace."),
        ("ok", "The bot token has all 11 scopes."),
        ("ok", "Slack gives the bot a socket."),
        ("ok", "The bot is in #platform-oncall (C0ONCALL)."),
        ("ok", "The role `oncall` is held by 2 people."),
        ("ok", "Alerts of Alertmanager (B0ALERT) are answered."),
    ]


async def test_the_examination_leaves_no_trace(slack: LocalSlack) -> None:
    """It asks and does nothing: no message, no socket that would take events from the bot at work."""
    await found_in(slack)
    asked = {call["method"] for call in slack.backend.api_log}
    reads = {"auth.test", "bots.info", "users.conversations", "usergroups.users.list"}
    assert asked == reads | {"apps.connections.open"}  # which gives out an address alone
    assert slack.backend.sockets.live == []


# --- tokens ----------------------------------------------------------------------------------------------------------


async def test_a_wrong_bot_token(slack: LocalSlack) -> None:
    """The app-level token is looked at all the same."""
    found = await found_in(slack, bot_token="xoxb-wrong")
    assert bad_ones(found) == [
        "Slack does not accept SLACK_BOT_TOKEN (invalid_auth); copy the bot token (xoxb-…) again from the app's page, "
        "under OAuth & Permissions."
    ]
    assert found[-1].sentence == "Slack gives the bot a socket."


async def test_a_wrong_app_token(slack: LocalSlack) -> None:
    """The rest is looked at all the same."""
    found = await found_in(slack, app_token="xapp-wrong")
    assert bad_ones(found) == [
        "Slack gives no socket for SLACK_APP_TOKEN (invalid_auth); copy the app-level token (xapp-…) again from the "
        "app's page, under Basic Information, and see that Socket Mode is on."
    ]
    assert len(found) == 6


async def test_an_app_token_without_its_scope(slack: LocalSlack) -> None:
    """The one scope that an app-level token needs is chosen when it is made."""
    slack.faults.fail_api = {"apps.connections.open": "missing_scope"}
    assert bad_ones(await found_in(slack)) == [
        "SLACK_APP_TOKEN lacks the scope `connections:write`; make a new app-level token that has it, on the app's "
        "page, under Basic Information."
    ]


async def test_tokens_of_two_apps(slack: LocalSlack) -> None:
    """Each works for itself, and no event would ever arrive."""
    found = await found_in(slack, app_token="xapp-1-A0OTHER-1234-abcd")
    assert bad_ones(found)[0] == (
        "SLACK_APP_TOKEN belongs to the app A0OTHER and SLACK_BOT_TOKEN to A0ONCALL, so that no event arrives; take "
        "both from one app."
    )


@pytest.mark.parametrize(("scope", "cannot"), NEEDED.items())
async def test_a_missing_scope(tmp_path: Path, scope: str, cannot: str) -> None:
    """Each scope is missed, with what the bot cannot do without it."""
    async with local_slack(tmp_path, scopes=sorted(NEEDED.keys() - {scope}), events=[]) as slack:
        assert f"The bot cannot {cannot} (`{scope}`):{MANIFEST}" in bad_ones(await found_in(slack))


async def test_what_cannot_be_looked_at_for_want_of_a_scope(tmp_path: Path) -> None:
    """It is not passed over in silence."""
    scopes = sorted(NEEDED.keys() - {"groups:read", "users:read"})
    async with local_slack(tmp_path, scopes=scopes, events=[]) as slack:
        found = bad_ones(await found_in(slack, alert_senders=frozenset({"B0ALERT"})))
    assert found == [
        "The bot cannot see which private channels it is in (`groups:read`), know people and bots (`users:read`):"
        + MANIFEST,
        "The channels could not be checked: the bot token lacks the scope `groups:read`.",
        "The senders of alerts could not be checked: the bot token lacks the scope `users:read`.",
    ]


async def test_http_mode_needs_no_app_token(slack: LocalSlack) -> None:
    """Whether Slack reaches us is not to be seen from here."""
    found = await found_in(slack, app_token="")
    assert bad_ones(found) == []
    assert notes(found) == [
        "Slack calls the bot by HTTP (`slack.mode: http`); whether it gets through cannot be seen here."
    ]


# --- the way to Slack ------------------------------------------------------------------------------------------------


async def test_slack_that_cannot_be_reached(refused_port: int) -> None:
    """With the address that was tried."""
    url = f"http://127.0.0.1:{refused_port}/api/"
    first, second = bad_ones(await examine(SlackConfig("xoxb-1", "xapp-1", api_url=url), ONE_OF_ONCALL))
    words = f"Slack cannot be reached: no connection to 127.0.0.1:{refused_port} comes about"
    assert first == f"{words} (at {url}); check the network, a proxy, and SLACK_API_URL if it is set."
    assert second == f"No socket can be had: {words}; check the network, and a proxy."


async def test_slack_that_is_down(slack: LocalSlack) -> None:
    """An answer that is no JSON is no word of Slack's about the token."""
    slack.faults.go_offline(60)
    first, second = bad_ones(await found_in(slack))
    assert first.startswith("Slack answered “HTTP 503” (at ")
    assert second == "No socket can be had: Slack answered “HTTP 503”; check the network, and a proxy."


async def test_slack_that_is_slow(slack: LocalSlack) -> None:
    """Each call is given up after three seconds."""
    slack.faults.slow_api_seconds = 5.0
    first, _ = bad_ones(await found_in(slack))
    assert first.startswith("Slack did not answer within 3 s (at ")


async def test_slack_that_wants_fewer_calls(slack: LocalSlack) -> None:
    """A limit is no fault of the token."""
    slack.faults.rate_limit_next = 2
    first, _ = bad_ones(await found_in(slack))
    assert first.startswith("Slack wants fewer calls for now, so try again in a minute (at ")


# --- channels --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["general", "C0GENERAL", "no-such-channel"])
async def test_a_channel_that_the_bot_is_not_in(slack: LocalSlack, named: str) -> None:
    """A private channel and one that does not exist look the same to the bot."""
    assert bad_ones(await found_in(slack, channels=("C0ONCALL", named))) == [
        f"The bot is not in a channel `{named}`: see that it is written right under `channels`, and type `/invite "
        "@celery-oncall` in it."
    ]


async def test_an_archived_channel(tmp_path: Path) -> None:
    """Nothing can be posted there any more."""
    workspace = default_workspace()
    workspace.channels["C0ONCALL"].is_archived = True
    async with local_slack(tmp_path, workspace=workspace) as slack:
        assert bad_ones(await found_in(slack)) == [
            "The channel #platform-oncall is archived; name another under `channels`, or unarchive it."
        ]


async def test_a_channel_among_very_many(tmp_path: Path) -> None:
    """Slack tells them in pages."""
    workspace = default_workspace()
    for n in range(1200):
        workspace.add_channel(Channel(f"C0NO{n}", f"incident-{n}", ["U0BOT"]))
    async with local_slack(tmp_path, workspace=workspace) as slack:
        assert bad_ones(await found_in(slack, channels=("C0NO1199",))) == []


async def test_no_channel(slack: LocalSlack) -> None:
    """Commands work, so it is no failure."""
    assert notes(await found_in(slack, channels=())) == [
        "No channel is listed, so alerts are heard nowhere; name one under `channels`."
    ]


# --- people ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "asked", "sentence"),
    [
        (
            RoleSource(groups=("S0EMPTY",)),
            1,
            "The user group `S0EMPTY` (role `oncall`) has no members; add people to it in Slack.",
        ),
        (
            RoleSource(groups=("S0GONE",)),
            1,
            "There is no user group `S0GONE` (role `oncall`); copy its id again, from the group's menu in Slack, into "
            "`roles`.",
        ),
        (
            RoleSource(people=("U0WRONG",)),
            1,
            "There is no person `U0WRONG` (role `oncall`); copy the member ID again, from their profile.",
        ),
        (RoleSource(), 1, "Nobody holds the role `oncall`, which the policy asks for; add people under `roles`."),
        (
            RoleSource(people=("U0ANA",)),
            2,
            "The policy asks for 2 approvals by `oncall`, which 1 person cannot give; add people to it, or change "
            "`policy.consent`.",
        ),
    ],
)
async def test_a_role_that_cannot_approve(slack: LocalSlack, source: RoleSource, asked: int, sentence: str) -> None:
    """Requests would wait for people who are not there."""
    slack.workspace.add_group(UserGroup("S0EMPTY", "empty", "Empty"))
    config = slack_config(slack, roles={"oncall": source})
    assert bad_ones(await examine(config, {"oncall": asked})) == [sentence]


async def test_a_role_counts_everybody_once(slack: LocalSlack) -> None:
    """Ana is in the group and in the list."""
    config = slack_config(slack, roles={"oncall": RoleSource(people=("U0ANA", "U0CHI"), groups=("S0ONCALL",))})
    assert "The role `oncall` is held by 3 people." in [d.sentence for d in await examine(config, {"oncall": 3})]


async def test_somebody_who_left() -> None:
    """Slack keeps people who left, and they approve nothing."""
    async with canned_slack({"users.info": {"user": {"id": "U0EX", "deleted": True}}}) as url:
        config = SlackConfig("xoxb-1", "xapp-1", api_url=url, roles={"oncall": RoleSource(people=("U0EX",))})
        assert "`U0EX` (role `oncall`) has left the workspace; take them out of `roles`." in bad_ones(
            await examine(config, ONE_OF_ONCALL)
        )


# --- senders of alerts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sender", ["B0ONCALL", "A0ONCALL"])
async def test_our_own_app_as_a_sender(slack: LocalSlack, sender: str) -> None:
    """An incoming webhook of the bot's own app would post alerts that the bot takes for its own words."""
    assert bad_ones(await found_in(slack, alert_senders=frozenset({sender, "B0ALERT"}))) == [
        f"`alert_senders` lists {sender}, which is our own app, and the bot does not answer itself; have alerts posted "
        "by another Slack app, and list that."
    ]


async def test_another_bot_of_our_own_app_as_a_sender() -> None:
    """An app may have had several bots; what counts is the app."""
    answers = {"bots.info": {"bot": {"id": "B0OLD", "name": "old", "app_id": "A0ONCALL"}}}
    async with canned_slack(answers) as url:
        config = SlackConfig("xoxb-1", "xapp-1", api_url=url, alert_senders=frozenset({"B0OLD"}))
        assert any(
            "`alert_senders` lists B0OLD, which is our own app" in s for s in bad_ones(await examine(config, {}))
        )


async def test_a_sender_that_does_not_exist(slack: LocalSlack) -> None:
    """The bot itself knows the right id best."""
    assert bad_ones(await found_in(slack, alert_senders=frozenset({"B0WRONG"}))) == [
        "There is no bot `B0WRONG`; the bot names the id of an unlisted sender below its first alert."
    ]


async def test_an_app_as_a_sender(slack: LocalSlack) -> None:
    """Slack tells a bot nothing of other apps, so the id is taken as it is."""
    found = await found_in(slack, alert_senders=frozenset({"A0ALERT"}))
    assert found[-1].sentence == "Alerts of the app A0ALERT are answered."


async def test_no_sender(slack: LocalSlack) -> None:
    """Nobody knows the id before the first alert, so it is no failure."""
    assert notes(await found_in(slack, alert_senders=frozenset())) == [
        "No sender of alerts is listed, so none is answered; below an unlisted sender's first alert the bot names the "
        "id to add to `alert_senders`."
    ]


@asynccontextmanager
async def canned_slack(answers: dict[str, dict[str, Any]]) -> AsyncIterator[str]:
    """Serve answers that the local Slack never gives; yields the address of the API."""
    answers = {
        "auth.test": {"user": "oncall", "bot_id": "B0ONCALL", "team": "T"},
        "bots.info": {"bot": {"id": "B0ONCALL", "name": "oncall", "app_id": "A0ONCALL"}},
        "apps.connections.open": {"url": "ws://127.0.0.1/"},
        "users.conversations": {"channels": []},
        **answers,
    }

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"ok": True, **answers[request.match_info["method"]]})

    app = web.Application()
    app.router.add_route("*", "/api/{method}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    finally:
        await runner.cleanup()
