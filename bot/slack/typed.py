"""Text as Slack sends it: made fit to be stored, and what a person typed turned back into words."""

import re
from typing import Any, TypeVar

T = TypeVar("T")

LONGEST = 4000
"""More of a line than this is not read; Slack's own limit for a slash command is near it."""

_REFERENCE = re.compile(r"<([@#!]|(?=https?:|mailto:))([^<>|]*)(?:\|([^<>]*))?>")
_STRAIGHT = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'"})
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def storable(json: T) -> T:
    """Return JSON that every part of the bot can keep and hash, with U+FFFD for each character that it cannot.

    PostgreSQL refuses NUL in text, and half of a surrogate pair has no UTF-8; JSON's escapes can bring in both.
    """
    kept: Any = json
    if isinstance(json, str):
        kept = _UNSTORABLE.sub("\ufffd", json)
    elif isinstance(json, dict):
        kept = {storable(key): storable(value) for key, value in json.items()}
    elif isinstance(json, list):
        kept = [storable(item) for item in json]
    result: T = kept
    return result


def visible(text: str) -> str:
    """Return text without what cannot be seen: copied from a page, a name often brings a mark of direction along."""
    return _INVISIBLE.sub("", text)


def words_of(text: str) -> list[str]:
    """Return the words: `<#C1|name>` as `#name`, links as they were typed, smart quotes straight, `&amp;` as `&`."""
    plain = _REFERENCE.sub(_typed, text[:LONGEST])
    return visible(decoded(plain)).translate(_STRAIGHT).split()


def decoded(text: str) -> str:
    """Return text with the three entities that Slack uses turned back."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _typed(found: re.Match[str]) -> str:
    sigil, target, label = found.groups()
    match sigil:
        case "@":
            return f"<@{target}>"  # the id is what stays true; views show it as a mention again
        case "#":
            return f"#{label or target}"
        case "!":
            return f"@{(label or target).lstrip('@')}"
    return str(label or target)


def unquoted(word: str) -> str:
    """Return a name without what people put around names: quotes, backticks, asterisks, a leading #, an end mark."""
    return word.strip("\"'`*").lstrip("#").rstrip(",;:")
