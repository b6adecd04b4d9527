"""What may stand in `oncall.yml` about servers that are neither broker nor Slack: Prometheus, health pages, Flower."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from bot.domain.duration import Seconds
from bot.domain.health import HealthSpec, expectation
from bot.settings.base_shape import EnvName, Shape, TlsShape

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("a name here has letters, digits, `-` and `_` alone: people write it in commands")
    return name


Name = Annotated[str, AfterValidator(_name)]


class AddressShape(Shape):
    """Where a page is: plainly, or, with a password or token in it, in an environment variable."""

    url: str | None = None
    url_env: EnvName | None = None

    @model_validator(mode="before")
    @classmethod
    def _map(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            raise ValueError("write `{url: …}`, or `{url_env: …}` where the address holds a password")
        return given


class PrometheusShape(AddressShape):
    """One Prometheus server. `timeout` bounds one query; `retries` are for connections that fail."""

    timeout: Seconds = Field(default=3, ge=1, le=30)
    retries: int = Field(default=1, ge=0, le=5)
    tls: TlsShape | None = None


class HealthShape(AddressShape):
    """One page, and what it must answer: `json` maps dotted paths to values or comparisons, see `references`."""

    status: int = Field(default=200, ge=100, le=599)
    values: dict[str, Any] = Field(default_factory=dict, alias="json")

    def spec(self, name: str) -> HealthSpec:
        """Return the domain's view of it."""
        expected = tuple(expectation(path, wanted) for path, wanted in self.values.items())
        return HealthSpec(name=name, status=self.status, expected=expected)


PrometheusShapes = dict[Name, PrometheusShape]
HealthShapes = Annotated[dict[Name, HealthShape], Field(max_length=16)]
