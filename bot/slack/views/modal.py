"""Typed builders of Slack's modals and of the fields in them. Each holds its own limits, as in `blocks`."""

from collections.abc import Iterable, Sequence
from typing import Any

from bot.slack.ids import ActionId, ViewId
from bot.slack.views.blocks import BLOCK_ID, Block
from bot.slack.views.formatting import one_line

TITLE = 24
LABEL = 150
HINT = 400
MOST_BLOCKS = 100
MOST_OPTIONS = 100
OPTION_TEXT = 75
OPTION_VALUE = 150
LONGEST_TEXT = 3000
METADATA = 3000


def modal(
    view: ViewId, title: str, blocks: Iterable[Block | None], *, submit: str = "", close: str = "Close", about: str = ""
) -> Block:
    """Return a modal of these blocks, those that are None left out; `about` travels with it unseen."""
    made: Block = {
        "type": "modal",
        "callback_id": view.value,
        "title": _plain(title, TITLE),
        "close": _plain(close, TITLE),
        "blocks": [b for b in blocks if b is not None][:MOST_BLOCKS],
        "private_metadata": about[:METADATA],
    }
    return made | ({"submit": _plain(submit, TITLE)} if submit else {})


def asked(name: str, label: str, element: Block, *, hint: str = "", optional: bool = False) -> Block:
    """Return one field with its label; `name` is unique in its modal."""
    block: Block = {
        "type": "input",
        "block_id": one_line(name, BLOCK_ID),
        "label": _plain(label, LABEL),
        "element": {"action_id": f"field_{name}"[:BLOCK_ID], **element},
        "optional": optional,
    }
    return block | ({"hint": _plain(hint, HINT)} if hint else {})


def text_field(start: str, *, longest: int | None = None, multiline: bool = False) -> Block:
    """Return a field to type into; what does not fit is cut at the end of a line."""
    most = min(longest or LONGEST_TEXT, LONGEST_TEXT)
    element: Block = {"type": "plain_text_input", "multiline": multiline, "max_length": most}
    kept = start if len(start) <= most else start[:most].rpartition("\n")[0] or start[:most]
    return element | ({"initial_value": kept} if kept else {})


def number_field(start: str, least: int | None, most: int | None) -> Block:
    """Return a field for a whole number within bounds."""
    bounds = {"min_value": least, "max_value": most}
    return {
        "type": "number_input",
        "is_decimal_allowed": False,
        **({"initial_value": start} if start else {}),
        **{key: str(bound) for key, bound in bounds.items() if bound is not None},
    }


def select_field(options: Sequence[tuple[str, str]], start: str, placeholder: str = "Choose") -> Block:
    """Return a choice of one among at most 100; each is (what is read, what it means)."""
    offered = [_option(text, value) for text, value in options[:MOST_OPTIONS]]
    chosen = next((o for o in offered if o["value"] == start), None)
    element: Block = {"type": "static_select", "options": offered, "placeholder": _plain(placeholder, LABEL)}
    return element | ({"initial_option": chosen} if chosen else {})


def checkbox_field(text: str, *, on: bool) -> Block:
    """Return one box to tick."""
    option = _option(text, "yes")
    element: Block = {"type": "checkboxes", "options": [option]}
    return element | ({"initial_options": [option]} if on else {})


def dispatching(field: Block, action: ActionId) -> Block:
    """Return a field whose change is told at once."""
    return {**field, "dispatch_action": True, "element": {**field["element"], "action_id": action.value}}


def _option(text: str, value: str) -> Block:
    return {"text": _plain(text, OPTION_TEXT), "value": value[:OPTION_VALUE] or "-"}


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": one_line(text, most) or "…", "emoji": False}
