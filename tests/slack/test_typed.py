"""Text as Slack sends it, made fit to be kept, and to be compared with names."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.alerts import parse
from bot.slack.typed import storable, visible, words_of
from tests.slack.alerts.messages import CHANNEL, posted

ANY_TEXT = st.text(st.characters(codec=None), max_size=40) | st.text("\0\ud83d\udc00a<&|>`\u202e", max_size=20)
ANY_JSON = st.recursive(
    ANY_TEXT | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("plain ✂ text\n", "plain ✂ text\n"),
        ("a\0b", "a\ufffdb"),
        ("half \ud83d of a pair", "half \ufffd of a pair"),
        (json.loads('"\\ud83d\\ude00"'), "😀"),
        (
            {"k\0": ["\udc00", 1, None, True, {"deep": "\0"}]},
            {"k\ufffd": ["\ufffd", 1, None, True, {"deep": "\ufffd"}]},
        ),
    ],
)
def test_what_cannot_be_kept_is_replaced_and_all_else_stays(sent: Any, kept: Any) -> None:
    """A mark stands where a character was, in values and keys at any depth."""
    assert storable(sent) == kept


@given(ANY_JSON)
def test_whatever_json_brings_can_be_hashed_and_kept(sent: Any) -> None:
    """It has a UTF-8 form; what is fit is not touched again."""
    kept = storable(sent)
    assert json.loads(json.dumps(kept, ensure_ascii=False).encode()) == kept
    assert storable(kept) == kept


def test_marks_that_nobody_sees_are_no_part_of_a_word() -> None:
    """A queue's name copied from a page is that queue's name."""
    assert words_of("\u200epause\u200f \ufeffana\u00adlytics\u2060 \u202ebecause\u202c late") == [
        "pause",
        "analytics",
        "because",
        "late",
    ]
    assert visible("naïve 日本語 שלום") == "naïve 日本語 שלום"


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_whatever_a_listed_sender_posts_is_an_alert_or_empty(text: str, title: str, value: str) -> None:
    """After the door, no text can make a parser stumble; what is read can be stored as it is."""
    fields = [{"title": title, "value": value}]
    message = storable(posted(text, attachments=[{"title": title, "text": value, "fields": fields, "fallback": text}]))
    alert = parse(message, CHANNEL)
    if alert is not None:
        stored = json.loads(alert.model_dump_json())
        assert storable(stored) == stored


def test_of_very_many_attachments_the_first_are_read() -> None:
    """What Slack takes at most would hold up everybody else for seconds."""
    attachments = [{"fields": [{"title": f"label{n}", "value": "x"}]} for n in range(100)]
    alert = parse(posted("Alert: Queue Depth", attachments=[{"title": "[FIRING:1] Depth"}, *attachments]), CHANNEL)
    assert alert is not None
    assert sorted(alert.labels) == sorted(f"label{n}" for n in range(19))
