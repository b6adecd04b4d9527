"""Fifty approvals at once, over two sockets: two bots on one PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.adapters.sql import open_store
from playground.demo import Demo
from playground.slack.errors import Refused
from tests.road.looking import CHANNEL, ask_for_pause, card_of, see

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest_asyncio.fixture
async def two_bots(postgres_url: str) -> AsyncIterator[Demo]:
    """Return the playground with two bots, so that Slack has two sockets to choose from."""
    async with Demo(lambda _: None, bots=2, database_url=postgres_url.replace("+psycopg", "")) as demo:
        yield demo


async def test_fifty_approvals_at_once_over_two_sockets_run_once(two_bots: Demo) -> None:
    """One execution, one audit entry "started"; everybody else is told who was first."""
    ana, ben = await two_bots.person("U0ANA"), await two_bots.person("U0BEN")
    request = await ask_for_pause(ana)
    outcomes = await asyncio.gather(*(ben.click(request, "approve") for _ in range(50)), return_exceptions=True)
    assert not [o for o in outcomes if isinstance(o, BaseException) and not isinstance(o, Refused)]
    await see(ana, lambda: ana.messages(CHANNEL), lambda m: card_of(m).startswith("execution:") and "audit #" in str(m))
    store = open_store(two_bots.database_url)
    events = [e.event for e in store.export_audit()]
    with store.read() as tx:
        executions = tx.executions.find()
    store.close()
    assert len(executions) == 1
    assert events.count("execution started") == 1
    assert events.count("request: approve") == 1
