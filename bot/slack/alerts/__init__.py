"""Alert messages as they arrive in Slack: one parser for each form. Text stays as it was sent; views escape it."""

from bot.slack.alerts.registry import looks_like_alert, parse

__all__ = ["looks_like_alert", "parse"]
