"""Block Kit's composition objects: texts, confirm dialogs, options. Limits as in Slack's reference."""

from typing import Any

from playground.slack.blocks.shape import (
    Check,
    array,
    complain,
    either,
    flag,
    mapping,
    one_of,
    string,
    typed,
)

TYPE = string(50)
BLOCK_ID = string(255)
ACTION_ID = string(255)
URL = string(3000)


def plain_text(most: int) -> Check:
    """A `plain_text` object of so many characters."""
    return typed({"plain_text": mapping({"type": TYPE, "text": string(most)}, {"emoji": flag})})


def text_object(most: int) -> Check:
    """A `plain_text` or `mrkdwn` object of so many characters."""
    return typed(
        {
            "plain_text": mapping({"type": TYPE, "text": string(most)}, {"emoji": flag}),
            "mrkdwn": mapping({"type": TYPE, "text": string(most)}, {"verbatim": flag}),
        }
    )


CONFIRM = mapping(
    {"title": plain_text(100), "text": text_object(300), "confirm": plain_text(30), "deny": plain_text(30)},
    {"style": one_of("primary", "danger")},
)


_LABEL = plain_text(75)


def option(text: Check = _LABEL, *, url: bool = False) -> Check:
    """One choice; `url` is for overflow menus alone."""
    extra = {"url": URL} if url else {}
    return mapping({"text": text, "value": string(150)}, {"description": text_object(75), **extra})


OPTION = option()
OPTION_GROUP = mapping({"label": plain_text(75), "options": array(OPTION, 100)})
FILTER = mapping(
    {},
    {
        "include": array(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": flag,
        "exclude_bot_users": flag,
    },
)
DISPATCH = mapping({}, {"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 2)})
SLACK_FILE = mapping({}, {"id": string(255), "url": URL}, either("id", "url"))
IMAGE = mapping(
    {"type": TYPE, "alt_text": string(2000)},
    {"image_url": URL, "slack_file": SLACK_FILE},
    either("image_url", "slack_file"),
)


def initial_among_options(value: Any, at: str, problems: list[str]) -> None:
    """A rule: what is chosen at first is one of the choices."""
    groups = value.get("option_groups") or []
    choices = [*(value.get("options") or []), *(option for group in groups for option in group["options"])]
    values = {choice["value"] for choice in choices}
    first = value.get("initial_option")
    for each in [*(value.get("initial_options") or []), *([first] if first else [])]:
        if each["value"] not in values:
            complain(problems, f"initial option {each['value']!r} is not among the options", at)
