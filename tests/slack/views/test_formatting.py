"""Numbers, times, names and sentences."""

from datetime import timedelta

import pytest

from bot.slack.views.formatting import (
    about,
    clip,
    code,
    fitted,
    lasted,
    mention,
    name,
    people,
    prose,
    rate,
    when,
)
from tests.slack.views.samples import NOW


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ai_generation", "ai_generation"),
        ("a & b <c>", "a &amp; b &lt;c&gt;"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("`rm -rf`\nnow", "'rm -rf' now"),
        ("\u202eevil\x00", "evil"),
        (" \n ", "(no name)"),
        ("x" * 70, "x" * 59 + "…"),
    ],
)
def test_names_from_outside_are_harmless(text: str, shown: str) -> None:
    """Escaped, in one line, bounded, visible."""
    assert name(text) == shown


def test_our_own_sentences_keep_people_and_code() -> None:
    """And nothing else that Slack would act on."""
    assert prose("`q` was paused by <@U0BEN>, <!here>") == "`q` was paused by <@U0BEN>, &lt;!here&gt;"
    assert prose("one ` alone") == "one ' alone"


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0.2, "in less than 1 min"),
        (27.6, "in about 28 min"),
        (60, "in about 1 h"),
        (96.2, "in about 1 h 37 min"),
    ],
)
def test_forecasts_are_as_exact_as_they_are_true(minutes: float, words: str) -> None:
    """Minutes while it is minutes."""
    assert about(minutes) == words


def test_lengths_and_trends() -> None:
    """Whole numbers with separators."""
    assert [rate(r) for r in (34.2, -1200.4, 0.3, -0.3)] == ["+34/min", "-1,200/min", "steady", "steady"]
    assert [lasted(timedelta(seconds=s)) for s in (-1, 45, 2220, 7500)] == ["0 s", "45 s", "37 min", "2 h 5 min"]


def test_times_are_the_readers_own_with_a_fallback() -> None:
    """Half a day away, the day is said too."""
    epoch = int(NOW.timestamp())
    assert when(NOW) == f"<!date^{epoch}^{{time}}|03:14 UTC>"
    assert when(NOW, NOW - timedelta(hours=13)) == f"<!date^{epoch}^{{date_short_pretty}} at {{time}}|22 Nov 03:14 UTC>"
    assert when(NOW, seconds=True) == f"<!date^{epoch}^{{time_secs}}|03:14:00 UTC>"


def test_people_are_mentioned_and_what_is_none_is_not() -> None:
    """An actor field may hold anything."""
    assert mention("U0BEN") == "<@U0BEN>"
    assert mention("system") == "the bot"
    assert mention("<!channel>") == "&lt;!channel&gt;"
    assert people([]) == "nobody"
    assert people(["U0A", "U0B", "U0C"], "and") == "<@U0A>, <@U0B> and <@U0C>"
    assert people([f"U0{i}" for i in range(12)]).endswith("<@U07> and 4 more")


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("short", "short"),
        ("a" * 20, "a" * 8 + "…"),
        ("aaaaa &amp; b & more", "aaaaa…"),
        ("aaaa <@U0BEN> and on", "aaaa…"),
        ("a ```code that is long```", "a ```cod…```"),
    ],
)
def test_cutting_never_breaks_markup(text: str, cut: str) -> None:
    """No half entity, no half mention, no open code block."""
    assert clip(text, 12) == cut


def test_lines_that_do_not_fit_are_counted() -> None:
    """Whole lines or none."""
    assert fitted(["a", "b", "c"], most=2) == ["a", "b", "… and 1 more"]
    assert fitted(["aaaa", "bbbb", "cccc"], most=9, room=10) == ["aaaa", "bbbb", "… and 1 more"]
    assert fitted([], most=2) == []


def test_commands_stay_in_their_block() -> None:
    """A command that ends the block early could not be copied."""
    assert code("echo ```x``` <worker@host>") == "```echo '''x''' &lt;worker@host&gt;```"
