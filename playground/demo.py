"""The playground: a local Slack, a sample cluster, and the unmodified bot, ops worker and beat, started and ended."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from playground.cluster.cluster import Cluster
from playground.config import CONFIG
from playground.controls import Controls
from playground.processes import ChildProcess, ProcessError
from playground.services import RedisServer, free_port
from playground.slack.person import Person, Webhook
from playground.slack.server import LocalSlack

START_SECONDS = 60.0
COMMAND_SECONDS = 20.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class Address:
    """Where the bot's own files and servers are."""

    folder: Path
    health: str


class Demo:
    """Everything of the playground; `async with Demo(...)` starts it and ends all of it, also after half a start.

    `port` is the local Slack's, 0 for any free one.
    """

    def __init__(self, say: Say, *, port: int = 0, image_worker: bool = True) -> None:
        self._say = say
        self._stack = AsyncExitStack()
        self.cluster = Cluster(image_worker=image_worker)
        self._port = port
        self.processes: dict[str, ChildProcess] = {}

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

    async def fire(self, payload: dict[str, object]) -> None:
        """Post an alert as Alertmanager does."""
        await Webhook(self.slack.url).post(payload)

    async def command(self, *words: str) -> tuple[int, str]:
        """Run a `celery-oncall` command beside the bot; returns its exit code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *words,
            cwd=self.address.folder,
            env=self._env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
        return process.returncode or 0, output.decode()

    async def _start(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="oncall-playground-"))
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        self._say("Starting the sample cluster: Redis, three Celery workers, beat, traffic.")
        await self._stack.enter_async_context(self.cluster)
        depths = await self._stack.enter_async_context(self.cluster.depths())
        self.controls = Controls(self.cluster, depths, self.fire)
        self._say("Starting a Slack of its own, on this machine alone.")
        self.slack = await self._start_slack()
        self._say("Starting the bot, its ops worker and its beat, with a database of their own.")
        self.address = Address(folder, f"http://127.0.0.1:{free_port()}")
        ops = RedisServer()
        ops.start()
        self._stack.callback(ops.stop)
        await self._start_bot(ops)

    async def _start_slack(self) -> LocalSlack:
        manifest = self._stack.enter_context(resources.as_file(resources.files("playground").joinpath("manifest.yml")))
        page = self._stack.enter_context(resources.as_file(resources.files("playground.slack").joinpath("page")))
        slack = LocalSlack(manifest, port=self._port, controls=self.controls.application(), page=page)
        await slack.start()
        self._stack.push_async_callback(slack.stop)
        return slack

    async def _start_bot(self, ops: RedisServer) -> None:
        folder = self.address.folder
        (folder / "oncall.yml").write_text(CONFIG.format(port=self.address.health.rpartition(":")[2]))
        self._env = env = self._environment(ops)
        await self._run("migrate", env)
        for name in ("bot", "worker", "beat"):
            self.processes[name] = self._spawn(name, env)
            self._stack.callback(self.processes[name].kill)
        await self._ready()

    def _spawn(self, name: str, env: dict[str, str]) -> ChildProcess:
        folder = self.address.folder
        return ChildProcess([sys.executable, "-m", "bot", name], log=folder / f"{name}.log", cwd=folder, env=env)

    async def _run(self, name: str, env: dict[str, str]) -> None:
        process = self._spawn(name, env)
        await asyncio.to_thread(
            process.wait_until, lambda: not process.alive, seconds=START_SECONDS, what=f"`celery-oncall {name}`"
        )

    def _environment(self, ops: RedisServer) -> dict[str, str]:
        """Return what the bot is told, without proxies: its socket client would send even loopback through one."""
        inherited = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        return inherited | {
            "ONCALL_CONFIG": str(self.address.folder / "oncall.yml"),
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "DATABASE_URL": f"sqlite:///{self.address.folder}/oncall.sqlite3",
            "ONCALL_BROKER_URL": ops.url(),
            "SAMPLE_BROKER_URL": self.cluster.broker_url,
            "SAMPLE_RESULT_URL": self.cluster.result_url,
        }

    async def _ready(self) -> None:
        """Wait until the bot says that it is ready; raises ProcessError with its last words when it ends instead."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + START_SECONDS
        async with aiohttp.ClientSession() as session:
            while loop.time() < deadline:
                for name, process in self.processes.items():
                    if not process.alive:
                        raise ProcessError(f"`celery-oncall {name}` ended: {process.last_words()}")
                try:
                    async with session.get(f"{self.address.health}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.1)
        raise ProcessError(f"The bot was not ready after {START_SECONDS:.0f} s: {self.processes['bot'].last_words()}")
