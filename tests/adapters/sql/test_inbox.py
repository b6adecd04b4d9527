"""The contract of `Inbox`."""

from datetime import timedelta

from bot.adapters.sql import SqlStore
from bot.ports import InboxEntry
from tests.adapters.sql.conftest import NOW

SECOND = timedelta(seconds=1)


def test_a_repeated_delivery_is_recorded_once(store: SqlStore) -> None:
    """The second says False and changes nothing, in the same transaction and in a later one."""
    with store.write() as tx:
        assert tx.inbox.record("Ev1", "event", {"a": 1}, NOW)
        assert not tx.inbox.record("Ev1", "event", {"a": 2}, NOW)
    with store.write() as tx:
        assert not tx.inbox.record("Ev1", "command", {"a": 3}, NOW)
    with store.read() as tx:
        assert tx.inbox.unhandled(NOW + SECOND) == [InboxEntry("Ev1", "event", {"a": 1}, NOW, 0)]


def test_any_text_slack_sends_comes_back(store: SqlStore) -> None:
    """NUL, quotes, half an emoji."""
    payload: dict[str, object] = {"text": "\x00'\"\ud83d \N{SNOWMAN} <!channel>", "nested": [None, 1.5, {"x": []}]}
    with store.write() as tx:
        tx.inbox.record("Ev1", "event", payload, NOW)
    with store.read() as tx:
        assert tx.inbox.unhandled(NOW + SECOND)[0].payload == payload


def test_unhandled_is_what_came_before_and_was_never_done_oldest_first(store: SqlStore) -> None:
    """Attempts are counted; the moment itself does not count as before."""
    with store.write() as tx:
        for name, age in (("young", 0), ("old", 30), ("older", 60), ("handled", 90)):
            tx.inbox.record(name, "event", {}, NOW - age * SECOND)
        tx.inbox.done("handled", NOW)
        tx.inbox.attempt("old")
        tx.inbox.attempt("old")
    with store.read() as tx:
        found = tx.inbox.unhandled(NOW)
    assert [(e.id, e.attempts) for e in found] == [("older", 0), ("old", 2)]


def test_forget_deletes_what_was_handled_long_ago_only(store: SqlStore) -> None:
    """An unhandled entry is never forgotten."""
    with store.write() as tx:
        for name, age in (("young", 0), ("old", 30), ("waiting", 60)):
            tx.inbox.record(name, "event", {}, NOW - age * SECOND)
        tx.inbox.done("young", NOW)
        tx.inbox.done("old", NOW)
        assert tx.inbox.forget(NOW) == 1
        assert tx.inbox.record("old", "event", {}, NOW), "what was forgotten is new again"
        assert not tx.inbox.record("young", "event", {}, NOW)
        assert [e.id for e in tx.inbox.unhandled(NOW)] == ["waiting"]
