"""What becomes of a text that a person types: escaping, and names turned into Slack's references."""

import re
from collections.abc import Callable

from playground.slack.workspace import Workspace

_URL = re.compile(r"https?://[^\s<>|]+[^\s<>|.,;:!?)\]'\"]")
_NAME = re.compile(r"(?<![\w/.@#&-])([@#])([\w][\w.-]*)")
_BROADCASTS = ("here", "channel", "everyone")


def escape(text: str) -> str:
    """The three characters Slack escapes in a message."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def typed_message(text: str, workspace: Workspace) -> str:
    """A message as Slack stores it: `@ana` becomes `<@U0ANA>`, `#general` `<#C0GENERAL|general>`, links `<…>`."""
    return _with_references(text, lambda sigil, name: _reference(workspace, sigil, name, labelled=False))


def typed_command(text: str, workspace: Workspace) -> str:
    """The text of a slash command declared with `should_escape: true`: `@ana` becomes `<@U0ANA|ana>`."""
    return _with_references(text, lambda sigil, name: _reference(workspace, sigil, name, labelled=True))


def _with_references(text: str, reference: Callable[[str, str], str]) -> str:
    parts, end = [], 0
    for link in _URL.finditer(text):
        parts += [_names(escape(text[end : link.start()]), reference), f"<{escape(link.group())}>"]
        end = link.end()
    return "".join([*parts, _names(escape(text[end:]), reference)])


def _names(text: str, reference: Callable[[str, str], str]) -> str:
    def replace(found: re.Match[str]) -> str:
        sigil, name = found.groups()
        # "@ana." ends a sentence: the full stop is no part of the name.
        bare = name.rstrip(".-")
        return (reference(sigil, bare) or sigil + bare) + name[len(bare) :]

    return _NAME.sub(replace, text)


def _reference(workspace: Workspace, sigil: str, name: str, *, labelled: bool) -> str:
    if sigil == "#":
        channel = workspace.channel_named(name)
        return f"<#{channel.id}|{channel.name}>" if channel else ""
    if user := workspace.user_named(name):
        return f"<@{user.id}|{user.name}>" if labelled else f"<@{user.id}>"
    if group := workspace.group_named(name):
        return f"<!subteam^{group.id}|@{group.handle}>" if labelled else f"<!subteam^{group.id}>"
    return f"<!{name}>" if name in _BROADCASTS else ""
