"""The unmodified bot, ops worker and beat as processes of the playground, each ready before anybody goes on."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from playground.processes import ChildProcess, ProcessError
from playground.services import free_port

START_SECONDS = 60.0
COMMAND_SECONDS = 40.0


@dataclass
class OncallProcesses:
    """Processes of `celery-oncall` with one environment, in one folder. `config` has a place for `{port}`."""

    folder: Path
    env: Mapping[str, str]
    config: str
    running: dict[str, ChildProcess] = field(default_factory=dict)
    _health: dict[str, str] = field(default_factory=dict)

    async def start(self, bots: int = 1) -> None:
        """Bring the database up to date, start everything, and return when every bot is ready; raises ProcessError."""
        code, words = await self.command("migrate", port=0)
        if code != 0:
            raise ProcessError(f"`celery-oncall migrate` ended with {code}: {words.strip()}")
        for i in range(bots):
            self.start_bot("bot" if i == 0 else f"bot{i + 1}")
        for name in ("worker", "beat"):
            self.start_other(name)
        await asyncio.gather(*(self.ready(name) for name in self._health))

    def start_bot(self, name: str = "bot") -> None:
        """Start a bot with a web server of its own."""
        port = free_port()
        self._health[name] = f"http://127.0.0.1:{port}"
        self._spawn(name, "bot", port)

    def start_other(self, name: str) -> None:
        """Start the ops worker or beat."""
        self._spawn(name, name, 0)

    async def ready(self, name: str) -> None:
        """Wait until a bot says that it is ready; raises ProcessError with its last words when it ends instead."""
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        async with aiohttp.ClientSession() as session:
            while not await _answers(session, f"{self._health[name]}/readyz"):
                for other, process in self.running.items():
                    if not process.alive:
                        raise ProcessError(f"`celery-oncall {other}` ended: {process.last_words()}")
                if asyncio.get_running_loop().time() > deadline:
                    words = self.running[name].last_words()
                    raise ProcessError(f"The bot was not ready after {START_SECONDS:.0f} s: {words}")
                await asyncio.sleep(0.1)

    async def command(self, *words: str, port: int = 0) -> tuple[int, str]:
        """Run a `celery-oncall` command; returns its exit code and all it printed; TimeoutError when it hangs."""
        process = await asyncio.create_subprocess_exec(
            *_argv(*words),
            cwd=self.folder,
            env=self._environment(port),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
        except BaseException:
            process.kill()
            raise
        return process.returncode or 0, output.decode()

    def kill(self) -> None:
        """End everything at once."""
        for process in self.running.values():
            process.kill()

    def _spawn(self, name: str, command: str, port: int) -> None:
        env = self._environment(port)
        self.running[name] = ChildProcess(_argv(command), log=self.folder / f"{name}.log", cwd=self.folder, env=env)

    def _environment(self, port: int) -> dict[str, str]:
        """Return what a process is told, without proxies: the socket client would send even loopback through one."""
        inherited = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
        path = self.folder / f"oncall-{port}.yml"
        path.write_text(self.config.format(port=port))
        # A killed ops worker leaves a temporary folder behind; in ours it goes with the rest.
        return {**inherited, "TMPDIR": str(self.folder), **self.env, "ONCALL_CONFIG": str(path)}


def _argv(*words: str) -> list[str]:
    return [sys.executable, "-P", "-m", "bot", *words]


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
