"""Six Sigma, honestly: defects per million, what so many opportunities can prove, and the level that this supports."""

import math
from statistics import NormalDist

from bot.domain.targets import Quality

CONFIDENCE = 0.95
"""Of every one-sided bound here."""

SHIFT = 1.5
"""The usual allowance for drift in the long run: 3.4 defects per million are 4.5 standard deviations, "six sigma"."""

NO_LEVEL = 0.5
"""With an upper bound of one defect in two, nothing is claimed: too few opportunities, or most of them defects."""


def quality_of(defects: int, n: int) -> Quality | None:
    """Return what `defects` among `n` opportunities support; None of none."""
    if n <= 0:
        return None
    upper = upper_bound(defects, n)
    return Quality(n=n, defects=defects, dpmo=defects / n * 1e6, dpmo_upper=upper * 1e6, sigma=sigma_level(upper))


def sigma_level(rate: float) -> float | None:
    """Return the level of a rate of defects, shift included; None where it is no level to speak of."""
    return SHIFT - NormalDist().inv_cdf(rate) if 0.0 < rate < NO_LEVEL else None


def quality_words(quality: Quality) -> str:
    """Return "at most 300 DPMO (95 %), which supports 4.9 sigma, from n = 10,000".

    The bound is rounded up and the level down, so that rounding claims nothing.
    """
    most = quality.dpmo_upper
    bound = f"{math.ceil(most * 10) / 10:.1f}" if most < 10 else f"{math.ceil(most):,}"
    level = f"{math.floor(quality.sigma * 10) / 10:.1f} sigma" if quality.sigma is not None else "no sigma level"
    return f"at most {bound} DPMO (95 %), which supports {level}, from n = {quality.n:,}"


def upper_bound(k: int, n: int, confidence: float = CONFIDENCE) -> float:
    """Return the largest rate with which `k` or fewer defects among `n` are not yet unlikely (Clopper-Pearson, exact).

    One-sided. For no defect it is 1 - (1 - confidence)^(1/n), about 3/n: the rule of three.
    """
    _possible(k, n)
    doubt = 1.0 - confidence
    if k == n:
        return 1.0
    if k == 0:
        return -math.expm1(math.log(doubt) / n)
    low, high = k / n, min(1.0, (k + 4.0 + 4.0 * math.sqrt(k + 1.0)) / n)
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        # The chance of k or fewer defects falls as their rate rises.
        low, high = (middle, high) if 1.0 - _beta(middle, k + 1, n - k) > doubt else (low, middle)
    return high


def lower_bound(k: int, n: int, confidence: float = CONFIDENCE) -> float:
    """Return the smallest rate with which `k` or more defects among `n` are not yet unlikely; 0 of no defect."""
    _possible(k, n)
    if k == 0:
        return 0.0
    doubt = 1.0 - confidence
    if k == n:
        return math.exp(math.log(doubt) / n)
    low, high = max(0.0, (k - 4.0 * math.sqrt(k)) / n), k / n
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (low, middle) if _beta(middle, k, n - k + 1) > doubt else (middle, high)
    return low


def _possible(k: int, n: int) -> None:
    if n <= 0 or not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no count")


def _beta(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b): a continued fraction, from the side that converges.

    Abramowitz and Stegun 26.5.8; steps grow as the root of the smaller of the two.
    """
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(1.0 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction, by Lentz's method; a small number stands in where a term would be 0."""
    c, d = 1.0, 1.0 / _kept(1.0 - (a + b) * x / (a + 1.0))
    found = d
    for m in range(1, 1_000_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1.0 / _kept(1.0 + even * d), _kept(1.0 + even / c)
        found *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1.0 / _kept(1.0 + odd * d), _kept(1.0 + odd / c)
        found *= d * c
        if abs(d * c - 1.0) < 1e-14:
            break
    return found


def _kept(term: float) -> float:
    return term if abs(term) > 1e-300 else 1e-300
