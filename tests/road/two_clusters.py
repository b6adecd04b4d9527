"""One bot that watches two clusters on one Redis server; workers, queues and channels of the same names on both."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.adapters.sql import open_store
from bot.domain.audit import AuditEntry
from playground.oncall_processes import OncallProcesses
from playground.services import RedisServer
from playground.slack.errors import Json
from playground.slack.person import Person, Webhook
from playground.slack.server import LocalSlack
from playground.slack.workspace import Channel, IncomingWebhook, Workspace, default_workspace
from tests.road.looking import see
from tests.services.sample_app import make_app
from tests.services.workers import WorkerPool

PROD, STAGING = "prod", "staging"
CHANNELS = {PROD: "C0ONCALL", STAGING: "C0STAGE"}
PREFIXES = {PROD: "", STAGING: "staging:"}
WORKED = ("ai_generation", "analytics")
IDLE = "reports"
"""A queue of both clusters that nobody consumes, so that its depth stands still."""

_MANIFEST = Path(__file__).parents[2] / "manifest.yml"
_SECRET = "alertmanager-to-staging"
_CONFIG = """\
clusters:
  prod:
    broker_url_env: WATCHED_URL
    queues: {{ai_generation: {{importance: 5}}, analytics: {{importance: 3}}, reports: {{}}, invoices: {{}}}}
    worker_groups: {{"worker*": {{queues: [ai_generation, analytics]}}}}
  staging:
    broker_url_env: WATCHED_URL
    global_keyprefix: "staging:"
    queues: {{ai_generation: {{importance: 5}}, analytics: {{importance: 3}}, reports: {{}}, previews: {{}}}}
    worker_groups: {{"worker*": {{queues: [ai_generation, analytics]}}}}
channels: {{C0ONCALL: prod, C0STAGE: staging}}
alert_senders: [B0ALERT]
roles: {{oncall: {{group: S0ONCALL}}}}
policy: {{acting: oncall, consent: {{high: [{{approve: 1, from: oncall}}]}}}}
web: {{port: {port}}}
"""


@dataclass
class TwoClusters:
    """The bot, its Slack, and both clusters."""

    slack: LocalSlack
    server: RedisServer
    workers: WorkerPool
    database_url: str
    ana: Person

    def start_worker(self, cluster: str, name: str, *, wait: bool = True) -> None:
        """Start a worker of that name on one cluster."""
        env = {"SAMPLE_PREFIX": PREFIXES[cluster]}
        self.workers.start(self.server.url(), name=name, queues=WORKED, env=env, wait=wait)

    def send(
        self, cluster: str, queue: str, count: int, task: str = "sample.add", args: tuple[Any, ...] = (1, 1)
    ) -> None:
        """Publish tasks, as the watched application does."""
        app = self._app(cluster)
        with app.producer_pool.acquire(block=True) as producer:
            for _ in range(count):
                app.send_task(task, args, queue=queue, producer=producer, ignore_result=True)

    def consumed(self, cluster: str) -> dict[str, set[str]]:
        """What each worker of a cluster says it consumes, asked by Celery itself."""
        said = self._app(cluster).control.inspect(timeout=1.0).active_queues() or {}
        return {worker: {queue["name"] for queue in queues} for worker, queues in said.items()}

    def busy(self, cluster: str) -> dict[str, int]:
        """How many tasks each worker of a cluster runs."""
        said = self._app(cluster).control.inspect(timeout=1.0).active() or {}
        return {worker: len(tasks) for worker, tasks in said.items()}

    def audit(self) -> list[AuditEntry]:
        """Every audit entry so far."""
        store = open_store(self.database_url)
        try:
            return list(store.export_audit())
        finally:
            store.close()

    async def command(self, line: str, channel: str, fits: Callable[[Json], object]) -> Json:
        """Type a slash command, and return the fitting answer that is shown to Ana alone."""
        known = {m["ephemeral_id"] for m in await self.ana.ephemerals()}
        await self.ana.command(line, channel)
        return await see(self.ana, self.ana.ephemerals, lambda m: m["ephemeral_id"] not in known and fits(m))

    async def alert(self, channel: str, payload: Json) -> Json:
        """Let Alertmanager post to a channel, and return its message there."""
        before = {m["ts"] for m in await self.ana.messages(channel)}
        bot, secret = self._webhook(channel)
        await Webhook(self.slack.url, f"/services/T0LOCAL/{bot}/{secret}").post(payload)
        return await see(
            self.ana, lambda: self.ana.messages(channel), lambda m: m["ts"] not in before and m.get("bot_id") == bot
        )

    def _webhook(self, channel: str) -> tuple[str, str]:
        found = next(w for w in self.slack.workspace.webhooks if w.channel == channel)
        return found.bot_id, found.secret

    def _app(self, cluster: str) -> Any:
        return make_app({"SAMPLE_BROKER_URL": self.server.url(), "SAMPLE_PREFIX": PREFIXES[cluster]})


def words(message: Json) -> str:
    """Return what stands in a message's blocks, as one text."""
    return "\n".join(_texts(message.get("blocks") or []))


def _texts(value: object) -> list[str]:
    if isinstance(value, Mapping):
        own = [str(value["text"])] if isinstance(value.get("text"), str) else []
        return own + [t for v in value.values() if not isinstance(v, str) for t in _texts(v)]
    return [t for v in value for t in _texts(v)] if isinstance(value, list) else []


def _workspace() -> Workspace:
    space = default_workspace()
    everyone = [user.id for user in space.people()]
    space.add_channel(Channel(CHANNELS[STAGING], "staging-oncall", [*everyone, "U0BOT"]))
    space.webhooks.append(IncomingWebhook("B0ALERT", CHANNELS[STAGING], _SECRET))
    return space


@asynccontextmanager
async def two_clusters(folder: Path) -> AsyncIterator[TwoClusters]:
    """Start all of it, with one worker on each cluster; everything ends with the context."""
    async with AsyncExitStack() as stack:
        server = stack.enter_context(RedisServer(folder=folder))
        workers = WorkerPool(folder)
        stack.callback(workers.kill_all)
        slack = LocalSlack(_MANIFEST, workspace=_workspace())
        await slack.start()
        stack.push_async_callback(slack.stop)
        database_url = f"sqlite:///{folder}/oncall.sqlite3"
        env = {
            "SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": slack.bot_token,
            "SLACK_APP_TOKEN": slack.app_token,
            "DATABASE_URL": database_url,
            "WATCHED_URL": server.url(),
            "ONCALL_BROKER_URL": server.url(1),
        }
        ana = await stack.enter_async_context(Person(slack.url, "U0ANA"))
        both = TwoClusters(slack, server, workers, database_url, ana)
        oncall = OncallProcesses(folder, env, _CONFIG)
        stack.callback(oncall.kill)
        both.start_worker(PROD, "worker1")
        both.start_worker(STAGING, "worker1")
        await oncall.start()
        yield both
