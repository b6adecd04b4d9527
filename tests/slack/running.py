"""A bot at work in a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from bot.ports import Ports
from bot.slack.app import SlackShell
from bot.slack.config import RoleSource, SlackConfig
from playground.slack import LocalSlack
from tests.slack.office import CHANNEL, Office, until


def config_of(slack: LocalSlack, **changed: Any) -> SlackConfig:
    """Return how a bot is told of the local Slack."""
    config = SlackConfig(
        bot_token=slack.bot_token,
        app_token=slack.app_token,
        api_url=slack.api_url,
        channels=(CHANNEL,),
        alert_senders=frozenset({"B0ALERT"}),
        roles={"oncall": RoleSource(groups=("S0ONCALL",)), "platform": RoleSource(people=("U0CHI",))},
    )
    return replace(config, **changed)


@asynccontextmanager
async def bot_of(
    slack: LocalSlack, place: Office, *, ports: Ports | None = None, **changed: Any
) -> AsyncIterator[SlackShell]:
    """A bot that is connected; it ends in good order."""
    shell = SlackShell(ports or place.ports(), config_of(slack, **changed))
    running = asyncio.create_task(shell.run())
    try:
        await until(lambda: running.done() or _connected(shell))
        yield shell
    finally:
        await shell.close()
        await running


async def _connected(shell: SlackShell) -> bool:
    return not (await shell.readiness())["slack"]
