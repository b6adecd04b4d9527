"""Many threads and processes on one database: nobody fails, and nothing happens twice."""

import multiprocessing
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from subprocess import Popen
from typing import Any

import pytest

from bot.adapters.sql import SqlStore
from bot.domain.audit import Sound
from bot.domain.card import CardKind
from bot.domain.errors import LostRace, StoreUnavailable
from tests.adapters.sql import builders
from tests.adapters.sql.conftest import NOW
from tests.adapters.sql.other_process import APPENDS, THREADS

Start = Callable[[str, str], "Popen[str]"]
InThreads = Callable[..., list[Any]]


def test_two_processes_of_four_threads_append_without_failure(store: SqlStore, url: str, start_process: Start) -> None:
    """The bot and the ops worker share the database; the chain is sound and complete."""
    processes = [start_process("append", url) for _ in range(2)]
    failures = [process.communicate(timeout=100)[1] for process in processes]
    assert [p.returncode for p in processes] == [0, 0], failures
    sound = store.verify_audit()
    assert isinstance(sound, Sound)
    assert sound.entries == 2 * THREADS * APPENDS


def test_of_many_savers_of_one_version_one_wins(store: SqlStore, in_threads: InThreads) -> None:
    """All have read the same version; the others are told and nothing of theirs is stored."""
    with store.write() as tx:
        read = tx.executions.add(builders.execution())

    def save(number: int) -> bool:
        try:
            with store.write() as tx:
                tx.executions.save(read.model_copy(update={"claim": str(number)}))
                tx.audit.append(NOW, "system", "started", read.id, {"by": number})
        except LostRace:
            return False
        return True

    won = in_threads(save, 12)
    assert won.count(True) == 1
    with store.read() as tx:
        assert tx.executions.get(read.id).claim == str(won.index(True))
        assert [e.facts for e in tx.audit.about(read.id)] == [{"by": won.index(True)}]


def test_ids_are_unique_among_threads(store: SqlStore, in_threads: InThreads) -> None:
    """Also the first one, which makes the counter."""

    def take(_: int) -> list[str]:
        taken = []
        for _ in range(10):
            with store.write() as tx:
                taken.append(tx.incidents.next_id())
        return taken

    ids = [one for taken in in_threads(take, 8) for one in taken]
    assert sorted(ids) == sorted(f"inc-{number}" for number in range(1, 81))


def test_one_delivery_is_recorded_by_one_of_many(store: SqlStore, in_threads: InThreads) -> None:
    """Slack repeats what was not acknowledged in time, to another socket perhaps."""

    def record(_: int) -> bool:
        with store.write() as tx:
            return tx.inbox.record("Ev1", "event", {}, NOW)

    assert in_threads(record, 12).count(True) == 1


def test_every_wish_for_a_card_counts(store: SqlStore, in_threads: InThreads) -> None:
    """Also those for a card that does not exist yet."""

    def want(_: int) -> None:
        with store.write() as tx:
            tx.cards.want(CardKind.HOME, "U1", "U1", NOW)

    in_threads(want, 12)
    with store.read() as tx:
        assert [card.wanted for card in tx.cards.of_kind(CardKind.HOME)] == [12]


def test_a_lease_is_taken_by_one_of_many(store: SqlStore, in_threads: InThreads) -> None:
    """There is one publisher."""
    assert in_threads(lambda n: store.lease("publisher", str(n), NOW, 10), 12).count(True) == 1


def test_a_process_killed_in_a_transaction_leaves_nothing(store: SqlStore, url: str, start_process: Start) -> None:
    """And it holds nobody up."""
    process = start_process("hold", url)
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)
    began = time.monotonic()
    with store.write() as tx:
        assert tx.incidents.find() == []
        assert tx.audit.latest() == []
        assert tx.inbox.record("Ev1", "event", {}, NOW)
        assert tx.incidents.next_id() == "inc-1"
    assert time.monotonic() - began < 5


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="there is no fork here")
def test_a_forked_child_has_connections_of_its_own(open_again: Callable[..., SqlStore]) -> None:
    """Celery's prefork pool forks a process that may have some open; both go on."""
    store = open_again(busy_seconds=0.3)
    with store.write() as tx:
        tx.set_note("before", 1)
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_use_in_child, args=(store, theirs))
    child.start()
    assert ours.recv() == "in a transaction"
    with pytest.raises(StoreUnavailable):  # by one connection for both, this would work: in the child's transaction
        store.release("publisher", "parent")
    ours.send("commit")
    child.join(timeout=30)
    assert child.exitcode == 0
    with store.write() as tx:
        assert tx.note("in child") == [1]


def _use_in_child(store: SqlStore, parent: Connection) -> None:
    with store.write() as tx:
        tx.set_note("in child", [tx.note("before")])
        parent.send("in a transaction")
        parent.recv()
