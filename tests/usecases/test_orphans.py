"""A restore of orphans: each message that a killed worker took runs once, and none that a worker may still hold."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.domain.action import ExecutionState
from bot.domain.errors import BadInput, UnknownName
from playground.services import RedisServer
from tests.services.workers import StartWorker
from tests.usecases.leftovers import LATE, QUEUE, LeftShop
from tests.usecases.revoking import wait

pytestmark = pytest.mark.service


@pytest.fixture
def shop(tmp_path: Path, redis_server: RedisServer) -> Iterator[LeftShop]:
    """Return one without workers."""
    shop = LeftShop(tmp_path, redis_server)
    yield shop
    shop.close()


def test_what_a_killed_worker_took_goes_back_and_runs_once(shop: LeftShop, celery_worker: StartWorker) -> None:
    """Kill -9, a restore, another worker: every task ran once, and none is left behind."""
    ids = shop.left(celery_worker, 5)
    preview = shop.preview(queue=QUEUE)
    assert (
        preview.summary == f"6 messages that a lost worker took would go back to {QUEUE}, to be taken next, each once."
    )
    assert preview.notes[0] == "By task: 5 × sample.count, 1 × sample.sleep."
    assert any("Left alone, a worker brings them back from " in note for note in preview.notes)
    assert any("may have run in part or whole already" in warning for warning in preview.warnings)
    execution = shop.revoked(queue=QUEUE)
    assert execution.state is ExecutionState.VERIFIED, (execution.error, execution.verdict)
    assert execution.outcome is not None
    assert execution.outcome.summary == "6 messages are put back."
    shop.redis.lrem(QUEUE, 0, next(raw for raw in shop.redis.lrange(QUEUE, 0, -1) if b"sample.sleep" in raw))
    assert shop.waiting() == ids
    celery_worker(shop.server.url(), name="next", queues=[QUEUE], env=LATE)
    shop.all_ran(ids)
    wait(lambda: not shop.redis.hlen("unacked"))
    assert not shop.redis.zcard("unacked_index")
