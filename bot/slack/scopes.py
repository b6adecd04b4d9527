"""Which scopes the bot token needs; a test holds them equal to those of `manifest.yml`."""

from collections.abc import Mapping

NEEDED: Mapping[str, str] = {
    "app_mentions:read": "hear its mentions",
    "channels:history": "read alerts in public channels",
    "channels:read": "see which public channels it is in",
    "chat:write": "post messages",
    "commands": "take `/celery`",
    "groups:history": "read alerts in private channels",
    "groups:read": "see which private channels it is in",
    "metadata.message:read": "find its own messages again",
    "reactions:write": "mark alerts as seen",
    "usergroups:read": "know who is on call",
    "users:read": "know people and bots",
}
"""Scope to what the bot cannot do without it, in words that follow "cannot"."""
