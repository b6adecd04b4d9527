"""Amounts as people write and read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.amounts import bytes_of, percent, size, span_of, took
from bot.domain.window import Span


@pytest.mark.parametrize(
    ("n", "text"),
    [(0, "0 B"), (512, "512 B"), (1536, "1.5 KB"), (2 << 30, "2 GB"), (3_500_000_000, "3.3 GB"), (5 << 40, "5 TB")],
)
def test_bytes_are_read_in_the_unit_that_fits(n: int, text: str) -> None:
    """In steps of 1,024, as Redis counts."""
    assert size(n) == text


@pytest.mark.parametrize(
    ("text", "n"), [("2GB", 2 << 30), ("2 gb", 2 << 30), ("1.5G", 3 << 29), ("512MB", 512 << 20), ("100", 100)]
)
def test_bytes_are_written_as_people_write_them(text: str, n: int) -> None:
    """With or without a blank, in any case."""
    assert bytes_of(text) == n


@pytest.mark.parametrize("text", ["", "much", "2 PB", "-1GB", "GB", "2GBs"])
def test_what_is_no_amount_of_memory_is_none(text: str) -> None:
    """Never a guess."""
    assert bytes_of(text) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0001, "less than 1 ms"),
        (0.003, "3 ms"),
        (1.0, "1 s"),
        (1.44, "1.4 s"),
        (45.2, "45 s"),
        (75, "75 s"),
        (130, "2 min"),
        (5400, "1 h 30 min"),
    ],
)
def test_durations_keep_the_digits_that_matter(seconds: float, text: str) -> None:
    """75 seconds are not "2 min"."""
    assert took(seconds) == text


@given(st.integers(min_value=1, max_value=10**7), st.data())
def test_a_share_with_a_single_failure_is_never_told_as_all(n: int, data: st.DataObject) -> None:
    """Cut, not rounded: 99.999 % is no 100 %, and nothing becomes more than it is."""
    failed = data.draw(st.integers(min_value=1, max_value=n))
    told = float(percent((n - failed) / n).removesuffix(" %"))
    assert told < 100
    assert told <= (n - failed) / n * 100 + 1e-6


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("1m", Span.MINUTE),
        ("15 min", Span.QUARTER),
        ("60m", Span.HOUR),
        ("1 hour", Span.HOUR),
        ("24h", Span.DAY),
        ("1d", Span.DAY),
        ("2h", None),
        ("soon", None),
    ],
)
def test_spans_are_those_that_are_kept(text: str, span: Span | None) -> None:
    """Another length has no counts, and is refused."""
    assert span_of(text) is span
