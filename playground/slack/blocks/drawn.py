"""Blocks as Slack stores them: ids filled in, texts with their defaults; and finding an element again."""

from collections.abc import Iterator
from secrets import token_urlsafe
from typing import Any

from playground.slack.blocks.surfaces import elements_of, inner_blocks
from playground.slack.errors import Json


def stored(blocks: list[Json]) -> list[Json]:
    """A copy with what Slack adds: block ids, action ids, `emoji` and `verbatim` of texts."""
    copied = [_with_text_defaults(block) for block in blocks]
    for block in copied:
        _fill_ids(block)
    return copied


def _fill_ids(block: Json) -> None:
    block.setdefault("block_id", token_urlsafe(4))
    for element in elements_of(block):
        element.setdefault("action_id", token_urlsafe(4))
    for child in inner_blocks(block):
        _fill_ids(child)


def _with_text_defaults(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_text_defaults(item) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {key: _with_text_defaults(item) for key, item in value.items()}
    if copy.get("type") == "plain_text":
        copy.setdefault("emoji", True)
    if copy.get("type") == "mrkdwn":
        copy.setdefault("verbatim", False)
    return copy


def elements_in(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Every interactive element with the block it stands in, containers opened."""
    for block in blocks:
        for element in elements_of(block):
            yield block, element
        yield from elements_in(inner_blocks(block))


def find_element(blocks: list[Json], action_id: str, block_id: str = "") -> tuple[Json, Json] | None:
    """The element with this action id, in the given block or in any."""
    for block, element in elements_in(blocks):
        if element.get("action_id") == action_id and block_id in ("", block.get("block_id")):
            return block, element
    return None
