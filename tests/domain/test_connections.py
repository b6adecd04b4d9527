"""Which connections are a worker's, which look leaked, and which may be closed."""

import pytest

from bot.domain.connections import SPARED, Chosen, Connection, Sort, grouped, of_workers


def one(id: int = 1, host: str = "10.0.0.7", **more: object) -> Connection:
    """Return a connection."""
    return Connection.model_validate({"id": id, "address": f"{host}:{40000 + id}", **more})


@pytest.mark.parametrize("sort", SPARED)
def test_ours_replicas_and_monitors_are_never_closed(sort: Sort) -> None:
    """Whoever asks for whatever."""
    connection = one(sort=sort)
    assert not Chosen(ids=(1,), workers=True).may_close(connection)


def test_what_may_be_a_workers_is_marked() -> None:
    """What takes messages or subscribes; on a worker's host also what was used just now. Elsewhere, and idle: not."""
    found = of_workers(
        (
            one(1, sort=Sort.CONSUMER),
            one(2, idle=5),
            one(3, idle=7200),
            one(4, host="10.0.0.8", idle=5),
            one(5, host="10.0.0.8", sort=Sort.PUBSUB),
        )
    )
    assert [c.id for c in found if c.worker] == [1, 2, 5]
    assert [c.id for c in found if c.leaked] == [3]
    assert [c.id for c in found if Chosen(host="10.0.0.7").may_close(c)] == [3, 4]


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        (Chosen(ids=(1, 3)), [1, 3]),
        (Chosen(idle=3600), [2, 3]),
        (Chosen(idle=3600, host="10.0.0.7"), [2]),
        (Chosen(host="10.0.0.7:40002"), [2]),
        (Chosen(host="fd00::1"), [4]),
        (Chosen(named="web"), [3]),
    ],
)
def test_those_are_meant_for_which_all_holds(chosen: Chosen, ids: list[int]) -> None:
    """By id; else by idle time, host (with or without port) and name together."""
    every = (
        one(1),
        one(2, idle=3600),
        one(3, host="10.0.0.8", idle=4000, name="web"),
        one(4, host="[fd00::1]"),
    )
    assert [c.id for c in every if chosen.means(c)] == ids


def test_ten_thousand_connections_are_a_few_groups_worst_first() -> None:
    """What looks leaked first, the longest idle first in it."""
    every = [one(i, host="10.0.0.8", name="web") for i in range(9000)]
    every += [one(9000 + i, idle=3600 + i) for i in range(1000)]
    leaking, web = grouped(every)
    assert (leaking.host, leaking.leaked, leaking.connections[0].id) == ("10.0.0.7", 1000, 9999)
    assert (web.name, web.leaked, len(web.connections)) == ("web", 0, 9000)
