"""History and forecasts in both databases."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from bot.adapters.sql import SqlStore
from bot.adapters.sql.history_codec import COUNTS, decoded, encoded
from bot.domain.forecast import DepthSample
from bot.domain.history import Grain, Record, WorkerThen
from bot.domain.scoring import KeptForecast, Outcome
from bot.domain.window import Figures, Gap, Histogram, Slice, TaskFigures
from bot.ports import Mark
from tests.adapters.sql.conftest import NOW

FIGURES = Figures(
    sent=9,
    received=8,
    started=7,
    succeeded=5,
    failed=1,
    retried=1,
    lost=2,
    runtime=Histogram({3: 4, 80: 2}),
    wait=Histogram({0: 1}),
)


def after(seconds: float) -> datetime:
    """A moment after `NOW`."""
    return NOW + timedelta(seconds=seconds)


FULL = Record(
    at=after(5),
    slices=(
        Slice(
            NOW,
            after(5),
            (TaskFigures("shop.book", "booking", FIGURES), TaskFigures("ä", None, Figures(started=1))),
            (Gap(after(1), None, "cut off", 3), Gap(NOW, after(2), "late")),
        ),
        Slice(after(5), after(10)),
    ),
    complete=True,
    depths={
        "booking": (DepthSample(at=after(1), depth=5, started=7, series=2), DepthSample(at=after(3), depth=6)),
    },
    workers=(
        WorkerThen("w@a", answered=True, slots=4, busy=2),
        WorkerThen("x@a", answered=False, slots=None, busy=None),
    ),
    workers_at=after(2),
    trouble="cannot be read: silent",
    deaf="not connected",
)


def test_a_record_comes_back_as_it_was(store: SqlStore) -> None:
    """With everything in it, and with nothing."""
    with store.write() as tx:
        tx.history.add("prod", Grain.FINE, FULL, after(10))
        tx.history.add("prod", Grain.FINE, Record(at=after(9)), after(10))
    with store.read() as tx:
        assert tx.history.between("prod", Grain.FINE, NOW, after(9)) == [FULL, Record(at=after(9))]


def test_every_count_is_written_down() -> None:
    """A count that is added to the figures must not get lost here."""
    named = set(Figures.__dataclass_fields__) - {"runtime", "wait"}
    assert set(COUNTS) == named


def test_a_record_of_another_version_is_as_if_nothing_had_been_seen() -> None:
    """A newer bot's record, after its upgrade was taken back."""
    document = json.dumps({**json.loads(encoded(FULL)), "v": 99})
    found = decoded(FULL.at, document)
    assert found.slices == ()
    assert found.deaf == "written by another version of the bot"


def test_a_record_of_the_same_moment_replaces_the_other(store: SqlStore) -> None:
    """A clock that was set back writes where there is something already."""
    with store.write() as tx:
        tx.history.add("prod", Grain.FINE, FULL, None)
        tx.history.add("prod", Grain.FINE, Record(at=FULL.at), None)
        assert tx.history.between("prod", Grain.FINE, NOW, after(60)) == [Record(at=FULL.at)]


def test_marks_are_the_first_after_and_the_last_by_a_moment(store: SqlStore) -> None:
    """Of one cluster and grain alone."""
    with store.write() as tx:
        for n in (5, 10, 15):
            tx.history.add("prod", Grain.FINE, Record(at=after(n)), after(n - 1))
        tx.history.add("prod", Grain.MINUTE, Record(at=after(12)), None)
        tx.history.add("other", Grain.FINE, Record(at=after(11)), None)
        history = tx.history
        assert history.last("prod", Grain.FINE, after(10)) == Mark(after(10), after(9))
        assert history.last("prod", Grain.FINE, after(14)) == Mark(after(10), after(9))
        assert history.last("prod", Grain.FINE, after(4)) is None
        assert history.first("prod", Grain.FINE, after(10)) == Mark(after(15), after(14))
        assert history.first("prod", Grain.FINE, after(15)) is None
        assert [r.at for r in history.between("prod", Grain.FINE, after(5), after(15))] == [after(10), after(15)]


