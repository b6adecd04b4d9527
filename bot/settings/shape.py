"""What may stand in `oncall.yml`: keys, types, bounds. Names that point at others are checked in `references`."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from bot.domain.action import Tolerance
from bot.domain.approval import Policy
from bot.domain.cluster import ClusterSpec, Importance, QueueSpec, WorkerGroup
from bot.domain.duration import Seconds
from bot.settings.base_shape import EnvName, Shape, TlsShape
from bot.settings.events_shape import EventsShape
from bot.settings.outside_shape import AddressShape, HealthShapes, PrometheusShapes
from bot.settings.targets_shape import TargetShapes, limited, runbook_targets

_CLUSTER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_QUEUE_NAME = re.compile(r"[^\s/,\x00-\x1f]{1,200}")


def _cluster_name(name: str) -> str:
    if not _CLUSTER_NAME.fullmatch(name):
        raise ValueError("a cluster's name has letters, digits, `-` and `_` alone: people write `/celery status prod`")
    return name


def _queue_name(name: str) -> str:
    if not _QUEUE_NAME.fullmatch(name):
        raise ValueError("a queue's name has no spaces, `,` or `/`: people write `/celery pause prod/analytics`")
    return name


def _user(id: str) -> str:
    if not re.fullmatch(r"[UW][A-Z0-9]{2,}", id):
        raise ValueError("a Slack user id begins with U, like U024BE7LH; in Slack: profile, then Copy member ID")
    return id


def _group(id: str) -> str:
    if not re.fullmatch(r"S[A-Z0-9]{2,}", id):
        raise ValueError(
            "a Slack user group's id begins with S, like S0614TZR7; in Slack: the group, then Copy group ID"
        )
    return id


def _sender(id: str) -> str:
    if not re.fullmatch(r"[AB][A-Z0-9]{2,}", id):
        raise ValueError(
            "a sender is a bot's id (B…) or an app's id (A…); the bot names it when it sees such a message"
        )
    return id


def _channel(id: str) -> str:
    # Events carry the id alone, and it stays when somebody renames the channel.
    if not re.fullmatch(r"[CG][A-Z0-9]{2,}", id):
        raise ValueError("a channel is its id, like C024BE91L; in Slack: click its name, the id stands at the end")
    return id


def _unquoted(channels: Any) -> Any:
    if channels is None:
        raise ValueError("it is empty; `#` begins a comment, so write the channel's id: `C024BE91L: prod`")
    return channels


def _steps(steps: list[int]) -> list[int]:
    if not steps or steps != sorted(set(steps)) or steps[0] < 0:
        raise ValueError("the steps rise and are not empty, like [0, 3, 6, 9]")
    return steps


QueueName = Annotated[str, AfterValidator(_queue_name)]


class QueueShape(Shape):
    """One queue."""

    importance: Importance = 5
    alert_above: int = Field(default=500, ge=1)


class WorkerGroupShape(Shape):
    """Workers that are started alike."""

    queues: list[QueueName] = Field(description="what their start command consumes")
    concurrency: int = Field(default=4, ge=1)
    max_workers: int = Field(default=4, ge=1)


class ClusterShape(Shape):
    """One watched cluster. The defaults of the broker's options are Celery's own."""

    app: str = "your.celery_app"
    mode: Literal["observe", "act"] = "act"
    broker_url_env: EnvName | None = None
    broker_url: str | None = None
    result_backend_env: EnvName | None = None
    result_backend: str | None = None
    result_keyprefix: str = ""
    global_keyprefix: str = ""
    sep: str = Field(default="\x06\x16", min_length=1)
    priority_steps: Annotated[list[int], AfterValidator(_steps)] = Field(default=[0, 3, 6, 9])
    visibility_timeout: Seconds = Field(default=3600, ge=1)
    tls: TlsShape | None = None
    events: EventsShape = EventsShape()
    low_importance: Importance = 4
    queues: dict[QueueName, QueueShape] = Field(description="name to importance and limit")
    worker_groups: dict[str, WorkerGroupShape] = Field(default_factory=dict)
    targets: TargetShapes | None = None
    health: HealthShapes = Field(default_factory=dict)
    flower: AddressShape | None = None

    def spec(self, name: str) -> ClusterSpec:
        """Return the domain's view of it; where no targets stand, those of the operations runbook hold."""
        shapes = runbook_targets(self.queues) if self.targets is None else self.targets
        targets = [shape.spec(target) for target, shape in shapes.items()]
        queues = [QueueSpec(name=q, **shape.model_dump(exclude_unset=True)) for q, shape in self.queues.items()]
        return ClusterSpec.model_validate(
            {
                "name": name,
                "app": self.app,
                "mode": self.mode,
                "low_importance": self.low_importance,
                "queues": [limited(queue, targets) for queue in queues],
                "worker_groups": [WorkerGroup(name=g, **shape.model_dump()) for g, shape in self.worker_groups.items()],
                "targets": targets,
                "health": [shape.spec(page) for page, shape in self.health.items()],
                "flower": self.flower is not None,
            }
        )


