"""What Slack's answer to a call means for a card."""

from enum import StrEnum

import aiohttp
from slack_sdk.errors import SlackApiError

UNREACHABLE = (SlackApiError, aiohttp.ClientError, TimeoutError)
"""What a call to Slack may raise: refused, broken off, too late."""

_NEVER = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "user_not_found",
        "users_not_found",
        "user_disabled",
        "cannot_dm_bot",
        "messages_tab_disabled",
        "restricted_action",
        "thread_not_found",
        "cannot_reply_to_message",
        "not_enabled",
    }
)
_DRAWN_BADLY = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long"})
_NOT_THERE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
_LATER = frozenset(
    {
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "ratelimited",
        # somebody can put these right without touching the bot
        "invalid_auth",
        "not_authed",
        "token_revoked",
        "token_expired",
        "account_inactive",
        "missing_scope",
    }
)


class Refusal(StrEnum):
    """What to do after Slack refused a call."""

    WAIT = "wait as long as Slack says"
    LATER = "try again later"
    NEVER = "no message can ever stand there"
    DRAWN_BADLY = "send it without its blocks"
    NOT_THERE = "the message to edit is gone"
    ODD = "not known; try again a few times"


def code_of(error: BaseException) -> str:
    """Return Slack's word for what was wrong, or what else happened: an answer may not even be JSON."""
    if not isinstance(error, SlackApiError):
        return repr(error)
    data = getattr(error.response, "data", None)
    return str(data.get("error")) if isinstance(data, dict) else f"HTTP {_status(error)}"


def _status(error: SlackApiError) -> int:
    """Return the HTTP status; slack_sdk hands over aiohttp's own response when the body was no JSON."""
    for name in ("status_code", "status"):
        if (status := getattr(error.response, name, None)) is not None:
            return int(status)
    return 500


def refusal(error: SlackApiError) -> Refusal:
    """Return what a refusal means."""
    code, status = code_of(error), _status(error)
    if status == 429:
        return Refusal.WAIT
    if status >= 500 or code in _LATER:
        return Refusal.LATER
    if code in _NEVER:
        return Refusal.NEVER
    if code in _DRAWN_BADLY:
        return Refusal.DRAWN_BADLY
    return Refusal.NOT_THERE if code in _NOT_THERE else Refusal.ODD


def retry_after(error: SlackApiError) -> float:
    """Return how many seconds Slack wants to be left alone."""
    return float(error.response.headers.get("Retry-After") or 1)
