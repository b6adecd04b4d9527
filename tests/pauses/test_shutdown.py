"""What a person does to the watched cluster must not reach the bot's own worker."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.adapters.celery.dispatcher import CeleryDispatcher
from bot.domain.action import ExecutionState, Proposal
from bot.domain.approval import ApprovalRequest
from bot.usecases import requests
from bot.usecases.requests import Submitted
from playground.celery_worker import child_environment
from playground.processes import ChildProcess
from tests.pauses.shop import APP, CONFIG, Shop, wait_for

pytestmark = [pytest.mark.service, pytest.mark.timeout(300)]


def queue_a_pause(shop: Shop) -> str:
    """Ask for a low-risk pause, and return its execution, which is queued and not run. Ana is on call everywhere."""
    with shop.store.write() as tx:
        tx.set_note("roles", {"oncall": ["U0ANA"]})
    proposal = Proposal(action="pause_queue", cluster="shop", params={"queue": "analytics", "seconds": 1800})
    drafted = requests.draft(shop.ports, proposal, "U0ANA", "load", "C0ONCALL")
    assert isinstance(drafted, ApprovalRequest), drafted
    submitted = requests.submit(shop.ports, drafted.id, "U0ANA")
    assert isinstance(submitted, Submitted), submitted
    assert submitted.execution is not None
    return submitted.execution.id


def state_of(shop: Shop, execution_id: str) -> ExecutionState:
    """How far an execution is."""
    with shop.store.read() as tx:
        return tx.executions.get(execution_id).state


def test_an_undirected_shutdown_of_the_watched_cluster_leaves_the_ops_worker_unharmed(
    shop: Shop, tmp_path: Path
) -> None:
    """`celery control shutdown worker1@…` ignores its argument and stops every worker on the broker but ours.

    Both share one Redis database; afterwards the ops worker runs an execution.
    """
    config = tmp_path / "oncall.yml"
    config.write_text(CONFIG.replace("redis://127.0.0.1:1/0", shop.server.url()))
    env = child_environment({**shop.environment, "ONCALL_CONFIG": str(config), "DATABASE_URL": shop.database_url})
    ops = ChildProcess([sys.executable, "-m", "bot", "worker"], log=tmp_path / "ops.log", cwd=tmp_path, env=env)
    try:
        ops.wait_until(lambda: " ready." in ops.output(), seconds=90, what="The ops worker")
        shop.start("worker1@test")
        shop.start("worker2@test")
        command = [sys.executable, "-m", "celery", "-A", APP, "control", "shutdown", "worker1@test"]
        subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, timeout=60, check=False)
        wait_for(lambda: not shop.ports.clusters.control("shop").consumers())
        dispatcher, execution_id = CeleryDispatcher(shop.server.url()), queue_a_pause(shop)
        assert dispatcher.dispatch(execution_id)
        wait_for(lambda: state_of(shop, execution_id) is ExecutionState.VERIFIED)
        dispatcher.close()
        assert ops.alive
    finally:
        ops.kill()
