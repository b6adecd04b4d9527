"""How an expected value is written, and what it then is."""

from typing import Any

import pytest

from bot.domain.health import Expected, expectation


@pytest.mark.parametrize(
    ("written", "sign", "wanted"),
    [
        ("healthy", "==", "healthy"),
        ("12", "==", "12"),
        (12, "==", 12),
        (None, "==", None),
        ("< 100", "<", 100),
        (">=0.5", ">=", 0.5),
        ("!= failed", "!=", "failed"),
        ("!= null", "!=", None),
        ("== true", "==", True),
        ("== 'true'", "==", "true"),
        ("== <b>", "==", "<b>"),
        ("", "==", ""),
    ],
)
def test_plain_values_are_equal_and_signs_compare(written: Any, sign: str, wanted: Any) -> None:
    """Text stays text; what stands behind a sign is what it looks like, and quotes keep it text."""
    assert expectation("a.b", written) == Expected(path="a.b", sign=sign, wanted=wanted)


@pytest.mark.parametrize(
    ("path", "written"), [("", 1), ("a..b", 1), (".a", 1), ("a", [1]), ("a", "< many"), ("a", ">")]
)
def test_what_cannot_be_compared_is_refused(path: str, written: Any) -> None:
    """At load, not at three in the morning."""
    with pytest.raises(ValueError, match=r"."):
        expectation(path, written)


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [
        ({"a": 1}, None),
        ({"a": True}, "a is true, not 1"),
        ({"a": "1"}, "a is `1`, not 1"),
        ({"a": None}, "a is null, not 1"),
        ({"a": "x" * 90}, f"a is `{'x' * 40}…`, not 1"),
        ({}, "a is missing"),
        ([1], "a is missing"),
        (None, "a is missing"),
    ],
)
def test_a_difference_is_told_in_a_clause(answer: Any, trouble: str | None) -> None:
    """As JSON writes it, and cut: an answer may hold anything."""
    assert expectation("a", 1).trouble(answer) == trouble
