"""Notes, leases and named locks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.adapters.sql import SqlStore
from tests.adapters.sql.conftest import NOW


@pytest.mark.parametrize("value", [{"oncall": ["U1", "U2"]}, [], "", 0, False, 1.5, "\x00\N{SNOWMAN}"])
def test_a_note_comes_back_as_it_was(store: SqlStore, value: Any) -> None:
    """Also values that count as false."""
    with store.write() as tx:
        tx.set_note("n", "before")
        tx.set_note("n", value)
        assert tx.note("n") == value


def test_none_removes_a_note(store: SqlStore) -> None:
    """Also one that was never there."""
    with store.write() as tx:
        tx.set_note("n", 1)
        tx.set_note("n", None)
        tx.set_note("other", None)
        assert tx.note("n") is None


def test_a_lease_has_one_owner_until_it_expires(store: SqlStore) -> None:
    """The owner renews it; another takes it over at its end, and then the first has lost it."""
    assert store.lease("publisher", "a", NOW, 10)
    assert not store.lease("publisher", "b", NOW + timedelta(seconds=9), 10)
    assert store.lease("publisher", "a", NOW + timedelta(seconds=9), 10)
    assert not store.lease("publisher", "b", NOW + timedelta(seconds=18.9), 10)
    assert store.lease("publisher", "b", NOW + timedelta(seconds=19), 10)
    assert not store.lease("publisher", "a", NOW + timedelta(seconds=20), 10)


def test_leases_of_other_names_are_independent(store: SqlStore) -> None:
    """One process may hold the sweep and another the publisher."""
    assert store.lease("publisher", "a", NOW, 10)
    assert store.lease("sweep", "b", NOW, 10)


def test_only_the_owner_gives_a_lease_back(store: SqlStore) -> None:
    """A process that lost its lease cannot end the new owner's."""
    store.lease("publisher", "a", NOW, 10)
    store.release("publisher", "b")
    assert not store.lease("publisher", "b", NOW, 10)
    store.release("publisher", "a")
    assert store.lease("publisher", "b", NOW, 10)


def test_two_transactions_do_not_both_find_nothing_and_add(
    store: SqlStore, in_threads: Callable[..., list[bool]]
) -> None:
    """The second finds what the first added."""

    def add_once(_: int) -> bool:
        with store.write() as tx:
            if tx.note("there"):
                return False
            tx.set_note("there", True)
            return True

    assert sum(in_threads(add_once, 8)) == 1
