"""What a revoke does in each pool, and which workers have to be told again."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.cluster import ClusterSnapshot, Worker
from bot.domain.revoke import Held, Hold, Revoke, Way, to_tell

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
HOUR = 3600


@pytest.mark.parametrize(
    ("told", "uptime", "again"),
    [
        (None, 8 * HOUR, True),
        (60, 8 * HOUR, False),
        (2 * HOUR, 8 * HOUR, False),
        (2 * HOUR, HOUR, True),
        (int(2.6 * HOUR), 8 * HOUR, True),
        (60, 62, True),
        (60, None, False),
    ],
)
def test_a_worker_is_told_again_that_was_told_before_its_start_or_will_forget_soon(
    told: int | None, uptime: int | None, again: bool
) -> None:
    """Told so many seconds ago, up for so many."""
    known = {} if told is None else {"w1@a": NOW - timedelta(seconds=told)}
    revoke = Revoke(id="exe-1", began_at=NOW, ends_at=NOW + timedelta(days=1), told=known)
    workers = (
        Worker(name="w1@a", queues=("mail",), uptime_seconds=uptime),
        Worker(name="silent@a", answered=False),
    )
    snapshot = ClusterSnapshot(cluster="prod", taken_at=NOW, workers=workers)
    assert to_tell(revoke, snapshot, NOW) == (["w1@a"] if again else [])


@pytest.mark.parametrize(
    ("pool", "hold", "plain", "by_force"),
    [
        ("prefork", Hold.SCHEDULED, Way.STOPS, Way.STOPS),
        ("prefork", Hold.PREFETCHED, Way.STOPS, Way.STOPS),
        ("prefork", Hold.RUNNING, Way.RUNS_ON, Way.ENDS),
        ("threads", Hold.SCHEDULED, Way.STOPS, Way.STOPS),
        ("threads", Hold.PREFETCHED, Way.CANNOT, Way.CANNOT),
        ("threads", Hold.RUNNING, Way.RUNS_ON, Way.CANNOT),
        ("gevent", Hold.PREFETCHED, Way.CANNOT, Way.ENDS),
        ("gevent", Hold.RUNNING, Way.RUNS_ON, Way.ENDS),
        ("solo", Hold.RUNNING, Way.RUNS_ON, Way.CANNOT),
        (None, Hold.PREFETCHED, Way.CANNOT, Way.CANNOT),
    ],
)
def test_what_a_revoke_does_depends_on_the_pool(pool: str | None, hold: Hold, plain: Way, by_force: Way) -> None:
    """As tried on real workers; see `tests/usecases/test_revoke.py`."""
    held = Held(id="1", task="t", queue="mail", worker="w1@a", pool=pool, hold=hold)
    assert (held.way(terminate=False), held.way(terminate=True)) == (plain, by_force)