class RoleShape(Shape):
    """Who holds a role: a Slack user group, people, or both."""

    group: Annotated[str, AfterValidator(_group)] | None = None
    users: list[Annotated[str, AfterValidator(_user)]] | None = None

    @model_validator(mode="after")
    def _somebody(self) -> "RoleShape":
        if self.group is None and self.users is None:
            raise ValueError("give `group: S…` or `users: [U…]`; `users: []` means nobody")
        return self


class AlternativeShape(Shape):
    """One way to consent."""

    approve: int = Field(default=1, ge=1, le=10)
    role: str = Field(alias="from", description="the role whose people may approve")


class ConsentShape(Shape):
    """Alternatives by risk; low risk asks nobody else, and a risk without alternatives is refused."""

    high: list[AlternativeShape] = Field(default=[])
    destructive: list[AlternativeShape] = Field(default=[])


class ToleranceShape(Shape):
    """How far the cluster may have changed between consent and execution."""

    messages_factor: float = Field(default=2.0, ge=1)
    messages_slack: int = Field(default=500, ge=0)


class PolicyShape(Shape):
    """Who may do what."""

    acting: str = "oncall"
    consent: ConsentShape = ConsentShape()
    request_minutes: int = Field(default=30, ge=1, le=24 * 60)
    low_pause_minutes: int = Field(default=60, ge=1, le=24 * 60)
    tolerance: ToleranceShape = ToleranceShape()

    def policy(self) -> Policy:
        """Return the domain's policy; YAML says `from` where the domain says `by`."""
        ways = {
            risk: [{"approve": a.approve, "by": a.role} for a in alternatives] for risk, alternatives in self.consent
        }
        return Policy.model_validate(
            {**self.model_dump(exclude={"consent"}), "consent": ways, "tolerance": Tolerance(**dict(self.tolerance))}
        )


class WebShape(Shape):
    """The small web server; port 0 takes any free one."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)


class SlackShape(Shape):
    """How Slack reaches the bot."""

    mode: Literal["socket", "http"] = "socket"


class LogShape(Shape):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class FileShape(Shape):
    """The whole file."""

    clusters: dict[Annotated[str, AfterValidator(_cluster_name)], ClusterShape] = Field(
        min_length=1, description="the Celery clusters to watch, the default one first"
    )
    channels: Annotated[dict[Annotated[str, AfterValidator(_channel)], str], BeforeValidator(_unquoted)] = Field(
        default_factory=dict
    )
    alert_senders: list[Annotated[str, AfterValidator(_sender)]] = Field(default=[])
    roles: dict[str, RoleShape] = Field(default_factory=dict)
    policy: PolicyShape = PolicyShape()
    runbooks: str | None = None
    prometheus: PrometheusShapes = Field(default_factory=dict)
    slack: SlackShape = SlackShape()
    web: WebShape = WebShape()
    log: LogShape = LogShape()
