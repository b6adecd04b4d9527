"""A message as somebody reads it: blocks as plain lines, so that a test shows what stands on the screen."""

import html
import re
from typing import Any

from bot.slack.views.message import Message

Block = dict[str, Any]

_DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")


def read(message: Message) -> str:
    """Return the blocks as lines: [buttons], (small print), dates by their fallback."""
    return read_blocks(message.blocks)


def read_blocks(blocks: list[Block]) -> str:
    """Return blocks as lines."""
    return "\n".join(line for block in blocks for line in _lines(block))


def _lines(block: Block) -> list[str]:
    match block["type"]:
        case "section":
            beside = [_element(block["accessory"])] if "accessory" in block else []
            return [seen(block["text"]["text"]), *beside]
        case "header":
            return [f"# {block['text']['text']}"]
        case "context":
            return [f"({seen(e['text'])})" for e in block["elements"]]
        case "actions":
            return [" ".join(_element(e) for e in block["elements"])]
        case "divider":
            return ["---"]
    raise AssertionError(f"a view uses a block that no test can read: {block['type']}")


def _element(element: Block) -> str:
    if element["type"] == "overflow":
        return f"[… {' | '.join(o['text']['text'] for o in element['options'])}]"
    return f"[{element['text']['text']}]"


def seen(mrkdwn: str) -> str:
    """Return mrkdwn as it is seen: dates filled in, entities turned back; mentions stay as they are."""
    return html.unescape(_DATE.sub(r"\1", mrkdwn))


def buttons(blocks: list[Block]) -> dict[str, Block]:
    """Return every button by what stands on it."""
    rows = [e for b in blocks if b["type"] == "actions" for e in b["elements"]]
    beside = [b["accessory"] for b in blocks if "accessory" in b]
    return {e["text"]["text"]: e for e in [*rows, *beside] if e["type"] == "button"}


def dialog(button: Block) -> str:
    """Return a button's confirm dialog as lines: title, text, [yes] [no]."""
    c = button["confirm"]
    return f"{c['title']['text']}\n{c['text']['text']}\n[{c['confirm']['text']}] [{c['deny']['text']}]"
