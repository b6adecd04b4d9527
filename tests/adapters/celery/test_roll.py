"""The memory of who answered: whom to wait for, whom to name, whom to forget."""

from bot.adapters.celery.roll import FORGET_SECONDS, GRACE_SECONDS, HANGING_SECONDS, QUIET_SECONDS, Absent, Roll


class Time:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.seconds

    def passes(self, seconds: float) -> None:
        """Move on."""
        self.seconds += seconds


def test_absent_workers_are_silent_only_while_somebody_is_missing() -> None:
    """When every listener answered, who did not answer does not listen."""
    roll = Roll(Time())
    assert roll.call(["a@h", "b@h"], missing=0) == Absent()


def test_one_that_left_is_named_for_a_while() -> None:
    """Five minutes, then it is forgotten."""
    time = Time()
    roll = Roll(time)
    roll.call(["a@h", "b@h"], missing=0)
    time.passes(FORGET_SECONDS)
    assert roll.call(["a@h"], missing=0) == Absent(gone=("b@h",))
    time.passes(1)
    assert roll.call(["a@h"], missing=0) == Absent()


def test_one_that_hangs_is_named_for_long_but_not_all_that_ever_were() -> None:
    """Of the long absent, as many as listeners are missing: the latest ones."""
    time = Time()
    roll = Roll(time)
    roll.call(["a@h", "old@h"], missing=0)
    time.passes(10)
    roll.call(["a@h", "hangs@h"], missing=0)
    time.passes(10)
    assert roll.call(["a@h"], missing=1) == Absent(silent=("hangs@h", "old@h"))
    time.passes(FORGET_SECONDS)
    assert roll.call(["a@h"], missing=1) == Absent(silent=("hangs@h",))
    time.passes(HANGING_SECONDS)
    assert roll.call(["a@h"], missing=1) == Absent()


def test_strangers_are_waited_for_to_the_end_once_a_minute() -> None:
    """And otherwise for a moment; a known worker always."""
    time = Time()
    roll = Roll(time)
    assert not roll.all_here([], missing=1, waited=9)
    roll.call(["a@h"], missing=1)
    assert not roll.all_here(["a@h"], missing=1, waited=GRACE_SECONDS / 2)
    assert roll.all_here(["a@h"], missing=1, waited=GRACE_SECONDS)
    assert not roll.all_here(["a@h"], missing=2, waited=GRACE_SECONDS)
    assert not roll.all_here([], missing=1, waited=GRACE_SECONDS)
    time.passes(QUIET_SECONDS / 2)
    roll.call(["a@h"], missing=1)
    time.passes(QUIET_SECONDS / 2)
    assert not roll.all_here(["a@h"], missing=1, waited=GRACE_SECONDS)


def test_a_stranger_that_answers_is_no_stranger_any_more() -> None:
    """The next silence is waited for again."""
    roll = Roll(Time())
    roll.call(["a@h"], missing=1)
    roll.call(["a@h", "b@h"], missing=0)
    assert not roll.all_here(["a@h"], missing=1, waited=GRACE_SECONDS)
    assert not roll.all_here(["a@h", "b@h"], missing=1, waited=GRACE_SECONDS)
