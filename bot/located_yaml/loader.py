"""YAML narrowed to what JSON can say, after YAML 1.2's core schema: https://yaml.org/spec/1.2.2/#103-core-schema."""

import re
from typing import Any

import yaml

MAX_DEPTH = 30
"""Deeper nesting is no settings file; it would end in Python's own recursion limit."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What YAML's escapes can bring in, and neither PostgreSQL nor UTF-8 takes."""


class Refused(yaml.MarkedYAMLError):
    """Sound YAML that says what JSON cannot."""


class JsonLoader(yaml.SafeLoader):
    """A SafeLoader without aliases, tags, dates and YAML 1.1's surprises (`no` is text, `10:30` is text)."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the yaml package defines it so, unannotated

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one node; refuses what JSON cannot say."""
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call] # the stubs lack its type
        if isinstance(event, yaml.AliasEvent):
            self._refuse("Aliases (`*name`) are not supported here: write the value out", event)
        if getattr(event, "tag", None) is not None:
            self._refuse("Tags (`!name`) are not supported here: remove it, or quote the text", event)
        if isinstance(event, yaml.ScalarEvent) and _UNSTORABLE.search(event.value):
            self._refuse("`\\0`, and half of a pair like `\\ud83d`, are no text that can be kept: remove it", event)
        if self._depth > MAX_DEPTH:
            self._refuse("The file is nested too deeply", event)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    @staticmethod
    def _refuse(words: str, event: yaml.Event) -> None:
        mark = event.start_mark
        raise Refused(problem=words, problem_mark=mark)  # type: ignore[arg-type] # the stubs' C twin of Mark


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^[-+]?(?:0|[1-9][0-9]{0,17})$", "-+0123456789"),
    ("float", r"^[-+]?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}(?:[eE][-+]?[0-9]{1,2})?$", "-+0123456789"),
):
    JsonLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))

_PLAINER = (
    (
        r"mapping values are not allowed",
        "no `:` may stand here: the line is indented wrongly, or its text must be quoted",
    ),
    (r"found character '\\t'", "a tab cannot indent YAML; use spaces"),
    (r"found character '(.)' that cannot start", r"text that begins with `\1` must be quoted"),
    (r"expected alphabetic or numeric character", "text with `*`, `&` or `!` in it must be quoted as a whole"),
    (r"could not find expected ':'", "a key is not followed by `:`"),
    (r"expected <block end>", "this line is indented otherwise than those it belongs to"),
    (r"expected ',' or '[\]}]'", "a list or map in brackets is not closed, or lacks a comma"),
    (r"but found another document", "only one document may stand in a file; remove `---`"),
    (r"found unexpected end of stream", "a quote is never closed"),
)


def explained(error: yaml.MarkedYAMLError) -> str:
    """Return what is wrong with the syntax in a sentence. Never quotes the file: a secret may stand there."""
    problem = error.problem or "the file ends in the middle"
    if isinstance(error, Refused):
        return f"{problem}."
    for pattern, words in _PLAINER:
        if match := re.search(pattern, problem):
            return f"This is not valid YAML: {match.expand(words)}."
    return f"This is not valid YAML: {problem}."
