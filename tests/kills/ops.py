"""An installation whose ops worker reaches the watched Redis through a relay, and dies where it is told to."""

import os
import sys
from pathlib import Path
from typing import Any

from celery import Celery

from bot import bootstrap
from bot.adapters.celery.dispatcher import KEY_PREFIX, QUEUE
from bot.adapters.roles import ROLES
from bot.domain.action import Execution, Proposal
from bot.domain.approval import Answer, ApprovalRequest
from bot.ports import Ports
from bot.settings import Need, load_settings
from bot.usecases import approvals, requests
from playground.processes import ChildProcess
from playground.services import RedisServer
from tests.kills.relay import Relay
from tests.usecases.revoking import wait

SETTINGS = """
clusters:
  prod:
    broker_url: '{broker}'
    result_backend: '{results}'
    queues: {{{queues}}}
roles: {{oncall: {{users: [U0ANA, U0BEN]}}}}
policy: {{consent: {{high: [{{approve: 1, from: oncall}}], destructive: [{{approve: 1, from: oncall}}]}}}}
"""


class Ops:
    """The ops side for a cluster with these queues. `ports` are of this process, past the relay.

    `died_at` is the command at which a worker was killed last.
    """

    def __init__(self, folder: Path, server: RedisServer, ops_server: RedisServer, queues: list[str]) -> None:
        self._folder, self._ops_url = folder, ops_server.url()
        self.relay = Relay(server.port, self._die)
        through = server.url().replace(f":{server.port}", f":{self.relay.port}")
        names = ", ".join(f"{q}: {{}}" for q in queues)
        self._env = self._written("ops", SETTINGS.format(broker=through, results=server.url(), queues=names))
        settings = load_settings(
            self._written("near", SETTINGS.format(broker=server.url(), results=server.url(), queues=names)),
            (Need.CLUSTERS,),
        )
        bootstrap.migrate(settings)
        self.ports: Ports = bootstrap.make_ports(settings, "bot")
        with self.ports.store.write() as tx:  # as the bot reads them from Slack
            tx.set_note(ROLES, {"oncall": ["U0ANA", "U0BEN"]})
        self._app = Celery("kills", broker=self._ops_url, set_as_current=False)
        self._app.conf.broker_transport_options = {"global_keyprefix": KEY_PREFIX}
        self._worker: ChildProcess | None = None
        self._lives = 0
        self.died_at = ""

    def _written(self, name: str, text: str) -> dict[str, str]:
        config = self._folder / f"{name}.yml"
        config.write_text(text)
        return {
            "ONCALL_CONFIG": str(config),
            "DATABASE_URL": f"sqlite:///{self._folder}/oncall.sqlite3",
            "ONCALL_BROKER_URL": self._ops_url,
        }

    def start(self) -> None:
        """Start a worker; `celery-oncall worker`, as it is."""
        self._lives += 1
        log = self._folder / f"worker-{self._lives}.log"
        command = [sys.executable, "-P", "-m", "bot", "worker"]
        worker = ChildProcess(command, log=log, cwd=self._folder, env={**os.environ, **self._env})
        self._worker = worker
        worker.wait_until(lambda: "ready." in worker.output(), seconds=60, what="The ops worker")

    def _die(self) -> None:
        assert self._worker is not None
        self._worker.kill()

    def close(self) -> None:
        """End everything."""
        if self._worker is not None:
            self._worker.kill()
        self.relay.close()
        self._app.close()
        bootstrap.close_ports(self.ports)

    def approved(self, action: str, **params: Any) -> str:
        """Ask for an action, have it approved where that is needed, and return its execution's id."""
        draft = requests.draft(
            self.ports, Proposal(action=action, cluster="prod", params=params), "U0ANA", "", "C0ONCALL", None
        )
        assert isinstance(draft, ApprovalRequest), draft
        requests.submit(self.ports, draft.id, "U0ANA")
        if not (made := self._made(draft.id)):
            approvals.answer(self.ports, draft.id, "U0BEN", Answer.APPROVE)
            made = self._made(draft.id)
        return made[0].id

    def _made(self, request: str) -> list[Execution]:
        with self.ports.store.read() as tx:
            return tx.executions.find(request_id=request)

    def execution(self, id: str) -> Execution:
        """Return an execution as the database has it."""
        with self.ports.store.read() as tx:
            return tx.executions.get(id)

    def ran(self, id: str) -> Execution:
        """Have the worker run it to its end."""
        self.relay.end_at(None)
        self._send("tasks.execute", [id])
        wait(lambda: self.execution(id).ended)
        return self.execution(id)

    def killed(self, id: str, place: int, *, after: bool) -> Execution:
        """Have the worker run it and die at a place; the next one ends it. Fails where the place is not reached."""
        self.relay.end_at(place, after=after)
        self._send("tasks.execute", [id])
        wait(lambda: self.relay.ended)
        self.died_at = self.relay.changes[-1]
        self.relay.end_at(None)
        assert not self.execution(id).ended, self.execution(id)
        self.start()
        self._let_the_claim_end(id)
        self._send("tasks.sweep", [])
        wait(lambda: self.execution(id).ended)
        return self.execution(id)

    def _let_the_claim_end(self, id: str) -> None:
        """Let the dead worker's claim be over at once, which takes 20 s otherwise."""
        with self.ports.store.write() as tx:
            execution = tx.executions.get(id)
            tx.executions.save(execution.model_copy(update={"lease_until": self.ports.clock.now()}))

    def _send(self, task: str, arguments: list[str]) -> None:
        self._app.send_task(task, args=arguments, queue=QUEUE, ignore_result=True)