def test_old_records_are_deleted_oldest_first_and_never_more_than_asked(store: SqlStore, raw: Engine) -> None:
    """So that no transaction is long, however much has gathered."""
    with store.write() as tx:
        for n in range(20):
            for cluster in ("prod", "other"):
                tx.history.add(cluster, Grain.FINE, Record(at=after(n)), None)
                tx.history.add(cluster, Grain.MINUTE, Record(at=after(n)), None)
    with store.write() as tx:
        assert tx.history.forget(after(15), 5, cluster="prod", grain=Grain.FINE) == 5
        assert tx.history.between("prod", Grain.FINE, after(-1), after(99))[0].at == after(5)
        assert tx.history.forget(after(15), 99, cluster="prod", grain=Grain.FINE) == 10
        assert tx.history.forget(after(15), 99, cluster="prod", grain=Grain.FINE) == 0
        assert tx.history.forget(after(15), 99) == 45
    with raw.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM history WHERE seconds = 60")) == 10


def made(seconds: float, queue: str = "booking", minutes: float | None = 2.5, goal: int = 500) -> KeptForecast:
    """A forecast made then, due an hour later."""
    return KeptForecast(queue=queue, at=after(seconds), goal=goal, minutes=minutes, due=after(seconds + 3600))


def test_forecasts_are_decided_many_at_a_time(store: SqlStore) -> None:
    """Those of the queue and goal that drained, made before; the others stay open."""
    with store.write() as tx:
        for n in (0, 60, 120):
            tx.forecasts.add("prod", made(n))
        for other in (made(0, queue="analytics"), made(0, goal=100)):
            tx.forecasts.add("prod", other)
        tx.forecasts.add("other", made(0))
        assert tx.forecasts.drained("prod", "booking", 500, after(100)) == 2
        assert tx.forecasts.open("prod") == [("analytics", 500), ("booking", 100), ("booking", 500)]
        ended = tx.forecasts.ended("prod", NOW, 99)
    assert [(k.at, k.outcome, k.ended_at, k.minutes) for k in ended] == [
        (NOW, Outcome.DRAINED, after(100), 2.5),
        (after(60), Outcome.DRAINED, after(100), 2.5),
    ]
    assert ended[0].error == pytest.approx(100 / 60 - 2.5)


def test_a_forecast_that_was_due_has_not_drained_and_a_void_one_counts_for_nothing(store: SqlStore) -> None:
    """What drains after its due moment does so too late."""
    with store.write() as tx:
        tx.forecasts.add("prod", made(0, minutes=None))
        tx.forecasts.add("prod", made(600))
        tx.forecasts.add("prod", made(700))
        assert tx.forecasts.drained("prod", "booking", 500, after(9000)) == 0
        assert tx.forecasts.overdue("prod", after(3601)) == 1
        assert tx.forecasts.void("prod", after(3700), made_by=after(600)) == 1
        assert tx.forecasts.void("prod", after(3700), made_by=after(9000), queue="analytics") == 0
        (ended,) = tx.forecasts.ended("prod", NOW, 99)
        assert (ended.outcome, ended.minutes) == (Outcome.NOT_DRAINED, None)
        assert tx.forecasts.open("prod") == [("booking", 500)]


def test_the_newest_decided_ones_are_returned_and_old_ones_deleted_a_few_at_a_time(store: SqlStore) -> None:
    """However many there are."""
    with store.write() as tx:
        for n in range(20):
            tx.forecasts.add("prod", made(n))
        tx.forecasts.drained("prod", "booking", 500, after(100))
        assert [k.at for k in tx.forecasts.ended("prod", NOW, 3)] == [after(17), after(18), after(19)]
        assert tx.forecasts.forget(after(10), 4) == 4
        assert tx.forecasts.forget(after(10), 99) == 6
        assert len(tx.forecasts.ended("prod", NOW, 99)) == 10


def test_a_lease_taken_in_a_transaction_is_the_same_lease(store: SqlStore) -> None:
    """And goes with it, when the transaction is rolled back."""
    with store.write() as tx:
        assert tx.lease("history:prod", "a", NOW, 20)
    assert not store.lease("history:prod", "b", after(10), 20)
    with pytest.raises(ZeroDivisionError):
        _take_and_fail(store)
    assert store.lease("history:prod", "c", after(30), 20)


def _take_and_fail(store: SqlStore) -> None:
    with store.write() as tx:
        assert tx.lease("history:prod", "b", after(30), 20)
        raise ZeroDivisionError


def test_two_records_are_not_mixed_up_by_their_grain(store: SqlStore) -> None:
    """A minute may end at the moment of a fine record."""
    with store.write() as tx:
        tx.history.add("prod", Grain.FINE, FULL, None)
        tx.history.add("prod", Grain.MINUTE, replace(FULL, slices=()), None)
        assert tx.history.between("prod", Grain.FINE, NOW, after(9)) == [FULL]
