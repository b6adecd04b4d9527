"""Looks for what is wrong between the bot and Slack. It only reads: nothing is posted, and no socket is opened.

A second socket would get events that are meant for the bot at work, so Slack is asked for a socket's address alone.
"""

import asyncio
import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.diagnosed import Diagnosed, bad, note, ok
from bot.domain.wording import listed
from bot.slack.config import RoleSource, SlackConfig
from bot.slack.connection import SDK_LOG
from bot.slack.outcomes import UNREACHABLE, code_of
from bot.slack.scopes import NEEDED

CALL_SECONDS = 3.0
"""Longest that one call may take; the whole examination takes three of them, one after the other."""

_APP_OF_TOKEN = re.compile(r"xapp-\d+-(A[A-Z0-9]+)-")


@dataclass(frozen=True)
class Me:
    """Who Slack says we are. `app` is None when it may not be asked."""

    name: str
    bot: str
    app: str | None
    team: str


@dataclass(frozen=True)
class Channel:
    """A channel that the bot is in."""

    id: str
    name: str
    archived: bool


async def examine(config: SlackConfig, asked: Mapping[str, int]) -> list[Diagnosed]:
    """Return what was found. `asked` are the roles that the policy uses, with the most people it asks for of each."""
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_SECONDS))
    async with session:
        client = AsyncWebClient(config.bot_token, config.api_url, session=session, retry_handlers=[], logger=SDK_LOG)
        (me, known), socket = await asyncio.gather(_identity(client), _socket(client, config))
        if me is None:
            return [*known, *socket]
        rest = await asyncio.gather(
            _told("The channels", _channels(client, config, me)),
            *(_told(f"The role `{r}`", _role(client, r, config.roles.get(r), n)) for r, n in asked.items()),
            _told("The senders of alerts", _senders(client, config, me)),
        )
    return [*known, *_one_app(config, me), *socket, *(d for found in rest for d in found)]


async def _told(what: str, look: Awaitable[list[Diagnosed]]) -> list[Diagnosed]:
    """Say so when something cannot be looked at."""
    try:
        return await look
    except UNREACHABLE as e:
        return [bad(f"{what} could not be checked: {_why(e)}.")]


# --- tokens ----------------------------------------------------------------------------------------------------------


async def _identity(client: AsyncWebClient) -> tuple[Me | None, list[Diagnosed]]:
    try:
        answer = await client.auth_test()
    except UNREACHABLE as e:
        return None, [bad(_no_entrance(client, e))]
    me = Me(answer["user"], answer["bot_id"], await _app_of(client, answer["bot_id"]), answer["team"])
    return me, [ok(f"The bot is @{me.name} in {me.team}."), _scopes(answer.headers.get("x-oauth-scopes"))]


async def _app_of(client: AsyncWebClient, bot_id: str) -> str | None:
    try:
        return str((await client.bots_info(bot=bot_id))["bot"]["app_id"])
    except UNREACHABLE:  # most likely a scope is missing, which is told for itself
        return None


def _no_entrance(client: AsyncWebClient, error: BaseException) -> str:
    if not _refused(error):
        return f"{_why(error)} (at {client.base_url}); check the network, a proxy, and SLACK_API_URL if it is set."
    return (
        f"Slack does not accept SLACK_BOT_TOKEN ({code_of(error)}); copy the bot token (xoxb-…) again from the app's "
        "page, under OAuth & Permissions."
    )


def _scopes(granted: str | None) -> Diagnosed:
    if granted is None:
        return note("Slack did not say which scopes the bot token has.")
    missing = {scope: what for scope, what in NEEDED.items() if scope not in re.split(r"[,\s]+", granted)}
    if not missing:
        return ok(f"The bot token has all {len(NEEDED)} scopes.")
    cannot = listed([f"{what} (`{scope}`)" for scope, what in missing.items()])
    return bad(
        f"The bot cannot {cannot}: paste manifest.yml again on the app's page, under App Manifest, and reinstall it."
    )


async def _socket(client: AsyncWebClient, config: SlackConfig) -> list[Diagnosed]:
    if not config.socket_mode:
        return [note("Slack calls the bot by HTTP (`slack.mode: http`); whether it gets through cannot be seen here.")]
    try:
        await client.apps_connections_open(app_token=config.app_token)
    except UNREACHABLE as e:
        return [bad(_no_socket(e))]
    return [ok("Slack gives the bot a socket.")]


def _no_socket(error: BaseException) -> str:
    if not _refused(error):
        return f"No socket can be had: {_why(error)}; check the network, and a proxy."
    if code_of(error) == "missing_scope":
        return (
            "SLACK_APP_TOKEN lacks the scope `connections:write`; make a new app-level token that has it, on the app's "
            "page, under Basic Information."
        )
    return (
        f"Slack gives no socket for SLACK_APP_TOKEN ({code_of(error)}); copy the app-level token (xapp-…) again from "
        "the app's page, under Basic Information, and see that Socket Mode is on."
    )


def _one_app(config: SlackConfig, me: Me) -> list[Diagnosed]:
    """Tokens of two apps both work, and not one event arrives."""
    named = _APP_OF_TOKEN.match(config.app_token)
    if me.app is None or named is None or named[1] == me.app:
        return []
    return [
        bad(
            f"SLACK_APP_TOKEN belongs to the app {named[1]} and SLACK_BOT_TOKEN to {me.app}, so that no event arrives; "
            "take both from one app."
        )
    ]


# --- channels --------------------------------------------------------------------------------------------------------


async def _channels(client: AsyncWebClient, config: SlackConfig, me: Me) -> list[Diagnosed]:
    if not config.channels:
        words = "No channel is listed, so alerts are heard nowhere; name one under `channels`."
        return [note(words)]
    mine = await _mine(client)
    return [_channel(named, next((c for c in mine if named == c.id), None), me) for named in config.channels]


