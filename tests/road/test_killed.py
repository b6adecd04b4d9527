"""The ops worker dies in the middle of a pause."""

import asyncio

import pytest

from bot.adapters.sql import SqlStore, open_store
from bot.domain.action import Execution, ExecutionState
from playground.demo import Demo
from playground.slack.person import Person
from tests.road.looking import drafted

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]
ATTEMPTS = 8


async def test_kill_9_of_the_ops_worker_in_the_middle_of_a_pause_never_runs_it_twice(demo: Demo) -> None:
    """It ends verified or interrupted, with one "started" in the audit; a person's next pause works."""
    ana = await demo.person("U0ANA")
    store = open_store(demo.database_url)
    killed = await _killed_in_the_middle(demo, ana, store)
    ended = await asyncio.wait_for(_ended(store, killed.id), 60)
    started = [e for e in store.export_audit() if e.event == "execution started" and e.subject == killed.id]
    store.close()
    assert ended.state in (ExecutionState.VERIFIED, ExecutionState.INTERRUPTED)
    assert "nothing was repeated" in (ended.error or "")
    assert len(started) == 1


async def _killed_in_the_middle(demo: Demo, ana: Person, store: SqlStore) -> Execution:
    """Pause and extend until the kill hits a running execution: it runs for a few tens of milliseconds only."""
    for attempt in range(ATTEMPTS):
        draft = await drafted(ana, f"/celery pause analytics for {10 + attempt}m")
        before = {e.id for e in _executions(store)}
        await ana.click(draft, "submit_draft")
        found = await asyncio.wait_for(_claimed(store, before), 40)
        demo.oncall.running["worker"].kill()
        now = next(e for e in _executions(store) if e.id == found.id)
        demo.oncall.start_other("worker")
        if now.state is ExecutionState.RUNNING:
            return now
    raise AssertionError(f"not hit in {ATTEMPTS} attempts")


def _executions(store: SqlStore) -> list[Execution]:
    with store.read() as tx:
        return tx.executions.find()


async def _claimed(store: SqlStore, before: set[str]) -> Execution:
    while True:
        fresh = [e for e in _executions(store) if e.id not in before and e.state is not ExecutionState.QUEUED]
        if fresh:
            return fresh[0]
        await asyncio.sleep(0.001)


async def _ended(store: SqlStore, id: str) -> Execution:
    while True:
        found = next(e for e in _executions(store) if e.id == id)
        if found.ended:
            return found
        await asyncio.sleep(0.05)
