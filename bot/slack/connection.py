"""The connection to Slack: who we are there, Bolt, and the socket."""

import asyncio
import logging

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import BadInput
from bot.slack.config import SlackConfig
from bot.slack.deliveries import Identity
from bot.slack.inbox import SlackInbox
from bot.slack.outcomes import UNREACHABLE, code_of

log = structlog.get_logger(__name__)

PING_SECONDS = 5.0
"""How often the socket is tried; one that died without a word is noticed within four of these."""

SDK_LOG = logging.getLogger("bot.slack.sdk")
"""Bolt and slack_sdk log here. Below errors they say what we say better, or at length what was sent."""
SDK_LOG.setLevel(logging.ERROR)


def _in_a_line(record: logging.LogRecord) -> bool:
    """Leave out the traceback of a Slack that cannot be reached: during an outage it would come every few seconds."""
    if record.exc_info and isinstance(record.exc_info[1], UNREACHABLE):
        record.exc_info = None
    return True


SDK_LOG.addFilter(_in_a_line)

_WRONG_TOKEN = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"})


async def identify(client: AsyncWebClient) -> Identity:
    """Ask Slack who we are, until it answers. Raises BadInput when it does not know the token."""
    wait = 1.0
    while True:
        try:
            me = await client.auth_test()
            bot = await client.bots_info(bot=me["bot_id"])
            return Identity(me["user_id"], me["bot_id"], bot["bot"]["app_id"], me["team_id"], me["url"])
        except UNREACHABLE as e:
            if code_of(e) in _WRONG_TOKEN:
                raise BadInput(
                    f"Slack does not accept SLACK_BOT_TOKEN ({code_of(e)}). Copy the bot token (xoxb-…) again from the "
                    "app's page, under OAuth & Permissions."
                ) from None
            if code_of(e) == "missing_scope":
                raise BadInput(
                    "The Slack app lacks the scope `users:read`. Paste manifest.yml again on the app's page, under App "
                    "Manifest, and reinstall the app."
                ) from None
            log.warning("Slack cannot be reached; trying again", why=code_of(e), seconds=wait)
        await asyncio.sleep(wait)
        wait = min(wait * 2, 30.0)


def bolt_app(client: AsyncWebClient, me: Identity, config: SlackConfig, inbox: SlackInbox) -> AsyncApp:
    """Make the Bolt app. It knows who we are from the start: with its own look-up, a slow Slack would cost events."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None, team_id=me.team, bot_user_id=me.user, bot_id=me.bot, bot_token=config.bot_token
        )

    tokenless = AsyncWebClient(base_url=client.base_url, session=client.session, retry_handlers=[], logger=SDK_LOG)
    app = AsyncApp(client=tokenless, authorize=authorize, signing_secret=config.signing_secret, logger=SDK_LOG)
    app.middleware(inbox.write_down)
    return app


class Connection:
    """Socket Mode, or nothing to keep open when Slack calls us by HTTP."""

    def __init__(self, app: AsyncApp, client: AsyncWebClient, config: SlackConfig) -> None:
        self._handler = (
            AsyncSocketModeHandler(app, config.app_token, web_client=client, ping_interval=PING_SECONDS)
            if config.socket_mode
            else None
        )

    async def open(self) -> None:
        """Connect; slack_sdk tries until it succeeds."""
        if self._handler:
            await self._handler.connect_async()  # type: ignore[no-untyped-call] # Bolt leaves it without types

    async def alive(self) -> bool:
        """Return whether Slack can reach us."""
        return self._handler is None or await self._handler.client.is_connected()

    async def watch(self) -> None:
        """Have slack_sdk ask for a fresh address: it tries the same one for ever, which is good for one use."""
        if self._handler and not await self.alive():
            self._handler.client.wss_uri = None

    async def close(self) -> None:
        """Disconnect."""
        if self._handler:
            await self._handler.close_async()  # type: ignore[no-untyped-call] # Bolt leaves it without types