async def _mine(client: AsyncWebClient) -> list[Channel]:
    found: list[Channel] = []
    cursor: str | None = None
    while True:
        page = await client.users_conversations(types="public_channel,private_channel", limit=999, cursor=cursor)
        found += [Channel(c["id"], c["name"], bool(c.get("is_archived"))) for c in page["channels"]]
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return found


def _channel(named: str, channel: Channel | None, me: Me) -> Diagnosed:
    if channel is None:
        return bad(
            f"The bot is not in a channel `{named}`: see that it is written right under `channels`, and type "
            f"`/invite @{me.name}` in it."
        )
    if channel.archived:
        return bad(f"The channel #{channel.name} is archived; name another under `channels`, or unarchive it.")
    return ok(f"The bot is in #{channel.name} ({channel.id}).")


# --- people ----------------------------------------------------------------------------------------------------------


async def _role(client: AsyncWebClient, role: str, source: RoleSource | None, asked: int) -> list[Diagnosed]:
    source = source or RoleSource()
    groups = await asyncio.gather(*(_group(client, role, group) for group in source.groups))
    persons = await asyncio.gather(*(_person(client, role, person) for person in source.people))
    wrong = [found for _, found in (*groups, *persons) if found]
    people = {p for members, _ in (*groups, *persons) for p in members}
    if people and len(people) >= asked:
        return [*wrong, ok(f"The role `{role}` is held by {_persons(len(people))}.")]
    if people:
        words = f"The policy asks for {asked} approvals by `{role}`, which {_persons(len(people))} cannot give"
        return [*wrong, bad(f"{words}; add people to it, or change `policy.consent`.")]
    return wrong or [bad(f"Nobody holds the role `{role}`, which the policy asks for; add people under `roles`.")]


def _persons(n: int) -> str:
    return "1 person" if n == 1 else f"{n:,} people"


async def _group(client: AsyncWebClient, role: str, group: str) -> tuple[Sequence[str], Diagnosed | None]:
    try:
        people: list[str] = (await client.usergroups_users_list(usergroup=group))["users"]
    except SlackApiError as e:
        if code_of(e) != "no_such_subteam":
            raise
        words = f"There is no user group `{group}` (role `{role}`); copy its id again, from the group's menu in Slack"
        return (), bad(f"{words}, into `roles`.")
    if not people:
        return (), bad(f"The user group `{group}` (role `{role}`) has no members; add people to it in Slack.")
    return people, None


async def _person(client: AsyncWebClient, role: str, person: str) -> tuple[Sequence[str], Diagnosed | None]:
    try:
        user: dict[str, Any] = (await client.users_info(user=person))["user"]
    except SlackApiError as e:
        if code_of(e) not in ("user_not_found", "user_not_visible"):
            raise
        return (), bad(f"There is no person `{person}` (role `{role}`); copy the member ID again, from their profile.")
    if user.get("deleted"):
        return (), bad(f"`{person}` (role `{role}`) has left the workspace; take them out of `roles`.")
    return (person,), None


# --- senders of alerts -----------------------------------------------------------------------------------------------


async def _senders(client: AsyncWebClient, config: SlackConfig, me: Me) -> list[Diagnosed]:
    if not config.alert_senders:
        return [
            note(
                "No sender of alerts is listed, so none is answered; below an unlisted sender's first alert the bot "
                "names the id to add to `alert_senders`."
            )
        ]
    return list(await asyncio.gather(*(_sender(client, sender, me) for sender in sorted(config.alert_senders))))


async def _sender(client: AsyncWebClient, sender: str, me: Me) -> Diagnosed:
    if sender in (me.bot, me.app):
        return _ourselves(sender)
    if sender.startswith("A"):
        return ok(f"Alerts of the app {sender} are answered.")
    try:
        bot: dict[str, Any] = (await client.bots_info(bot=sender))["bot"]
    except SlackApiError as e:
        if code_of(e) != "bot_not_found":
            raise
        return bad(f"There is no bot `{sender}`; the bot names the id of an unlisted sender below its first alert.")
    if me.app and bot.get("app_id") == me.app:
        return _ourselves(sender)
    return ok(f"Alerts of {bot['name']} ({sender}) are answered.")


def _ourselves(sender: str) -> Diagnosed:
    return bad(
        f"`alert_senders` lists {sender}, which is our own app, and the bot does not answer itself; have alerts posted "
        "by another Slack app, and list that."
    )


# --- what Slack says -------------------------------------------------------------------------------------------------


def _refused(error: BaseException) -> bool:
    """Return whether Slack itself says no, and neither its servers nor the way there are in trouble."""
    if not isinstance(error, SlackApiError) or code_of(error) == "ratelimited":
        return False
    return not code_of(error).startswith("HTTP ")


def _why(error: BaseException) -> str:
    """Return what is wrong with a call, in a clause for people."""
    if isinstance(error, TimeoutError):
        return f"Slack did not answer within {CALL_SECONDS:g} s"
    if not isinstance(error, SlackApiError):
        return f"Slack cannot be reached: {_way(error)}"
    match code_of(error):
        case "missing_scope":
            return f"the bot token lacks the scope `{error.response['needed']}`"
        case "ratelimited":
            return "Slack wants fewer calls for now, so try again in a minute"
        case code:
            return f"Slack answered “{code}”"


def _way(error: BaseException) -> str:
    """Return what is wrong on the way to Slack."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return f"the host name of {error.host} cannot be resolved"
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate of {error.host} is not trusted here"
        case aiohttp.ClientConnectorError():
            return f"no connection to {error.host}:{error.port} comes about"
    return str(error)
