"""The rest of the outside: the time, the ops worker, runbooks, platforms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    """One time series of a query's answer: its labels and its newest value."""

    labels: Mapping[str, str]
    value: float


class Metrics(Protocol):
    """Prometheus servers by the names that the settings give them."""

    def query(self, promql: str, server: str | None = None, deadline: float = 3.0) -> Sequence[Series]:
        """Return the answer of an instant query; the default server is the first configured.

        Raises BadInput (no such server, or a query it refuses) or OutsideUnreachable, in words.
        """
        ...

    def servers(self) -> tuple[str, ...]:
        """Return the configured names, the default first."""
        ...


class NoMetrics:
    """No Prometheus is configured."""

    def query(self, promql: str, server: str | None = None, deadline: float = 3.0) -> Sequence[Series]:  # noqa: ARG002 - the port's signature
        """Raise BadInput: what to write into the settings."""
        raise BadInput(
            "No Prometheus is configured: add `prometheus: {main: {url_env: PROMETHEUS_URL}}` to the settings."
        )

    def servers(self) -> tuple[str, ...]:
        """Return none."""
        return ()


@dataclass(frozen=True)
class HttpAnswer:
    """An answer to a GET: its status, its body as JSON where it is JSON, and how many seconds it took."""

    status: int
    took_seconds: float
    json: Any = None
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Http(Protocol):
    """GETs of health pages: bounded in time and size, redirects to other hosts not followed."""

    def get(self, url: str, deadline: float = 3.0) -> HttpAnswer:
        """Return the answer, whatever its status. Raises BadInput (no http address) or OutsideUnreachable, in words."""
        ...


class NoHttp:
    """No HTTP here."""

    def get(self, url: str, deadline: float = 3.0) -> HttpAnswer:  # noqa: ARG002 - the port's signature
        """Raise BadInput."""
        raise BadInput("This process asks no web servers.")
