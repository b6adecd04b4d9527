"""Typed builders of Slack's blocks. Each holds its own limits, so that no input can make a message Slack refuses."""

from collections.abc import Iterable, Sequence
from typing import Any

from bot.slack.ids import ActionId, OverflowChoice
from bot.slack.views.formatting import clip, fitted, one_line
from bot.slack.views.message import Message

Block = dict[str, Any]

MOST_IN_MESSAGE = 50
MOST_IN_HOME = 100
SECTION = 3000
CONTEXT = 2000
HEADER = 150
BLOCK_ID = 255
BUTTON = 75
CONFIRM = 300
CONFIRM_BUTTON = 30
ROOM = 2900
"""How full a section of many lines is made."""
WHOLE_MESSAGE = 9000
"""How much text all blocks hold together. Slack refuses from about 12,000 on (`msg_blocks_too_long`, undocumented)."""
WHOLE_HOME = 60_000
TEXT = 2900
"""Slack takes more, but the text alone must fit one section, for when the blocks are refused."""


def message(text: str, *blocks: Block | None) -> Message:
    """Return a message of these blocks, those that are None left out."""
    return Message(text=clip(text, TEXT), blocks=_kept(blocks, MOST_IN_MESSAGE, WHOLE_MESSAGE))


def home(blocks: Sequence[Block | None]) -> Block:
    """Return a Home tab of these blocks."""
    return {"type": "home", "blocks": _kept(blocks, MOST_IN_HOME, WHOLE_HOME)}


def _kept(blocks: Iterable[Block | None], most: int, room: int) -> list[Block]:
    """Return the blocks that fit, in order, and a line that counts the others."""
    kept: list[Block] = []
    left_out = 0
    for block in (b for b in blocks if b is not None):
        size = _characters(block)
        if len(kept) < most - 1 and size <= room:
            kept.append(block)
            room -= size
        else:
            left_out += 1
    return [*kept, context(f"… and {left_out:,} more")] if left_out else kept


def fitting(blocks: Iterable[Block | None], around: Iterable[Block | None]) -> list[Block]:
    """Return the blocks that fit into a message beside those `around` them, which must stand in any case."""
    fixed = [b for b in around if b is not None]
    room = WHOLE_MESSAGE - sum(_characters(b) for b in fixed) - len("… and 50 more")
    return _kept(blocks, MOST_IN_MESSAGE - len(fixed) - 1, room)


def _characters(block: Block) -> int:
    texts = [block.get("text"), *(e for e in block.get("elements", ()) if block["type"] == "context")]
    return sum(len(t["text"]) for t in texts if t)


def section(text: str) -> Block:
    """Return text as mrkdwn."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": clip(text, SECTION) or " "}}


def beside(row: str, text: str, button: Block) -> Block:
    """Return text with a button beside it; `row` as in `actions`."""
    return {**section(text), "block_id": one_line(row, BLOCK_ID), "accessory": button}


def lines(each: Sequence[str], most: int = 30) -> Block | None:
    """Return whole lines in one section, the rest counted; None for no lines."""
    return section("\n".join(fitted(each, most))) if each else None


def sections(each: Sequence[str], most: int, room: int = WHOLE_HOME) -> list[Block]:
    """Return whole lines over as many sections as they need, `most` lines and `room` characters in all.

    The rest is counted, line by line: a section that finds no room in its message would be counted as one.
    """
    shown = fitted([clip(line, ROOM) for line in each], most, room)
    packed: list[str] = []
    for line in (clip(line, ROOM) for line in shown):
        if packed and len(packed[-1]) + len(line) + 1 <= ROOM:
            packed[-1] += "\n" + line
        else:
            packed.append(line)
    return [section(text) for text in packed]


def context(text: str) -> Block:
    """Return small grey text."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": clip(text, CONTEXT) or " "}]}


def header(text: str) -> Block:
    """Return a headline."""
    return {"type": "header", "text": _plain(text, HEADER)}


def divider() -> Block:
    """Return a line across."""
    return {"type": "divider"}


def actions(row: str, *elements: Block | None) -> Block | None:
    """Return a row of buttons, those that are None left out; None when none is left.

    `row` names it and is unique in its message. Slack gives a block without a name a new one at each edit, and a click
    that was under way would find its button gone.
    """
    kept = [e for e in elements if e is not None]
    return {"type": "actions", "block_id": one_line(row, BLOCK_ID), "elements": kept} if kept else None


def button(text: str, action: ActionId, value: str, *, confirm: Block | None = None, primary: bool = False) -> Block:
    """Return a button that carries one id. Nothing here destroys, so no button is red."""
    block: Block = {"type": "button", "text": _plain(text, BUTTON), "action_id": action.value, "value": value}
    if primary:
        block["style"] = "primary"
    return {**block, "confirm": confirm} if confirm else block


def confirm(title: str, text: Iterable[str], yes: str, no: str = "Not now") -> Block:
    """Return the dialog that asks before something changes; `text` are sentences, as many as fit."""
    return {
        "title": _plain(title, 100),
        "text": _plain(" ".join(text), CONFIRM),
        "confirm": _plain(yes, CONFIRM_BUTTON),
        "deny": _plain(no, CONFIRM_BUTTON),
    }


def overflow(choices: Sequence[tuple[str, OverflowChoice]], id: str) -> Block | None:
    """Return the menu behind the three dots, for one id."""
    options = [{"text": _plain(text, BUTTON), "value": f"{choice.value}:{id}"} for text, choice in choices]
    return {"type": "overflow", "action_id": ActionId.MORE.value, "options": options} if options else None


def _plain(text: str, most: int) -> Block:
    """Return plain text, in which Slack reads no markup."""
    return {"type": "plain_text", "text": one_line(text, most) or "…", "emoji": True}
