"""Block Kit's blocks. Limits as in Slack's reference; those of 2025 and 2026 included."""

from collections.abc import Mapping
from typing import Any

from playground.slack.blocks.elements import ACCESSORY, ACTION, CARD_ACTION, CONTEXT_ACTION, INPUT
from playground.slack.blocks.parts import BLOCK_ID, IMAGE, SLACK_FILE, TYPE, URL, plain_text, text_object
from playground.slack.blocks.shape import (
    Check,
    anything,
    array,
    complain,
    either,
    flag,
    mapping,
    number,
    one_of,
    some,
    string,
    typed,
)


def _block(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, *rules: Check) -> Check:
    return mapping({"type": TYPE, **required}, {"block_id": BLOCK_ID, **(optional or {})}, *rules)


def _collapsing(value: Any, at: str, problems: list[str]) -> None:
    if value.get("default_collapsed") and not value.get("is_collapsible"):
        complain(problems, "default_collapsed requires is_collapsible", at)
    if value.get("has_header_divider") and value.get("is_collapsible"):
        complain(problems, "has_header_divider cannot be set when is_collapsible is true", at)


def _same_length(value: Any, at: str, problems: list[str]) -> None:
    if len({len(row) for row in value["rows"]}) > 1:
        complain(problems, "every row must have the same number of cells", f"{at}/rows")


def _amount(value: Any, at: str, problems: list[str]) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        complain(problems, "must provide a number", at)


RICH_TEXT_PART = typed(
    {
        name: mapping(
            {"type": TYPE, "elements": array(anything, 1000, least=0)},
            {
                "style": anything,
                "indent": anything,
                "offset": anything,
                "border": anything,
                "language": string(100),
            },
        )
        for name in ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")
    }
)
RICH_TEXT = _block({"elements": array(RICH_TEXT_PART, 1000, least=0)})
CELL = typed(
    {
        "raw_text": mapping({"type": TYPE, "text": string(3000)}),
        "raw_number": mapping({"type": TYPE, "value": _amount, "text": string(3000)}),
        "rich_text": RICH_TEXT,
    }
)
_COLUMN = mapping({}, {"align": one_of("left", "center", "right"), "is_wrapped": flag})


def _column(value: Any, at: str, problems: list[str]) -> None:
    if value is not None:  # null skips a column
        _COLUMN(value, at, problems)


SOURCE = mapping({"type": one_of("url"), "url": URL, "text": string(3000)}, {"icon_url": URL})
TASK = _block(
    {"task_id": string(255), "title": string(3000)},
    {
        "status": one_of("pending", "in_progress", "complete", "error"),
        "details": typed({"rich_text": RICH_TEXT}),
        "output": typed({"rich_text": RICH_TEXT}),
        "sources": array(SOURCE, 100, least=0),
    },
)
CARD = _block(
    {},
    {
        "hero_image": IMAGE,
        "icon": IMAGE,
        "title": text_object(150),
        "subtitle": text_object(150),
        "body": text_object(200),
        "actions": array(CARD_ACTION, 5),
    },
    some("hero_image", "title", "actions", "body"),
)

_SIMPLE: dict[str, Check] = {
    "section": _block(
        {},
        {
            "text": text_object(3000),
            "fields": array(text_object(2000), 10),
            "accessory": ACCESSORY,
            "expand": flag,
        },
        some("text", "fields"),
    ),
    "divider": _block({}),
    "header": _block({"text": plain_text(150)}, {"level": anything}),
    "image": _block(
        {"alt_text": string(2000)},
        {"image_url": URL, "slack_file": SLACK_FILE, "title": plain_text(2000)},
        either("image_url", "slack_file"),
    ),
    "context": _block(
        {
            "elements": array(
                typed(
                    {
                        "image": IMAGE,
                        "plain_text": text_object(2000),
                        "mrkdwn": text_object(2000),
                    }
                ),
                10,
            )
        }
    ),
    "actions": _block({"elements": array(ACTION, 25)}),
    "input": _block(
        {"label": plain_text(2000), "element": INPUT},
        {"hint": plain_text(2000), "optional": flag, "dispatch_action": flag},
    ),
    "rich_text": RICH_TEXT,
    "file": _block({"external_id": string(255), "source": one_of("remote")}),
    "video": _block(
        {"alt_text": string(2000), "title": plain_text(199), "thumbnail_url": URL, "video_url": URL},
        {
            "author_name": string(49),
            "description": plain_text(199),
            "provider_icon_url": URL,
            "provider_name": string(100),
            "title_url": URL,
        },
    ),
    "table": _block(
        {"rows": array(array(CELL, 20), 100)},
        {"column_settings": array(_column, 20, least=0)},
    ),
}

_POINT = mapping({"label": string(20), "value": _amount}, {})
_SERIES = mapping({"name": string(20), "data": array(_POINT, 20)})
_AXIS = mapping({"categories": array(string(20), 20)}, {"x_label": string(50), "y_label": string(50)})


def _known_categories(value: Any, at: str, problems: list[str]) -> None:
    for index, series in enumerate(value["series"]):
        if {point["label"] for point in series["data"]} != set(value["axis_config"]["categories"]):
            complain(problems, "the labels of a series must be the axis categories", f"{at}/series/{index}")


_PLOT = mapping({"type": TYPE, "series": array(_SERIES, 6), "axis_config": _AXIS}, {}, _known_categories)
CHART = typed(
    {
        "pie": mapping({"type": TYPE, "segments": array(_POINT, 6)}),
        "bar": _PLOT,
        "line": _PLOT,
        "area": _PLOT,
    }
)

CONTAINER = _block(
    {"child_blocks": array(typed(_SIMPLE), 10)},
    {
        "title": plain_text(150),
        "rich_text_title": typed({"rich_text": RICH_TEXT}),
        "subtitle": text_object(150),
        "width": one_of("narrow", "standard", "wide", "full"),
        "icon": IMAGE,
        "is_collapsible": flag,
        "default_collapsed": flag,
        "has_header_divider": flag,
    },
    some("title", "rich_text_title"),
    _collapsing,
)

BLOCKS: dict[str, Check] = {
    **_SIMPLE,
    "container": CONTAINER,
    "data_visualization": _block({"title": string(50), "chart": CHART}),
    "data_table": _block(
        {"rows": array(array(CELL, 20), 101, least=2), "caption": string(3000)},
        {"page_size": number(1, 100), "row_header_column_index": number(0, 19)},
        _same_length,
    ),
    "markdown": _block({"text": string(12_000)}),
    "task_card": TASK,
    "plan": _block({"title": string(3000)}, {"tasks": array(typed({"task_card": TASK}), 100, least=0)}),
    "alert": _block({"text": text_object(3000)}, {"level": one_of("default", "info", "warning", "error", "success")}),
    "card": CARD,
    "carousel": _block({"elements": array(typed({"card": CARD}), 10)}),
    "context_actions": _block({"elements": array(CONTEXT_ACTION, 5)}),
}
