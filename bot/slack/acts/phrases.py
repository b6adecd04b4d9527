"""Turns of phrase that every command shares: lengths of time, and the reason at the end."""

from bot.domain.duration import seconds_of
from bot.domain.errors import BadInput
from bot.slack.named import echo

LONGEST_REASON = 300
MOST_DIGITS = 9


def length_of_time(word: str, tail: list[str]) -> tuple[int, list[str]]:
    """Return the seconds of as many words as make a length of time, and the words after them."""
    for n in range(min(len(tail), 4), 0, -1):
        seconds = seconds_of(" ".join(tail[:n]))
        if seconds is not None:
            return seconds, tail[n:]
    said = f", not `{echo(tail[0])}`" if tail else ""
    raise BadInput(f"`{word}` needs a length of time{said}: `{word} 1h`, `{word} 2 days`.")


def whole_number(word: str, what: str, tail: list[str]) -> tuple[int, list[str]]:
    """Return the number that comes next, and the words after it; `what` it counts, for the sentence on a wrong one."""
    if tail and tail[0].isdecimal() and tail[0].isascii() and len(tail[0]) <= MOST_DIGITS:
        return int(tail[0]), tail[1:]
    said = f", not `{echo(tail[0])}`" if tail else ""
    raise BadInput(f"`{word}` needs a number of {what}{said}: `{word} 50`.")


def split_reason(tail: list[str]) -> tuple[list[str], str]:
    """Return the words before `because`, and the reason after it; raises BadInput for one that is too long."""
    for i, word in enumerate(tail):
        if word.lower().rstrip(":,") == "because":
            whole = [w.lower() for w in tail[i + 1 : i + 2]] == ["of"]  # "because of the deploy" is no "of the deploy"
            return tail[:i], _short(" ".join(tail[i if whole else i + 1 :]).strip("\"' "))
    return tail, ""


def _short(reason: str) -> str:
    if len(reason) > LONGEST_REASON:
        raise BadInput(
            f"The reason has {len(reason):,} characters, and {LONGEST_REASON} fit. Say it shorter after `because`."
        )
    return reason
