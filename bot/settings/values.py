"""The settings as the rest of the bot gets them: plain values, with secrets kept out of every `repr`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.domain.approval import Policy
from bot.domain.cluster import ClusterSpec
from bot.domain.errors import UnknownName


@dataclass(frozen=True)
class BrokerSettings:
    """How a watched cluster's broker is reached, and the transport options its Celery application uses.

    `visibility_timeout` is in seconds; `tls` holds options as in Celery's `broker_use_ssl`, and is empty without TLS.
    `enable_events`: the bot switches task events on, on workers that have them off; `event_receiver`: auto or kombu.
    """

    broker_url: str = field(repr=False)
    result_backend: str | None = field(default=None, repr=False)
    result_keyprefix: str = ""
    global_keyprefix: str = ""
    sep: str = "\x06\x16"
    priority_steps: tuple[int, ...] = (0, 3, 6, 9)
    visibility_timeout: int = 3600
    tls: Mapping[str, str] = field(default_factory=dict)
    event_exchange: str = "celeryev"
    enable_events: bool = True
    event_receiver: str = "auto"


@dataclass(frozen=True)
class PrometheusSettings:
    """How a Prometheus server is asked: `timeout` is for one query, in seconds, `retries` for failed connections.

    `verify`: certificates are checked, against `ca_file` if it is given. `url_from` names the variable of the address.
    """

    url: str = field(repr=False)
    url_from: str | None = None
    timeout: float = 3.0
    retries: int = 1
    verify: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True)
class RoleSettings:
    """Who holds a role: people (Slack user ids) and the members of user groups (ids that begin with S)."""

    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class SlackSettings:
    """Tokens and address. `socket` says whether the bot opens a socket to Slack, or Slack calls it by HTTP."""

    bot_token: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)
    api_url: str = "https://slack.com/api/"
    socket: bool = True


@dataclass(frozen=True)
class WebSettings:
    """Where the small web server listens; port 0 takes any free one."""

    host: str = "127.0.0.1"
    port: int = 8080


@dataclass(frozen=True)
class LogSettings:
    """`level` is Python's name in lower case, `format` is `text` or `json`."""

    level: str = "info"
    format: str = "text"


@dataclass(frozen=True)
class Settings:
    """All settings. `source` names for people where they came from: a path, if `from_file`.

    The first of `specs` is the default cluster; `channels` maps a channel's id or name (without `#`) to its cluster;
    `runbooks` is the folder of the team's own. `ops_broker_tls` holds Celery's `broker_use_ssl` options.
    """

    source: str
    from_file: bool
    specs: Mapping[str, ClusterSpec]
    brokers: Mapping[str, BrokerSettings]
    channels: Mapping[str, str]
    alert_senders: frozenset[str]
    roles: Mapping[str, RoleSettings]
    approval: Policy
    slack: SlackSettings
    web: WebSettings
    log: LogSettings
    runbooks: Path | None
    database_url: str = field(repr=False)
    ops_broker_url: str = field(repr=False)
    ops_broker_tls: Mapping[str, str]
    prometheus: Mapping[str, PrometheusSettings]
    pages: Mapping[str, Mapping[str, str]] = field(repr=False)

    @property
    def default_cluster(self) -> str:
        """Return the name of the cluster that is meant when none is named."""
        return next(iter(self.specs))

    def policy(self) -> Policy:
        """Return who may do what, and who must consent."""
        return self.approval

    def spec(self, cluster: str) -> ClusterSpec:
        """Return how a cluster is configured; raises UnknownName."""
        if cluster not in self.specs:
            raise UnknownName("cluster", cluster, self.specs)
        return self.specs[cluster]

    def broker(self, cluster: str) -> BrokerSettings:
        """Return how a cluster's broker is reached; raises UnknownName."""
        if cluster not in self.brokers:
            raise UnknownName("cluster", cluster, self.brokers)
        return self.brokers[cluster]

    def cluster_for(self, channel: str) -> str:
        """Return the default cluster of a channel, by its id."""
        return self.channels.get(channel, self.default_cluster)
