"""The command `celery-oncall run-worker`, as a process: what it becomes, what it says, and with which code it ends."""

import json
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from bot.adapters.sql import migrate, open_store
from bot.domain.mitigation import Mitigation, MitigationState

CONFIG = """
clusters:
  shop:
    broker_url: redis://127.0.0.1:1/0
    queues: {booking: {importance: 10}, analytics: {importance: 3}}
    worker_groups: {worker1: {queues: [booking, analytics]}}
roles: {oncall: {users: []}}
"""
STAND_IN = f"""#!{sys.executable}
import json, os, sys
facts = dict(pid=os.getpid(), argv=sys.argv[1:], broker=os.environ.get("CELERY_BROKER_URL"))
facts["databases"] = {{n: v for n, v in os.environ.items() if "DATABASE" in n}}
print(json.dumps(facts))
"""


class Launched:
    """One run to its end: the process's id, code, standard error, and what the worker said of itself."""

    def __init__(self, folder: Path, *arguments: str, **env: str) -> None:
        variables = {"PATH": str(folder), "ONCALL_CONFIG": str(folder / "oncall.yml"), **env}
        variables.setdefault("DATABASE_URL", f"sqlite:///{folder}/oncall.sqlite3")
        command = [sys.executable, "-m", "bot", "run-worker", *arguments]
        with subprocess.Popen(
            command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            out, self.said = process.communicate(timeout=60)
        self.pid, self.code = process.pid, process.returncode
        self.worker = json.loads(out) if out else None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with settings, a database in which analytics is paused, and a program named `celery`."""
    (tmp_path / "oncall.yml").write_text(CONFIG)
    (tmp_path / "celery").write_text(STAND_IN)
    (tmp_path / "celery").chmod(0o755)
    url, now = f"sqlite:///{tmp_path}/oncall.sqlite3", datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    migrate(url)
    store = open_store(url)
    with store.write() as tx:
        tx.mitigations.add(
            Mitigation(
                id="mit-1",
                cluster="shop",
                target="analytics",
                state=MitigationState.IN_FORCE,
                owner="U0ANA",
                reason="load",
                channel="C0ONCALL",
                began_at=now,
                ends_at=now + timedelta(minutes=30),
            )
        )
    store.close()
    return tmp_path


WORKER = ("celery", "-A", "app", "worker", "-Q", "booking,analytics", "-n", "worker1@%h")


@pytest.mark.parametrize("dashes", [("--",), ()])
def test_it_becomes_the_worker_without_the_paused_queue(folder: Path, dashes: tuple[str, ...]) -> None:
    """Same process, Celery's own variables kept, one line on standard error; the `--` may be left out."""
    ran = Launched(folder, "shop", *dashes, *WORKER, CELERY_BROKER_URL="redis://app")
    assert ran.said == "celery-oncall: Paused on shop, and left out of this worker: analytics (until 03:30 UTC).\n"
    assert ran.worker is not None
    assert (ran.worker["pid"], ran.worker["broker"]) == (ran.pid, "redis://app")
    assert ran.worker["argv"] == ["-A", "app", "worker", "-X", "analytics", *WORKER[4:]]


def test_the_application_may_have_a_database_of_its_own(folder: Path) -> None:
    """Many have a DATABASE_URL; ours then has another name, and the worker does not see it."""
    ours = f"sqlite:///{folder}/oncall.sqlite3"
    ran = Launched(folder, "shop", "--", *WORKER, DATABASE_URL="mysql://shop", ONCALL_DATABASE_URL=ours)
    assert ran.worker is not None
    assert "-X" in ran.worker["argv"]
    assert ran.worker["databases"] == {"DATABASE_URL": "mysql://shop"}


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"DATABASE_URL": "sqlite:////nowhere/oncall.sqlite3"}, "names the folder `/nowhere`, which does not exist"),
        ({"DATABASE_URL": "postgresql://oncall@127.0.0.1:1/oncall"}, "The bot's own database is not answering"),
        ({"ONCALL_CONFIG": "/nowhere/oncall.yml"}, "there is no such file"),
    ],
)
def test_the_worker_starts_when_the_pauses_cannot_be_read(folder: Path, env: dict[str, str], words: str) -> None:
    """No database, no settings: the command runs as it was written, and the line says so."""
    ran = Launched(folder, "shop", "--", *WORKER, **env)
    assert ran.said.startswith("celery-oncall: Started without looking for pauses, so it may consume a paused queue: ")
    assert words in ran.said
    assert len(ran.said.splitlines()) == 1
    assert ran.worker is not None
    assert ran.worker["argv"] == list(WORKER[1:])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("shp", "--", *WORKER), "There is no cluster `shp`. Did you mean `shop`?"),
        (("shop", "--", "celery", "-A", "app", "beat"), "is `celery beat`, which starts no worker"),
        (("shop", "--", "./start.sh"), "`./start.sh` is no `celery … worker` command."),
        (("shop", "--", "/nowhere/celery", "worker"), "`/nowhere/celery` cannot be run: No such file or directory."),
        (("shop",), "Missing argument 'COMMAND...'"),
    ],
)
def test_a_wrong_start_command_is_refused(folder: Path, arguments: tuple[str, ...], words: str) -> None:
    """Exit 2 and a sentence: it is found at the first start, by whoever wrote it."""
    ran = Launched(folder, *arguments)
    assert ran.code == 2
    assert words in ran.said
    assert "Traceback" not in ran.said
    assert ran.worker is None


@pytest.mark.service
def test_a_role_that_may_only_read_two_tables_is_enough(folder: Path, postgres_url: str) -> None:
    """Workers need not be able to change anything of the bot's."""
    migrate(postgres_url)
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as admin:
        role = f"reader_{uuid.uuid4().hex}"
        admin.execute(f"CREATE ROLE {role} LOGIN")
        admin.execute(f"GRANT SELECT ON mitigations, oncall_revision TO {role}")
    ran = Launched(folder, "shop", "--", *WORKER, DATABASE_URL=postgres_url.replace("postgres@", f"{role}@"))
    assert ran.said == "celery-oncall: Nothing that this worker consumes is paused on shop.\n"


def test_what_is_said_of_the_environment_is_not_said_of_its_secrets(folder: Path) -> None:
    """A password in DATABASE_URL stays out of the worker's log."""
    ran = Launched(folder, "shop", "--", *WORKER, DATABASE_URL="postgresql://oncall:s3cret@127.0.0.1:1/oncall")
    assert "s3cret" not in ran.said
    assert ran.code == 0
