"""Messages as senders post them into Slack, by form."""

from typing import Any

CHANNEL = "C0ONCALL"
LINK = "http://alertmanager.example.internal:9093/#/alerts?receiver=slack"

Json = dict[str, Any]


def posted(text: str = "", **given: Any) -> Json:
    """Return a message of the alerting bot."""
    usual: Json = {
        "type": "message",
        "subtype": "bot_message",
        "text": text,
        "ts": "1795354585.072638",
        "bot_id": "B0ALERT",
        "app_id": "A0ALERT",
    }
    return usual | given


def titled(title: str, **attachment: Any) -> Json:
    """Return a message whose only text is an attachment's title, as Alertmanager's default template makes it."""
    usual = {"title": title, "title_link": LINK, "fallback": f"{title} | <{LINK}>", "color": "a30200"}
    return posted(attachments=[usual | attachment])
