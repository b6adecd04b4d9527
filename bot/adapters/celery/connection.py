"""How a watched cluster is reached: the settings of its broker, checked, and what redis-py makes of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import redis
from kombu.utils.url import parse_url
from redis.backoff import NoBackoff
from redis.retry import Retry

from bot.adapters.celery.keys import Keys
from bot.domain.errors import BadInput

SOCKET_SECONDS = 1.0
"""How long one connect, or one wait for bytes, may take."""

CLIENT_NAME = "celery-oncall"
"""What our connections are called in CLIENT LIST, so that people and our own actions can spare them."""

MAX_CONNECTIONS = 64


@dataclass(frozen=True)
class ClusterConnection:
    """The broker of one watched cluster, with the transport options that its own Celery application uses.

    `broker_url` is `redis://` or `rediss://`. `tls` holds options as in Celery's `broker_use_ssl` ("ssl_ca_certs", …);
    by default certificates are checked. `visibility_timeout` is in seconds. `result_keyprefix` is the
    `global_keyprefix` of Celery's `result_backend_transport_options`. Raises BadInput.
    """

    name: str
    broker_url: str = field(repr=False)
    result_backend: str | None = field(default=None, repr=False)
    global_keyprefix: str = ""
    sep: str = "\x06\x16"
    priority_steps: tuple[int, ...] = (0, 3, 6, 9)
    visibility_timeout: int = 3600
    tls: Mapping[str, Any] = field(default_factory=dict)
    control_exchange: str = "celery"
    result_keyprefix: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot work, before anything connects."""
        if self._url["transport"] not in ("redis", "rediss"):
            raise BadInput(
                f"The broker of `{self.name}` must be one `redis://` or `rediss://` address; "
                f"`{self._url['transport']}://` is not supported."
            )
        if ";" in self.broker_url:
            raise BadInput(f"The broker of `{self.name}` must be one address, not a list; name the one in use.")
        if not self.priority_steps or list(self.priority_steps) != sorted(set(self.priority_steps)):
            raise BadInput(f"`priority_steps` of `{self.name}` must rise and not be empty, like 0, 3, 6, 9.")
        try:
            self.pool().make_connection()  # connects nothing
        except TypeError as error:
            raise BadInput(f"`tls` of `{self.name}` has an option that redis-py does not know: {error}.") from error

    @property
    def _url(self) -> dict[str, Any]:
        # kombu's own reading of the address, so that escaped passwords mean the same here and there.
        try:
            return parse_url(self.broker_url)
        except (ValueError, KeyError) as error:  # a port that is no number; an unknown ssl_cert_reqs
            raise BadInput(f"The broker address of `{self.name}` cannot be read: {error}.") from error

    @property
    def db(self) -> int:
        """The number of the Redis database; raises BadInput."""
        path = str(self._url["virtual_host"] or "0").strip("/") or "0"
        if not path.isdecimal():
            raise BadInput(f"The broker address of `{self.name}` ends in `/{path}`; Redis wants a database number.")
        return int(path)

    @property
    def address(self) -> str:
        """Host and port, without any secret."""
        return f"{self._url['hostname'] or '127.0.0.1'}:{self._url['port'] or 6379}"

    @property
    def secure(self) -> bool:
        """Whether TLS is used."""
        return bool(self._url["transport"] == "rediss" or self.tls)

    @property
    def keys(self) -> Keys:
        """The names of its keys in Redis."""
        return Keys(self.global_keyprefix, self.db, self.sep, self.priority_steps, self.control_exchange)

    def pool(self, db: int | None = None) -> "redis.ConnectionPool":
        """A new pool of connections to the broker (or to another of its databases); connects on first use."""
        options: dict[str, Any] = {}
        if self.secure:
            options = {"connection_class": redis.SSLConnection, **self._url.get("ssl", {}), **self.tls}
        return redis.ConnectionPool(
            host=self._url["hostname"] or "127.0.0.1",
            port=self._url["port"] or 6379,
            db=self.db if db is None else db,
            username=self._url["userid"],
            password=self._url["password"],
            client_name=CLIENT_NAME,
            socket_timeout=SOCKET_SECONDS,
            socket_connect_timeout=SOCKET_SECONDS,
            max_connections=MAX_CONNECTIONS,
            protocol=2,
            retry=Retry(NoBackoff(), 0),  # redis-py's own retries would be silent, and would repeat effects
            **options,
        )
