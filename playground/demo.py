"""The playground: a local Slack, a sample cluster, and the unmodified bot, ops worker and beat, started and ended."""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Self

from playground.alerts import Payload
from playground.cluster.cluster import Cluster
from playground.config import CONFIG
from playground.controls import Controls
from playground.oncall_processes import OncallProcesses
from playground.services import RedisServer
from playground.slack.person import Person, Webhook
from playground.slack.server import LocalSlack

Say = Callable[[str], None]


class PortUnusableError(Exception):
    """The port that was asked for cannot be listened on; `why` is the operating system's word for it."""

    def __init__(self, port: int, why: str) -> None:
        """Say what to do."""
        self.port, self.why = port, why
        super().__init__(f"Port {port} cannot be used: {why}. Choose another with `--port`, or leave it out.")


class Demo:
    """Everything of the playground; `async with Demo(...)` starts it and ends all of it, also after half a start.

    `port` is the local Slack's, 0 for any free one. `database_url` is SQLite in a folder of its own unless given; more
    than one of `bots` need PostgreSQL.
    """

    slack: LocalSlack
    oncall: OncallProcesses
    controls: Controls

    def __init__(
        self, say: Say, *, port: int = 0, image_worker: bool = True, bots: int = 1, database_url: str = ""
    ) -> None:
        self._say = say
        self._stack = AsyncExitStack()
        self.cluster = Cluster(image_worker=image_worker)
        self._port, self._bots, self.database_url = port, bots, database_url

    async def __aenter__(self) -> Self:
        """Start."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Stop."""
        await self._stack.aclose()

    async def person(self, user_id: str) -> Person:
        """Return a person at their keyboard, until the playground ends."""
        return await self._stack.enter_async_context(Person(self.slack.url, user_id))

    async def fire(self, payload: Payload) -> None:
        """Post an alert as Alertmanager does."""
        await Webhook(self.slack.url).post(payload)

    async def _start(self) -> None:
        self._say("Starting the sample cluster: Redis, three Celery workers, beat, traffic.")
        await self._stack.enter_async_context(self.cluster)
        depths = await self._stack.enter_async_context(self.cluster.depths())
        self.controls = Controls(self.cluster, depths, self.fire)
        self._say("Starting a Slack of its own, on this machine alone.")
        self.slack = await self._start_slack()
        self._say("Starting the bot, its ops worker and its beat, with a database of their own.")
        await self._start_oncall()

    async def _start_slack(self) -> LocalSlack:
        package = resources.files("playground")
        manifest = self._stack.enter_context(resources.as_file(package.joinpath("manifest.yml")))
        page = self._stack.enter_context(resources.as_file(package.joinpath("slack", "page")))
        slack = LocalSlack(manifest, port=self._port, controls=self.controls.application(), page=page)
        self._stack.push_async_callback(slack.stop)
        try:
            await slack.start()
        except OSError as e:
            raise PortUnusableError(self._port, os.strerror(e.errno or 0).lower()) from e
        return slack

    async def _start_oncall(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="oncall-playground-"))
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        ops = RedisServer()  # of its own: the bot must work when the watched broker does not
        ops.start()
        self._stack.callback(ops.stop)
        self.database_url = self.database_url or f"sqlite:///{folder}/oncall.sqlite3"
        self.oncall = OncallProcesses(folder, self._environment(ops), CONFIG)
        self._stack.callback(self.oncall.kill)
        await self.oncall.start(self._bots)

    def _environment(self, ops: RedisServer) -> dict[str, str]:
        return {
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "DATABASE_URL": self.database_url,
            "ONCALL_BROKER_URL": ops.url(),
            "SAMPLE_BROKER_URL": self.cluster.broker_url,
            "SAMPLE_RESULT_URL": self.cluster.result_url,
            "SAMPLE_STATS_URL": self.cluster.stats_url,
        }
