"""Who holds which role, as Slack and the settings say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.ports import Ports
from bot.slack.config import RoleSource
from bot.slack.executors import Executors
from bot.slack.people import People
from playground.slack import LocalSlack
from tests.slack.incoming import calls
from tests.slack.office import Office
from tests.slack.running import config_of


@asynccontextmanager
async def people(slack: LocalSlack, ports: Ports, **roles: RoleSource) -> AsyncIterator[People]:
    """Return the roles as configured, over the local Slack."""
    executors = Executors()
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(slack.bot_token, slack.api_url, session=session, retry_handlers=[])
        yield People(ports, config_of(slack, roles=roles), client, executors)
    await executors.close()


def noted(ports: Ports, name: str = "roles") -> Any:
    """Return what every process reads."""
    with ports.store.read() as tx:
        return tx.note(name)


async def test_groups_and_lists_add_up(slack: LocalSlack, place: Office) -> None:
    """A role is held by the members of its groups and by those listed, each once."""
    ports = place.ports()
    source = RoleSource(people=("U0DORA", "U0ANA"), groups=("S0ONCALL", "S0PLATFORM"))
    async with people(slack, ports, oncall=source) as roles:
        await roles.refresh()
    assert noted(ports) == {"oncall": ["U0ANA", "U0BEN", "U0CHI", "U0DORA"]}
    assert noted(ports, "roles_read_at")


async def test_an_empty_group_means_nobody(slack: LocalSlack, place: Office) -> None:
    """The role is there and empty: who left the group may no longer approve."""
    ports = place.ports()
    async with people(slack, ports, oncall=RoleSource(groups=("S0ONCALL",))) as roles:
        await roles.refresh()
        slack.workspace.groups["S0ONCALL"].users.clear()
        await roles.refresh()
    assert noted(ports) == {"oncall": []}


async def test_while_slack_does_not_say_the_last_known_stay(slack: LocalSlack, place: Office) -> None:
    """Also after a restart in the middle of an outage; and the moment they were read does not move."""
    ports = place.ports()
    source = RoleSource(groups=("S0ONCALL",))
    async with people(slack, ports, oncall=source) as roles:
        await roles.refresh()
    read_at = noted(ports, "roles_read_at")
    slack.faults.fail_api = {"usergroups.users.list": "internal_error"}
    slack.workspace.groups["S0ONCALL"].users.clear()
    async with people(slack, ports, oncall=source) as roles:
        await roles.refresh()
    assert noted(ports) == {"oncall": ["U0ANA", "U0BEN"]}
    assert noted(ports, "roles_read_at") == read_at


async def test_one_group_that_is_gone_does_not_take_the_other_roles_along(slack: LocalSlack, place: Office) -> None:
    """A group id that Slack does not know leaves its own role to those listed."""
    ports = place.ports()
    wrong = RoleSource(people=("U0CHI",), groups=("S0GONE",))
    async with people(slack, ports, platform=wrong, oncall=RoleSource(groups=("S0ONCALL",))) as roles:
        await roles.refresh()
    assert noted(ports) == {"platform": ["U0CHI"], "oncall": ["U0ANA", "U0BEN"]}


async def test_a_role_taken_out_of_the_settings_is_gone(slack: LocalSlack, place: Office) -> None:
    """The note holds the configured roles and no others."""
    ports = place.ports()
    async with people(slack, ports, old=RoleSource(people=("U0DORA",))) as roles:
        await roles.refresh()
    async with people(slack, ports, oncall=RoleSource(people=("U0ANA",))) as roles:
        await roles.refresh()
    assert noted(ports) == {"oncall": ["U0ANA"]}


async def test_slack_is_asked_again_for_strangers_alone_and_not_for_each_click(
    slack: LocalSlack, place: Office
) -> None:
    """Somebody with a role costs no call, and a stranger who clicks on and on costs one in five seconds."""
    async with people(slack, place.ports(), oncall=RoleSource(groups=("S0ONCALL",))) as roles:
        await roles.know("U0DORA")
        for _ in range(10):
            await roles.know("U0ANA")
            await roles.know("U0DORA")
    assert len(calls(slack, "usergroups.users.list")) == 1
