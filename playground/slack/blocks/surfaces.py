"""Blocks on their surfaces: messages, modals, Home tabs; what holds across all blocks of one."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from playground.slack.blocks.layout import BLOCKS
from playground.slack.blocks.parts import TYPE, plain_text
from playground.slack.blocks.shape import Check, array, complain, flag, mapping, string, typed
from playground.slack.errors import Json

_IN_MESSAGES = typed(BLOCKS)
_MESSAGE_ONLY = frozenset(
    {"markdown", "table", "data_table", "plan", "task_card", "card", "carousel", "context_actions"}
)
_IN_VIEWS = typed(BLOCKS, frozenset(BLOCKS) - _MESSAGE_ONLY)
_COMMON: dict[str, Check] = {
    "private_metadata": string(3000, least=0),
    "callback_id": string(255, least=0),
    "external_id": string(255, least=0),
}
_MODAL = mapping(
    {"type": TYPE, "title": plain_text(24), "blocks": array(_IN_VIEWS, 100, least=0)},
    {
        **_COMMON,
        "close": plain_text(24),
        "submit": plain_text(24),
        "clear_on_close": flag,
        "notify_on_close": flag,
        "submit_disabled": flag,
    },
)
_HOME = mapping({"type": TYPE, "blocks": array(_IN_VIEWS, 100, least=0)}, _COMMON)


def problems_in_message(blocks: Any, at: str = "/blocks") -> list[str]:
    """What Slack would refuse in the blocks of a message; empty when it would draw them."""
    problems: list[str] = []
    array(_IN_MESSAGES, 50, least=0)(blocks, at, problems)
    if not problems:
        _across(blocks, at, problems)
        if sum(block["type"] == "table" for block in blocks) > 1:
            complain(problems, "only one table block is allowed in a message", at)
    return problems


def problems_in_view(view: Any, kind: str, at: str = "/view") -> list[str]:
    """What Slack would refuse in a view; `kind` is `modal` or `home`."""
    problems: list[str] = []
    given = view.get("type") if isinstance(view, dict) else None
    if given != kind:
        complain(problems, f"must be a view of type {kind}, not {given!r}", f"{at}/type")
        return problems
    (_MODAL if kind == "modal" else _HOME)(view, at, problems)
    if problems:
        return problems
    _across(view["blocks"], f"{at}/blocks", problems)
    if kind == "modal" and not view.get("submit") and any(b["type"] == "input" for b in view["blocks"]):
        complain(problems, "missing required field: submit; a modal with an input block needs it", at)
    return problems


def _across(blocks: list[Json], at: str, problems: list[str]) -> None:
    ids = Counter(block_id for block in blocks for block_id in _block_ids(block))
    for block_id, count in ids.items():
        if count > 1:
            complain(problems, f"`block_id` must be unique: {block_id!r} stands {count} times", at)
    for index, block in enumerate(blocks):
        actions = Counter(e["action_id"] for e in elements_of(block) if e.get("action_id"))
        for action_id, count in actions.items():
            if count > 1:
                complain(problems, f"`action_id` {action_id!r} already exists in this block", f"{at}/{index}")
    if sum(bool(e.get("focus_on_load")) for block in blocks for e in _deep_elements(block)) > 1:
        complain(problems, "only one element may have focus_on_load", at)


def _block_ids(block: Json) -> Iterator[str]:
    if block.get("block_id"):
        yield block["block_id"]
    for child in inner_blocks(block):
        yield from _block_ids(child)


def _deep_elements(block: Json) -> Iterator[Json]:
    yield from elements_of(block)
    for child in inner_blocks(block):
        yield from _deep_elements(child)


def inner_blocks(block: Json) -> list[Json]:
    """The blocks inside a block: of a container, a carousel, a plan."""
    if block["type"] == "carousel":
        return list(block.get("elements", []))
    return [*block.get("child_blocks", []), *block.get("tasks", [])]


def elements_of(block: Json) -> list[Json]:
    """The interactive elements that stand directly in a block."""
    if block["type"] in ("actions", "context_actions"):
        return list(block["elements"])
    if block["type"] == "card":
        return list(block.get("actions", []))
    held = block.get("accessory") if block["type"] == "section" else block.get("element")
    return [held] if held and held.get("type") != "image" else []
