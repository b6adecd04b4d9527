"""What so many opportunities can prove: exact bounds, and no sigma that they do not support."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.sigma import lower_bound, quality_of, quality_words, sigma_level, upper_bound
from bot.domain.targets import Quality


def at_most(k: int, n: int, p: float) -> float:
    """Return the chance of at most `k` defects among `n`, summed term by term."""
    return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


def quality(defects: int, n: int) -> Quality:
    """Return the quality of some opportunities."""
    found = quality_of(defects, n)
    assert found is not None
    return found


@pytest.mark.parametrize("n", [1, 3, 100, 10_000, 880_000, 100_000_000])
def test_no_defect_leaves_the_rule_of_three(n: int) -> None:
    """Of n without a defect the bound is 1 - 0.05^(1/n), which for many is about 3/n."""
    assert upper_bound(0, n) == pytest.approx(1 - 0.05 ** (1 / n), rel=1e-6)
    if n >= 100:
        assert upper_bound(0, n) == pytest.approx(3 / n, rel=0.02)


@pytest.mark.parametrize(
    ("k", "n", "upper", "lower"),
    [  # Clopper and Pearson's one-sided bounds as tables of the binomial have them
        (1, 10, 0.394163, 0.005116),
        (5, 10, 0.777559, 0.222441),
        (10, 10, 1.0, 0.741134),
        (2, 100, 0.061619, 0.003565),
    ],
)
def test_known_bounds(k: int, n: int, upper: float, lower: float) -> None:
    """The exact bounds, to the digits that tables print."""
    assert upper_bound(k, n) == pytest.approx(upper, abs=1e-6)
    assert lower_bound(k, n) == pytest.approx(lower, abs=1e-6)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_bound_is_where_the_count_becomes_unlikely(counts: tuple[int, int]) -> None:
    """At the upper bound, so few defects have a chance of 5 %; at the lower, so many have: by the sum of the terms."""
    k, n = counts
    upper, lower = upper_bound(k, n), lower_bound(k, n)
    assert lower <= k / n <= upper
    if k < n:
        assert at_most(k, n, upper) == pytest.approx(0.05, rel=1e-6)
    if k > 0:
        assert 1 - at_most(k - 1, n, lower) == pytest.approx(0.05, rel=1e-6)


@given(st.integers(1, 10**8).flatmap(lambda n: st.tuples(st.integers(0, min(n, 10**6)), st.just(n))))
def test_bounds_of_a_hundred_million_are_sound(counts: tuple[int, int]) -> None:
    """They enclose the rate and come nearer with more; by Poisson's and the normal law they cannot lie far off."""
    k, n = counts
    rate = k / n
    assert 0 <= lower_bound(k, n) <= rate <= upper_bound(k, n) <= 1
    spread = math.sqrt(max(k, 1) * (1 - rate)) / n
    assert upper_bound(k, n) - rate <= 1.645 * spread + 4 / n
    assert rate - lower_bound(k, n) <= 1.645 * spread + 4 / n
    if k >= 1000 and n - k >= 1000:
        assert upper_bound(k, n) - rate == pytest.approx(1.645 * spread, rel=0.1)


def test_mirrored_counts_have_mirrored_bounds() -> None:
    """What is no defect is a success: the lower bound of one is the upper bound of the other."""
    assert lower_bound(30, 1000) == pytest.approx(1 - upper_bound(970, 1000), rel=1e-9)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (3, 2), (-1, 2)])
def test_what_is_no_count_is_refused(k: int, n: int) -> None:
    """A caller's mistake must not become a number."""
    with pytest.raises(ValueError, match="no count"):
        upper_bound(k, n)
    with pytest.raises(ValueError, match="no count"):
        lower_bound(k, n)


def test_no_sigma_is_claimed_without_volume() -> None:
    """Without a failure, 10,000 tasks support 4.9 sigma, and six only above about 880,000."""
    assert quality(0, 10_000).sigma == pytest.approx(4.93, abs=0.01)
    below, above = quality(0, 880_000), quality(0, 882_000)
    assert below.sigma is not None
    assert above.sigma is not None
    assert (below.dpmo_upper > 3.4, below.sigma < 6) == (True, True)
    assert (above.dpmo_upper < 3.4, above.sigma >= 6) == (True, True)
    assert quality(0, 3).sigma is None
    assert quality(900, 1000).sigma is None
    assert quality_of(0, 0) is None


def test_textbook_levels() -> None:
    """With the shift of 1.5: 3.4 per million are six sigma, 66,807 three; a rate of nothing or of half is none."""
    assert sigma_level(3.4e-6) == pytest.approx(6.0, abs=0.01)
    assert sigma_level(0.066807) == pytest.approx(3.0, abs=1e-4)
    assert sigma_level(0.0) is None
    assert sigma_level(0.5) is None


def test_words_round_against_the_claim() -> None:
    """The bound is rounded up and the level down: 5.9996 is not yet six."""
    assert quality_words(quality(0, 10_000)) == "at most 300 DPMO (95 %), which supports 4.9 sigma, from n = 10,000"
    assert quality_words(quality(0, 880_000)) == "at most 3.5 DPMO (95 %), which supports 5.9 sigma, from n = 880,000"
    assert quality_words(quality(0, 3)) == "at most 631,597 DPMO (95 %), which supports no sigma level, from n = 3"


def test_the_documents_table_is_what_is_computed() -> None:
    """docs/targets.md shows what may be claimed from how many tasks."""
    text = (Path(__file__).parents[2] / "docs" / "targets.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,.]+) \| (none|[\d.]+ sigma) \|$", text, re.MULTILINE
    )
    assert len(rows) >= 6
    for defects, n, dpmo, most, level in rows:
        found = quality(int(defects.replace(",", "")), int(n.replace(",", "")))
        words = quality_words(found)
        assert round(found.dpmo) == int(dpmo.replace(",", ""))
        assert words.startswith(f"at most {most} DPMO")
        assert f"supports {'no sigma level' if level == 'none' else level}," in words


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_one_more_success_never_claims_less(counts: tuple[int, int]) -> None:
    """A defect less, or a success more, lowers the bound."""
    k, n = counts
    assert upper_bound(k, n + 1) <= upper_bound(k, n)
    if k:
        assert upper_bound(k - 1, n) <= upper_bound(k, n)
