"""The only reader of environment and config file. See `oncall.example.yml` for every key."""

from bot.settings.loading import Need, load_settings
from bot.settings.values import (
    BrokerSettings,
    LogSettings,
    PrometheusSettings,
    RoleSettings,
    Settings,
    SlackSettings,
    WebSettings,
)

__all__ = [
    "BrokerSettings",
    "LogSettings",
    "Need",
    "PrometheusSettings",
    "RoleSettings",
    "Settings",
    "SlackSettings",
    "WebSettings",
    "load_settings",
]
