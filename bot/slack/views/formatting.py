"""Numbers, times, names and sentences as people read them in Slack. Everything from outside passes through here."""

import math
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.domain.duration import lasting

ELLIPSIS = "…"
NAME = 60
"""Most characters shown of a name that somebody else chose."""
SENTENCE = 600
"""Most characters shown of a sentence that somebody else wrote."""

_PERSON = re.compile(r"[UW][A-Z0-9]{2,20}")
_ESCAPED_PERSON = re.compile(rf"&lt;@({_PERSON.pattern})&gt;")
_BACKTICKS = re.compile("``+")
_HALF_MARKUP = re.compile(r"(&[#\w]{0,8}|<[^<>]*)$")


def escape(text: str) -> str:
    """Return text with the three characters escaped that Slack gives a meaning to: `<!channel>` stays text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def one_line(text: str, most: int = NAME) -> str:
    """Return text as one bounded line: no line breaks, no invisible or direction-changing characters, no backticks.

    Not escaped: for plain text, or for `escape` to follow.
    """
    return _shortened(_visible(text[: most * 20]).replace("`", "'"), most)


def _visible(text: str) -> str:
    """Return text in one line, without characters that cannot be seen or that turn the direction of reading."""
    return "".join(c for c in " ".join(text.split()) if unicodedata.category(c)[0] != "C").strip()


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + ELLIPSIS


def name(text: str, most: int = NAME) -> str:
    """Return a name from outside, ready to stand in a line."""
    return escape(one_line(text, most)) or "(no name)"


def told(text: str, most: int = SENTENCE) -> str:
    """Return a sentence that tells what tasks, workers and servers call themselves: nobody is mentioned by it."""
    return _sentence(text, most)


def prose(text: str, most: int = SENTENCE) -> str:
    """Return a sentence the bot made, ready to show: people it mentions stay mentions, its `code` stays code."""
    return _ESCAPED_PERSON.sub(r"<@\1>", _sentence(text, most))


def _sentence(text: str, most: int) -> str:
    kept = _shortened(_BACKTICKS.sub("'", _visible(text[: most * 20])), most)
    if kept.count("`") % 2:
        kept = kept.replace("`", "'")
    return escape(kept)


def bold(line: str) -> str:
    """Return a line in bold; an asterisk in it would end that early."""
    return f"*{line.replace('*', '∗')}*"


def code(text: str, most: int = 1500) -> str:
    """Return a command to copy, over several lines if it has them. Where it is too long, an ellipsis says so."""
    lines = ["".join(c for c in line if unicodedata.category(c)[0] != "C") for line in text[:most].splitlines()]
    inside = "\n".join(lines).strip().replace("```", "'''")
    cut = ELLIPSIS if len(text) > most else ""
    return clip(f"```{escape(inside) or '(empty)'}{cut}```", most)


def clip(text: str, most: int) -> str:
    """Return mrkdwn cut to `most` characters, never inside a mention, a date, an entity or a code block."""
    if len(text) <= most:
        return text
    cut = _HALF_MARKUP.sub("", text[: most - 4]).rstrip().rstrip("`") + ELLIPSIS
    return cut + "```" if cut.count("```") % 2 else cut


def count(n: int) -> str:
    """Return 1284 as "1,284"."""
    return f"{n:,}"


def rate(per_minute: float) -> str:
    """Return a trend: "+34/min", "-1,200/min", "steady"."""
    whole = round(per_minute)
    return f"{whole:+,}/min" if whole else "steady"


def about(minutes: float) -> str:
    """Return how long a forecast takes: "in about 28 min"."""
    return "in less than 1 min" if minutes < 1 else f"in about {lasting(60 * math.ceil(minutes))}"


def lasted(span: timedelta) -> str:
    """Return how long something took: "45 s", "37 min", "2 h 5 min"."""
    seconds = max(int(span.total_seconds()), 0)
    return lasting(seconds if seconds < 60 else seconds // 60 * 60)


def when(at: datetime, now: datetime | None = None, *, seconds: bool = False) -> str:
    """Return a moment in each reader's own time zone: the time alone, with its day when `now` is half a day away."""
    token, plain = ("{time_secs}", f"{at:%H:%M:%S} UTC") if seconds else ("{time}", f"{at:%H:%M} UTC")
    if now is not None and abs(at - now) >= timedelta(hours=12):
        token, plain = "{date_short_pretty} at " + token, f"{at.day} {at:%b} {plain}"
    return f"<!date^{int(at.timestamp())}^{token}|{plain}>"


def mention(user: str) -> str:
    """Return a mention of a person; who is none ("system") by name."""
    if user == "system":
        return "the bot"
    return f"<@{user}>" if _PERSON.fullmatch(user) else name(user)


def linked(text: str, address: str) -> str:
    """Return a name from outside as a link to an address of ours."""
    return f"<{escape(address)}|{name(text).replace('|', '¦')}>"


def people(users: Sequence[str], word: str = "or", most: int = 8) -> str:
    """Return "<@a>, <@b> or <@c>"; many are counted."""
    if not users:
        return "nobody"
    shown = [mention(u) for u in users[:most]]
    if len(users) > most:
        return f"{', '.join(shown)} and {len(users) - most:,} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {word} {shown[-1]}"


def fitted(lines: Sequence[str], most: int, room: int = 2900) -> list[str]:
    """Return as many whole lines as may stand (`most` lines, `room` characters), and a line that counts the rest."""
    shown: list[str] = []
    used = 0
    for line in lines[:most]:
        bounded = clip(line, room)
        if used + len(bounded) + 1 > room:
            break
        shown.append(bounded)
        used += len(bounded) + 1
    left = len(lines) - len(shown)
    return [*shown, f"{ELLIPSIS} and {left:,} more"] if left else shown
