"""What a person typed, as Slack sends it: references and entities turned back into words."""

import re

LONGEST = 4000
"""More of a line than this is not read; Slack's own limit for a slash command is near it."""

_REFERENCE = re.compile(r"<([@#!]|(?=https?:|mailto:))([^<>|]*)(?:\|([^<>]*))?>")
_STRAIGHT = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "\u200b": ""}
)


def words_of(text: str) -> list[str]:
    """Return the words: `<#C1|name>` as `#name`, links as they were typed, smart quotes straight, `&amp;` as `&`."""
    plain = _REFERENCE.sub(_typed, text[:LONGEST])
    return decoded(plain).translate(_STRAIGHT).split()


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
