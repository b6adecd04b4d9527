"""Durations, rates and quantiles in words."""

from datetime import timedelta

import pytest

from bot.slack.views.amounts import a_minute, ago, duration, quantiles
from tests.slack.views.live_samples import durations
from tests.slack.views.samples import NOW


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (0.0001, "under 1 ms"),
        (0.0009, "under 1 ms"),
        (0.12, "120 ms"),
        (0.9996, "1 s"),
        (4.2, "4.2 s"),
        (4.96, "5 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (65.4, "1 min 5 s"),
        (3599.7, "1 h"),
        (7500, "2 h 5 min"),
        (100_000, "1 d 3 h"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float, said: str) -> None:
    """No "60 s", and no "1.0 s"."""
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (0, "none"),
        (0.01, "under 0.1 a minute"),
        (0.4, "0.4 a minute"),
        (9.96, "10 a minute"),
        (1200.4, "1,200 a minute"),
    ],
)
def test_rates_are_a_minute(rate: float, said: str) -> None:
    """Small ones keep a digit."""
    assert a_minute(rate) == said


def test_moment_that_another_clock_puts_ahead_is_now() -> None:
    """Never minus two seconds ago."""
    assert ago(NOW + timedelta(seconds=2), NOW) == "just now"
    assert ago(NOW - timedelta(seconds=65.9), NOW) == "1 min 5 s ago"


def test_quantiles_claim_no_more_digits_than_a_histogram_knows() -> None:
    """Two; of none there are none."""
    assert quantiles(durations(*[0.8] * 90, *[4.5] * 10)) == "half within ~710 ms, 95 % ~4.5 s"
    assert quantiles(durations()) is None
