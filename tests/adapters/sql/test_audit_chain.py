"""The contract of `Audit`, and the walk over a chain that nobody touched."""

import pytest

from bot.adapters.sql import SqlStore
from bot.domain.audit import GENESIS, Sound
from tests.adapters.sql.chain import LENGTH, grow
from tests.adapters.sql.conftest import NOW


def test_an_empty_chain_is_sound(store: SqlStore) -> None:
    """A new installation has nothing to show yet."""
    assert store.verify_audit() == Sound(entries=0, head_hash=GENESIS)
    assert store.export_audit() == []


def test_entries_follow_one_another_and_come_back_as_written(store: SqlStore) -> None:
    """Each carries the hash of the one before; the export holds them all."""
    written = grow(store)
    assert [e.seq for e in written] == list(range(1, LENGTH + 1))
    assert [e.prev_hash for e in written] == [GENESIS, *(e.hash for e in written[:-1])]
    assert store.export_audit() == written
    assert store.verify_audit() == Sound(entries=LENGTH, head_hash=written[-1].hash)


def test_latest_is_newest_first_and_about_is_oldest_first(store: SqlStore) -> None:
    """The slash command shows the one, a card the other."""
    grow(store)
    with store.read() as tx:
        assert [e.seq for e in tx.audit.latest(2)] == [6, 5]
        assert [e.seq for e in tx.audit.about("exe-1")] == [1, 3, 5]
        assert tx.audit.latest(1)[0].at == NOW


def test_several_entries_in_one_transaction_follow_one_another(store: SqlStore) -> None:
    """Also more of them than are read at a time."""
    with store.write() as tx:
        for number in range(1201):
            tx.audit.append(NOW, "system", "counted", "prod", {"n": number})
    sound = store.verify_audit()
    assert isinstance(sound, Sound)
    assert sound.entries == 1201
    assert [e.facts["n"] for e in store.export_audit()] == list(range(1201))


def test_an_entry_is_undone_with_its_transaction(store: SqlStore) -> None:
    """The next one takes its number, and the chain has no gap."""
    grow(store, 1)

    def fail() -> None:
        with store.write() as tx:
            tx.audit.append(NOW, "U1", "started", "exe-1", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    grow(store, 1)
    assert [e.seq for e in store.export_audit()] == [1, 2]
    assert isinstance(store.verify_audit(), Sound)


def test_any_facts_but_floats_hold_their_hash(store: SqlStore) -> None:
    """What people typed is untrusted: quotes, control characters, other scripts, numbers of any size."""
    facts = {
        "text": "'\"\\\x00\x1f\x7f\u2028 <!channel> \N{SNOWMAN}",
        "n": -(10**30),
        "deep": [{"a": [None, True]}],
        "": {},
    }
    with store.write() as tx:
        tx.audit.append(NOW, "U1", "sagte: 'ä'", 'exe-1"', facts)
    assert store.export_audit()[0].facts == facts
    assert isinstance(store.verify_audit(), Sound)
    with pytest.raises(TypeError, match="no floats"), store.write() as tx:
        tx.audit.append(NOW, "U1", "e", "s", {"share": [0.5]})
    assert len(store.export_audit()) == 1
