"""The rest of the outside: the time, the ops worker, runbooks, platforms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.domain.errors import BadInput
from bot.domain.runbook import Runbook


class Clock(Protocol):
    """The time, so that tests can set it."""

    def now(self) -> datetime:
        """Return the moment, in UTC, aware."""
        ...


class Dispatcher(Protocol):
    """Hands an execution to the ops worker."""

    def dispatch(self, execution_id: str) -> bool:
        """Publish it; returns False when the ops broker did not take it (the bot then runs it itself)."""
        ...


class Runbooks(Protocol):
    """The loaded runbooks."""

    def all(self) -> tuple[Runbook, ...]:
        """Return every sound runbook."""
        ...


class Expressions(Protocol):
    """The expression language of runbooks."""

    def evaluate(self, expression: str, names: Mapping[str, Any]) -> Any:
        """Return the value of one expression; raises BadInput with a sentence."""
        ...

    def render(self, value: Any, names: Mapping[str, Any]) -> Any:
        """Return `value` with every `{{ … }}` in its strings evaluated; one expression alone keeps its type."""
        ...


class Driver(Protocol):
    """A platform that starts and stops workers. None is required: without one, commands are shown to copy."""

    name: str

    def start(self, worker: str, without: Sequence[str]) -> None:
        """Start a worker that does not consume the queues in `without` (Celery's `-X`)."""
        ...

    def restart(self, worker: str, without: Sequence[str]) -> None:
        """Stop it warmly and start it again likewise."""
        ...


@dataclass(frozen=True)
class Series:
    """One time series of a query's answer: its labels and its value now (it may be NaN or infinite)."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class QueryAnswer:
    """What a query gives. `warnings` are the server's own words on why something may be missing (Thanos and others)."""

    series: tuple[Series, ...] = ()
    warnings: tuple[str, ...] = ()


class Metrics(Protocol):
    """Prometheus servers by the names that the settings give them."""

    def query(self, promql: str, server: str | None = None, deadline: float = 3.0) -> QueryAnswer:
        """Return the answer of an instant query; the default server is the first configured.

        Takes `deadline` seconds at most. Raises BadInput (no such server, or a query it refuses) or OutsideUnreachable,
        in words.
        """
        ...

    def servers(self) -> tuple[str, ...]:
        """Return the configured names, the default first."""
        ...


class NoMetrics:
    """No Prometheus is configured."""

    def query(self, promql: str, server: str | None = None, deadline: float = 3.0) -> QueryAnswer:  # noqa: ARG002 - the port's signature
        """Raise BadInput: what to write into the settings."""
        raise BadInput(
            "No Prometheus is configured: set PROMETHEUS_URL, or add `prometheus: {main: {url: …}}` to the settings."
        )

    def servers(self) -> tuple[str, ...]:
        """Return none."""
        return ()


@dataclass(frozen=True)
class HttpAnswer:
    """An answer to a GET: its status, its body as text and, where it is JSON, as JSON; how many seconds it took.

    `json` is None for a body that is no JSON; `elsewhere` says that it sends to another server, where nobody went.
    """

    status: int
    took_seconds: float
    json: Any = None
    text: str = ""
    elsewhere: bool = False


class Http(Protocol):
    """GETs of the pages that the settings name for a cluster, `health.<name>` and `flower`: bounded in time and size.

    Their addresses may hold secrets: who asks names the page and never sees where it is. Nothing else can be asked,
    because what people type and alerts say must not make the bot look around in the network.
    """

    def page(self, cluster: str, page: str, path: str = "", deadline: float = 3.0) -> HttpAnswer:
        """Return the answer, whatever its status; `path` is appended to the page's address.

        Takes `deadline` seconds at most. Raises BadInput (no such page) or OutsideUnreachable, in words.
        """
        ...

    def url(self, cluster: str, url: str, deadline: float = 3.0) -> HttpAnswer:
        """Return the answer of any page of a server that one of the cluster's pages is on, asked without credentials.

        Takes `deadline` seconds at most. Raises BadInput (another server) or OutsideUnreachable, in words.
        """
        ...


class NoHttp:
    """No pages are configured."""

    def page(self, cluster: str, page: str, path: str = "", deadline: float = 3.0) -> HttpAnswer:  # noqa: ARG002 - the port's signature
        """Raise BadInput: what to write into the settings."""
        raise _no_pages(cluster)

    def url(self, cluster: str, url: str, deadline: float = 3.0) -> HttpAnswer:  # noqa: ARG002 - the port's signature
        """Raise BadInput: what to write into the settings."""
        raise _no_pages(cluster)


def _no_pages(cluster: str) -> BadInput:
    return BadInput(f"No page of `{cluster}` is configured: add `health: {{api: {{url: …}}}}` to it in the settings.")
