"""The contract of `Collection`, and what a stored document must survive."""

import json

import pytest
from sqlalchemy import Engine, text

from bot.adapters.sql import SqlStore
from bot.domain.errors import BadInput, LostRace, NotFound, StoreUnavailable
from bot.domain.incident import IncidentState
from tests.adapters.sql import builders
from tests.adapters.sql.conftest import NOW


def test_every_noun_comes_back_as_it_was_stored(store: SqlStore) -> None:
    """Nothing is lost or changed on the way through JSON, for any of the five nouns."""
    with store.write() as tx:
        stored = (
            tx.incidents.add(builders.incident()),
            tx.runs.add(builders.run()),
            tx.requests.add(builders.approval_request()),
            tx.executions.add(builders.execution()),
            tx.mitigations.add(builders.mitigation()),
        )
    with store.read() as tx:
        found = (
            tx.incidents.get("inc-1"),
            tx.runs.get("run-1"),
            tx.requests.get("req-1"),
            tx.executions.get("exe-1"),
            tx.mitigations.get("mit-1"),
        )
    assert found == stored
    assert stored[0] == builders.incident().model_copy(update={"version": 1})
    assert stored[1] == builders.run().model_copy(update={"version": 1})


def test_unknown_id_raises_not_found(store: SqlStore) -> None:
    """The error names the noun and the id."""
    with store.read() as tx, pytest.raises(NotFound, match="no mitigation `mit-7`"):
        tx.mitigations.get("mit-7")


def test_save_counts_the_version_up_and_is_found_by_its_new_fields(store: SqlStore) -> None:
    """The indexed copies follow the document."""
    with store.write() as tx:
        first = tx.incidents.add(builders.incident())
        second = tx.incidents.save(first.model_copy(update={"state": IncidentState.RESOLVED, "root_ts": None}))
    assert (first.version, second.version) == (1, 2)
    with store.read() as tx:
        assert tx.incidents.find(state="open") == []
        assert tx.incidents.find(state=IncidentState.RESOLVED, root_ts=None) == [second]


def test_save_of_an_old_version_loses_the_race(store: SqlStore) -> None:
    """Who saves second must read again; the first change stands."""
    with store.write() as tx:
        old = tx.incidents.add(builders.incident())
    with store.write() as tx:
        new = tx.incidents.save(old.model_copy(update={"owner": "U1"}))
    with pytest.raises(LostRace, match="incident inc-1"), store.write() as tx:
        tx.incidents.save(old.model_copy(update={"owner": "U2"}))
    with store.read() as tx:
        assert tx.incidents.get("inc-1") == new


def test_save_of_what_was_never_added_raises_not_found(store: SqlStore) -> None:
    """It is no lost race."""
    with pytest.raises(NotFound), store.write() as tx:
        tx.incidents.save(builders.incident())


def test_an_id_is_added_once(store: SqlStore) -> None:
    """Adding it again is a lost race, and the transaction remains usable."""
    with store.write() as tx:
        tx.incidents.add(builders.incident(key="first"))
        with pytest.raises(LostRace):
            tx.incidents.add(builders.incident(key="second"))
        tx.set_note("after", True)
    with store.read() as tx:
        assert tx.incidents.get("inc-1").key == "first"
        assert tx.note("after") is True


def test_find_takes_one_value_several_or_none_and_returns_oldest_first(store: SqlStore) -> None:
    """Twelve incidents, so that inc-10 does not sort before inc-2."""
    with store.write() as tx:
        for number in range(1, 13):
            state = IncidentState.OPEN if number % 2 else IncidentState.MITIGATED
            tx.incidents.add(builders.incident(f"inc-{number}", key=f"k{number % 3}", state=state))
    with store.read() as tx:
        assert [i.id for i in tx.incidents.find()] == [f"inc-{n}" for n in range(1, 13)]
        assert [i.id for i in tx.incidents.find(key="k1", state="open")] == ["inc-1", "inc-7"]
        assert [i.id for i in tx.incidents.find(newest=2)] == ["inc-11", "inc-12"]
        assert len(tx.incidents.find(state=("open", "mitigated"))) == 12
        assert tx.incidents.find(state=()) == []
        assert tx.incidents.find(root_ts=None) == []


def test_find_by_a_field_without_index_is_a_mistake_of_ours(store: SqlStore) -> None:
    """Columns that are not fields do not count as indexed either."""
    with store.read() as tx:
        for field in ("cluster", "document", "place"):
            with pytest.raises(KeyError, match=field):
                tx.incidents.find(**{field: "x"})  # type: ignore[arg-type]  # a text, and never for `newest`


def test_ids_are_short_and_each_noun_counts_for_itself(store: SqlStore) -> None:
    """A number is not given out again by a later transaction."""
    with store.write() as tx:
        ids = [c.next_id() for c in (tx.incidents, tx.runs, tx.requests, tx.executions, tx.mitigations)]
    assert ids == ["inc-1", "run-1", "req-1", "exe-1", "mit-1"]
    with store.write() as tx:
        assert [tx.incidents.next_id(), tx.incidents.next_id(), tx.runs.next_id()] == ["inc-2", "inc-3", "run-2"]


def test_an_exception_in_a_transaction_undoes_all_of_it(store: SqlStore) -> None:
    """Documents, cards, notes, inbox and audit alike."""

    def fail() -> None:
        with store.write() as tx:
            tx.incidents.add(builders.incident())
            tx.set_note("frozen", 1)
            tx.audit.append(NOW, "U1", "opened", "inc-1", {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.read() as tx:
        assert (tx.incidents.find(), tx.note("frozen"), tx.audit.latest()) == ([], None, [])


def test_the_database_refuses_writes_where_only_reading_was_announced(store: SqlStore) -> None:
    """A use case that writes in `read` is found out at once; the connection can write again afterwards."""
    with pytest.raises(StoreUnavailable, match="read-only"), store.read() as tx:
        tx.set_note("x", 1)
    with store.write() as tx:
        tx.set_note("x", 2)


def test_a_reader_sees_one_moment(store: SqlStore) -> None:
    """What somebody commits meanwhile is not half seen."""
    with store.read() as reader:
        assert reader.note("a") is None
        with store.write() as writer:
            writer.set_note("a", 1)
        assert reader.note("a") is None
    with store.read() as reader:
        assert reader.note("a") == 1


def test_a_document_from_before_a_field_existed_takes_its_default(store: SqlStore, raw: Engine) -> None:
    """An upgrade that adds fields needs no rewriting of what is stored."""
    with store.write() as tx:
        stored = tx.mitigations.add(builders.mitigation())
    document = json.loads(stored.model_dump_json())
    del document["joined"], document["warned_for"]
    _replace_document(raw, document)
    with store.read() as tx:
        assert tx.mitigations.get("mit-1") == stored.model_copy(update={"joined": ()})


def test_a_document_from_a_newer_version_is_refused_in_words(store: SqlStore, raw: Engine) -> None:
    """After a downgrade: dropping the unknown field in silence would lose it with the next save."""
    with store.write() as tx:
        stored = tx.mitigations.add(builders.mitigation())
    _replace_document(raw, json.loads(stored.model_dump_json()) | {"invented_later": 1})
    with (
        store.read() as tx,
        pytest.raises(BadInput, match=r"mitigation `mit-1`.*invented_later.*version that wrote it"),
    ):
        tx.mitigations.get("mit-1")


def _replace_document(raw: Engine, document: object) -> None:
    with raw.begin() as connection:
        connection.execute(text("UPDATE mitigations SET document = :d"), {"d": json.dumps(document)})
