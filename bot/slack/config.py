"""What the Slack shell needs to be told; bootstrap fills it from the settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SLACK_API_URL = "https://slack.com/api/"


@dataclass(frozen=True)
class RoleSource:
    """Who holds a role: Slack user ids, and the members of Slack user groups (ids that begin with S)."""

    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class SlackConfig:
    """Tokens, channels (ids), senders of alerts (bot or app ids) and roles.

    An `app_token` means Socket Mode; without one Slack calls `/slack/events`, and `signing_secret` is needed.
    """

    bot_token: str
    app_token: str = ""
    signing_secret: str = ""
    api_url: str = SLACK_API_URL
    channels: tuple[str, ...] = ()
    alert_senders: frozenset[str] = frozenset()
    roles: Mapping[str, RoleSource] = field(default_factory=dict)

    @property
    def socket_mode(self) -> bool:
        """Return whether Slack is reached by a socket that the bot opens."""
        return bool(self.app_token)
