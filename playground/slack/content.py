"""What an app says: its text, blocks and attachments, checked and made into the body of a message."""

from typing import Any

from playground.slack.blocks import problems_in_message, stored
from playground.slack.errors import InvalidBlocks, Json, Refused
from playground.slack.workspace import Bot, Workspace

_COLORS = {"good": "2eb886", "warning": "daa038", "danger": "a30200"}
_MOST_ATTACHMENTS = 100
_LONGEST = 40_000


def content(given: Json, *, longest: int = _LONGEST) -> Json:
    """`text`, `blocks` and `attachments` of a request as Slack stores them.

    Refused: `no_text`, `msg_too_long` (over `longest` characters), `invalid_blocks`, `invalid_attachments`,
    `too_many_attachments`.
    """
    text, blocks, attachments = given.get("text") or "", given.get("blocks"), given.get("attachments")
    if not isinstance(text, str):
        raise Refused("invalid_arguments", "text must be a string.")
    if not (text or blocks or attachments):
        raise Refused("no_text", "A message needs text, blocks or attachments.")
    if len(text) > longest:
        raise Refused("msg_too_long", f"The text has {len(text)} characters; at most {longest} are allowed.")
    body: Json = {"text": text}
    if blocks is not None:
        body["blocks"] = checked_blocks(blocks)
    if attachments is not None:
        body["attachments"] = _attachments(attachments)
    return body


def checked_blocks(blocks: Any) -> list[Json]:
    """Blocks of a message as Slack stores them; InvalidBlocks says what it would refuse."""
    if problems := problems_in_message(blocks):
        raise InvalidBlocks(problems)
    return stored(blocks)


def _attachments(attachments: Any) -> list[Json]:
    if not isinstance(attachments, list) or not all(isinstance(item, dict) for item in attachments):
        raise Refused("invalid_attachments", "attachments must be an array of objects.")
    if len(attachments) > _MOST_ATTACHMENTS:
        raise Refused("too_many_attachments", f"At most {_MOST_ATTACHMENTS} attachments are allowed.")
    return [_attachment(item, number) for number, item in enumerate(attachments, 1)]


def _attachment(given: Json, number: int) -> Json:
    kept = {key: value for key, value in given.items() if value not in (None, "", [])}
    if "blocks" in kept:
        if problems := problems_in_message(kept["blocks"], f"/attachments/{number - 1}/blocks"):
            raise InvalidBlocks(problems, "invalid_attachments")
        kept["blocks"] = stored(kept["blocks"])
    kept.setdefault("fallback", "[no preview available]")
    if color := str(kept.get("color", "")):
        kept["color"] = _COLORS.get(color, color.removeprefix("#"))
    return kept | {"id": number}


def by_app(workspace: Workspace, bot: Bot) -> Json:
    """The author's fields of a message an app posts with its token."""
    return {
        "user": bot.user_id,
        "bot_id": bot.id,
        "app_id": bot.app_id,
        "team": workspace.team_id,
        "bot_profile": workspace.bot_profile(bot),
    }


def by_webhook(bot: Bot, username: str = "") -> Json:
    """The author's fields of an incoming webhook or a response to a command: `bot_id` and no `user`."""
    return {
        "subtype": "bot_message",
        "username": username or bot.name,
        "bot_id": bot.id,
        "app_id": bot.app_id,
    }
