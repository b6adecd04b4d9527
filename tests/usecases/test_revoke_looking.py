"""What a revoke has looked at and what not: deep queues, chains, tasks whose result says that they are on their way."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.celery.archives import PAGE
from bot.domain.action import ExecutionState
from playground.services import RedisServer
from tests.adapters.celery.test_archives import message
from tests.services.workers import StartWorker
from tests.usecases.revoking import QUEUE, Shop, refusal, sentence, wait

DEEP = 16_000
"""Messages: more than are looked at to find an id, and more than a second's worth of sorting."""

LAST = str(DEEP - 1)


@pytest.fixture
def shop(tmp_path: Path, redis_server: RedisServer) -> Iterator[Shop]:
    """Return one without workers."""
    shop = Shop(tmp_path, redis_server)
    yield shop
    shop.close()


@pytest.fixture
def deep(shop: Shop) -> Shop:
    """Return one with a deep queue, in which ids are numbers, the least of them next."""
    raw = [message(str(i), "mail.send" if i < DEEP - 1 else "mail.clean", None) for i in range(DEEP)]
    for start in range(0, DEEP, PAGE):
        shop.server.client().lpush(QUEUE, *raw[start : start + PAGE])
    return shop


def test_an_id_deep_in_a_queue_is_found_when_the_queue_is_named(deep: Shop) -> None:
    """Without the name it is refused, and how to name it is said; with it all of the queue is looked through."""
    assert refusal(deep, ids=[LAST]).endswith(
        "Not looked at: the rest of analytics behind what is next there. Name the queue and all of it is: "
        "`/celery revoke <id> queue analytics`."
    )
    preview = deep.preview(ids=[LAST], queue=QUEUE)
    assert preview.summary.startswith(f"Task {LAST}: about 1 message would be taken out of analytics")
    assert "They are looked for one by one: for about 2 s workers find the queue empty." in preview.notes
    assert preview.warnings == ()
    execution = deep.revoked(ids=[LAST], queue=QUEUE)
    assert (execution.state, sentence(execution)) == (
        ExecutionState.VERIFIED,
        "1 message of analytics set aside.",
    )
    assert deep.control.depths()[QUEUE] == DEEP - 1


def test_a_task_name_that_is_deep_in_a_queue_is_found_when_the_queue_is_named(deep: Shop) -> None:
    """As with ids: what was looked at of the queue holds none of it."""
    assert refusal(deep, task="mail.clean").endswith(
        "Not looked at: all of analytics behind the next 5,000. Name the queue and all of it is: "
        "`/celery revoke task mail.clean queue analytics`."
    )
    execution = deep.revoked(task="mail.clean", queue=QUEUE)
    assert (execution.state, deep.control.depths()[QUEUE]) == (ExecutionState.VERIFIED, DEEP - 1), sentence(execution)


def test_a_task_that_may_wait_deep_in_another_queue_is_not_called_revoked(deep: Shop) -> None:
    """Those that were seen are taken out; that is not all that is known of."""
    deep.app.tasks["sample.count"].apply_async(queue="booking")
    execution = deep.revoked(task="sample.count")
    assert (execution.state, execution.undo is not None) == (ExecutionState.FAILED, True)
    assert "more may wait in analytics, of which only the next messages were looked at" in sentence(execution)


def test_a_task_that_a_worker_holds_is_looked_for_in_no_queue(deep: Shop, celery_worker: StartWorker) -> None:
    """Each id is where it is; that some queue is too deep to be read leaves no doubt then."""
    celery_worker(deep.server.url(), queues=["booking"])
    (later,) = deep.count(queue="booking", countdown=600)
    deep.held(1)
    assert deep.preview(ids=[later]).warnings == ()
    execution = deep.revoked(ids=[later])
    assert execution.state is ExecutionState.VERIFIED, sentence(execution)


def test_a_preview_says_what_celery_forgets_and_what_threatens_what_is_set_aside(
    shop: Shop, celery_worker: StartWorker
) -> None:
    """How long a revoke holds without the bot; and that a Redis may evict what it holds."""
    celery_worker(shop.server.url(), queues=[QUEUE])
    (later,) = shop.count(countdown=600)
    shop.held(1)
    (waits,) = shop.count(queue="booking")
    preview = shop.preview(ids=[later, waits], hold="8h")
    assert any(
        "are told again for 8 h. Celery itself forgets a revoke when all workers restart, after 3 h, or behind 50,000"
        in note
        for note in preview.notes
    )
    assert preview.warnings == ()
    shop.server.client().config_set("maxmemory", "1gb")
    shop.server.client().config_set("maxmemory-policy", "allkeys-lru")
    assert shop.preview(ids=[later]).warnings == ()
    assert shop.preview(ids=[waits]).warnings == (
        "Redis may evict what is set aside: its policy is allkeys-lru. Then it is lost.",
    )


@pytest.mark.parametrize("chosen", ["ids", "task", "queue"])
def test_what_follows_a_task_is_said_to_wait_with_it(shop: Shop, chosen: str) -> None:
    """Of those that are meant alone: the other of the queue is of no chain."""
    count, add = shop.app.tasks["sample.count"], shop.app.tasks["sample.add"]
    first = count.apply_async(queue=QUEUE, link=add.si(1, 2)).id
    other = add.apply_async((1, 2), queue=QUEUE).id
    params: dict[str, dict[str, Any]] = {
        "ids": {"ids": [first, other]},
        "task": {"task": "sample.count"},
        "queue": {"queue": QUEUE},
    }
    assert shop.preview(**params[chosen]).warnings == (
        "1 message is part of a chord or chain: what follows it waits until it is put back.",
    )
    assert shop.preview(task="sample.add").warnings == shop.preview(ids=[other]).warnings == ()


def test_a_task_whose_result_says_that_it_goes_on_is_not_called_ended(shop: Shop, celery_worker: StartWorker) -> None:
    """It waits for a retry, or runs on a worker that nobody knows of."""
    shop.app.backend.store_result("lost", None, "RETRY")
    assert refusal(shop, ids=["lost"]) == (
        "There is nothing to revoke: `lost` is RETRY by its result, but in no queue and with no worker."
    )
    celery_worker(shop.server.url(), queues=[QUEUE])
    (done,) = shop.count()
    wait(lambda: shop.app.AsyncResult(done).state == "SUCCESS")
    (waits,) = shop.count(queue="booking")
    assert "2 ids left out: `" in " ".join(shop.preview(ids=[done, "lost", waits]).notes)


def test_a_queue_is_named_that_was_looked_at_in_vain(shop: Shop) -> None:
    """A task that waits in another is not said to be nowhere."""
    (waits,) = shop.count(queue="booking")
    assert refusal(shop, ids=[waits], queue=QUEUE).endswith("and none wait in analytics.")
