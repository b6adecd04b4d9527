"""How slots are spread over pools, whatever their sizes; and whose pool is never touched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.cluster import Worker
from bot.domain.pools import PoolChange, cannot, spread

SIZES = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 12), min_size=1)
BY = st.integers(-20, 20).filter(bool)


def workers(sizes: dict[str, int]) -> list[Worker]:
    """Prefork workers of these sizes."""
    return [Worker(name=n, pool="prefork", slots=s) for n, s in sizes.items()]


@given(sizes=SIZES, by=BY)
def test_as_many_as_asked_are_spread_and_each_pool_keeps_one(sizes: dict[str, int], by: int) -> None:
    """Fewer only where a shrink has no more to take; a pool of none is left as it is."""
    changes = spread(workers(sizes), by, {})
    spare = sum(max(0, s - 1) for s in sizes.values())
    assert sum(c.by for c in changes) == (by if by > 0 else -min(-by, spare))
    assert all(c.slots == sizes[c.worker] and (by > 0) == (c.by > 0) for c in changes)
    assert all(c.to >= 1 for c in changes)


@given(sizes=SIZES, by=BY)
def test_pools_become_more_alike(sizes: dict[str, int], by: int) -> None:
    """No pool that was given a slot is larger by two than one that could have had it; likewise when taking."""
    changes = {c.worker: c for c in spread(workers(sizes), by, {})}
    after = {n: changes[n].to if n in changes else s for n, s in sizes.items()}
    for name in changes:
        if by > 0:
            assert all(after[name] <= other + 1 for other in after.values())
        else:
            assert all(after[name] >= other - 1 for other in after.values())


@given(sizes=SIZES, by=BY, bounds=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 12)))
def test_no_bound_is_passed(sizes: dict[str, int], by: int, bounds: dict[str, int]) -> None:
    """Whoever is beyond it already stays as it is."""
    for change in spread(workers(sizes), by, bounds):
        bound = bounds.get(change.worker)
        assert bound is None or (change.to <= bound if by > 0 else change.to >= bound)


@pytest.mark.parametrize(
    ("worker", "twins", "why"),
    [
        (Worker(name="w", pool="prefork", slots=0), (), None),
        (Worker(name="w", pool="gevent", slots=1), (), None),
        (Worker(name="w", answered=False, pool="prefork", slots=4), (), "busy or unreachable"),
        (Worker(name="w", pool="prefork", slots=4), ("w",), "both would obey"),
        (Worker(name="w", pool=None, slots=4), (), "did not say what pool"),
        (Worker(name="w", pool="prefork", slots=None), (), "did not say what pool"),
        (Worker(name="w", pool="prefork", slots=4, autoscaled=True), (), "--autoscale"),
        (Worker(name="w", pool="eventlet", slots=4), (), "eventlet"),
        (Worker(name="w", pool="my.pools", slots=4), (), "cannot change"),
        (Worker(name="w", pool="gevent", slots=-7), (), "must be restarted"),
    ],
)
def test_only_a_pool_that_is_known_to_change_is_touched(
    worker: Worker, twins: tuple[str, ...], why: str | None
) -> None:
    """In words that follow the worker's name."""
    found = cannot(worker, twins)
    assert (found is None) == (why is None)
    assert (why or "") in (found or "")


@pytest.mark.parametrize(
    ("by", "slots", "reached"),
    [(2, 6, True), (2, 7, True), (2, 5, False), (-2, 2, True), (-2, 3, False), (2, None, False)],
)
def test_what_is_not_known_is_not_reached(by: int, slots: int | None, reached: bool) -> None:
    """A pool of four was to have two more, or two fewer."""
    assert PoolChange(worker="w", slots=4, by=by).reached(slots) is reached
