"""An installation for the doctor to look at: a local Slack, settings from a file, and what was found."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bot.domain.diagnosed import Diagnosed
from bot.slack.config import RoleSource, SlackConfig
from playground.slack import LocalSlack

FILE = """
clusters:
  prod:
    broker_url_env: PROD_BROKER_URL
    queues: {booking: {}}
    worker_groups: {w1: {queues: [booking]}}
channels: {C0ONCALL: prod}
alert_senders: [B0ALERT]
roles: {oncall: {group: S0ONCALL}}
policy: {consent: {high: [{approve: 1, from: oncall}], destructive: [{approve: 2, from: oncall}]}}
"""


def environment(folder: Path, slack: LocalSlack, broker: str, text: str = FILE, **more: str) -> dict[str, str]:
    """Return the variables of an installation whose settings are `text`."""
    (folder / "oncall.yml").write_text(text, encoding="utf-8")
    return {
        "ONCALL_CONFIG": str(folder / "oncall.yml"),
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_APP_TOKEN": slack.app_token,
        "SLACK_API_URL": slack.api_url,
        "DATABASE_URL": f"sqlite:///{folder}/oncall.sqlite3",
        "PROD_BROKER_URL": broker,
        **more,
    }


def slack_config(slack: LocalSlack, **changed: Any) -> SlackConfig:
    """Return what the bot is told of the local Slack, where all is well."""
    good: dict[str, Any] = {
        "bot_token": slack.bot_token,
        "app_token": slack.app_token,
        "api_url": slack.api_url,
        "channels": ("C0ONCALL",),
        "alert_senders": frozenset({"B0ALERT"}),
        "roles": {"oncall": RoleSource(groups=("S0ONCALL",))},
    }
    return SlackConfig(**good | changed)


def bad_ones(found: Iterable[Diagnosed]) -> list[str]:
    """Return what has to be put right."""
    return [d.sentence for d in found if d.level == "bad"]


def notes(found: Iterable[Diagnosed]) -> list[str]:
    """Return what is only worth knowing."""
    return [d.sentence for d in found if d.level == "note"]
