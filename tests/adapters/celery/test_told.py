"""The memory of who was told to send task events: once in each life, again and ever later until a yes."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.celery.told import FIRST_PAUSE, FORGET_SECONDS, LONGEST_PAUSE, REFUSALS, Sighting, Told
from tests.adapters.celery.test_roll import Time

YES, ALREADY, NO = {"ok": "task events enabled"}, {"ok": "task events already enabled"}, {"error": "no dispatcher"}
START = datetime(2026, 1, 1, tzinfo=UTC)


def seen(pid: int | None = 7, later: float = 0, sends: bool = False, silent: bool = False) -> list[Sighting]:
    """The worker `w@h`, in the life that this process and this start make."""
    return [Sighting("w@h", pid, START + timedelta(seconds=later), sends, silent)]


def say(told: Told, *replies: object) -> None:
    """One turn for each reply: tell who is due, who then replies so (None: not at all)."""
    for reply in replies:
        told.answered(told.due(), {} if reply is None else {"w@h": reply})


@pytest.mark.parametrize("reply", [YES, ALREADY])
def test_who_said_yes_is_told_no_more(reply: dict[str, str]) -> None:
    """Whether it was this command that switched them on, or somebody before us."""
    told = Told(Time())
    told.see(seen())
    assert told.answered(told.due(), {"w@h": reply}) == (["w@h"], {})
    told.see(seen())
    assert not told.due()
    assert told.rest() is None


def test_who_does_not_answer_is_told_again_ever_later() -> None:
    """The pause doubles up to its bound, and never ends while the worker is seen."""
    time = Time()
    told = Told(time)
    pauses = []
    for _ in range(12):
        told.see(seen())
        say(told, None)
        pauses.append(told.rest() or 0)
        assert not told.due()
        time.passes(pauses[-1])
        assert told.due()
    assert pauses[:3] == pytest.approx([FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4])
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE)


@pytest.mark.parametrize(("pid", "later"), [(8, 0.0), (7, 60.0)])
def test_another_life_is_told_anew(pid: int, later: float) -> None:
    """Another process, or the same number begun later: in containers every worker is process 1."""
    told = Told(Time())
    told.see(seen())
    say(told, YES)
    told.see(seen(pid, later))
    assert list(told.due()) == ["w@h"]


def test_a_start_that_wavers_by_a_second_is_the_same_life() -> None:
    """It is worked out from an uptime in whole seconds."""
    told = Told(Time())
    told.see(seen(None))
    say(told, YES)
    told.see(seen(None, later=1))
    assert not told.due()


def test_who_sends_already_is_not_told() -> None:
    """Started with `-E`, or told by another program."""
    told = Told(Time())
    told.see(seen(sends=True))
    assert not told.due()


def test_who_announces_itself_is_told_whatever_was_heard_before() -> None:
    """What memory still says of it may be about the process before."""
    told = Told(Time())
    told.see(seen(sends=True))
    told.came_online("w@h")
    told.see(seen(sends=True))
    assert list(told.due()) == ["w@h"]
    say(told, YES)
    assert not told.due()


def test_a_reply_from_before_the_announcement_settles_nothing() -> None:
    """The process that gave it may be gone."""
    told = Told(Time())
    told.see(seen())
    asked = told.due()
    told.came_online("w@h")
    assert told.answered(asked, {"w@h": YES}) == ([], {})
    assert list(told.due()) == ["w@h"]


def test_one_that_is_heard_again_is_told_at_once() -> None:
    """It need not wait out the pause that grew while it was silent."""
    told = Told(Time())
    told.see(seen(silent=True))
    say(told, None)
    assert not told.due()
    told.see(seen())
    assert told.due()


def test_one_that_refuses_is_let_be_until_its_next_life() -> None:
    """A worker without heartbeat, gossip and `-E` has nothing to send events with."""
    time = Time()
    told = Told(time)
    told.see(seen())
    for _ in range(REFUSALS - 1):
        assert told.answered(told.due(), {"w@h": NO}) == ([], {})
        time.passes(LONGEST_PAUSE)
    assert told.answered(told.due(), {"w@h": NO}) == ([], {"w@h": "no dispatcher"})
    time.passes(LONGEST_PAUSE)
    assert not told.due()
    told.see(seen(8))
    assert told.due()


def test_one_that_is_seen_no_more_is_forgotten() -> None:
    """However often it was told in between."""
    time = Time()
    told = Told(time)
    told.see(seen())
    time.passes(FORGET_SECONDS / 2)
    say(told, None)
    time.passes(FORGET_SECONDS / 2 + 1)
    told.see([])
    assert not told.due()
