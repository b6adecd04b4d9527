"""What docs/install.md tells people to type: it is run here as it stands there."""

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
import yaml

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.connections import CeleryConnections
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.celery.diagnosis import diagnose
from bot.adapters.celery.diagnostics import CeleryDiagnostics
from bot.adapters.celery.dispatcher import CeleryDispatcher
from bot.adapters.celery.examination import examine_ops, ops_connection
from bot.adapters.celery.old_results import CeleryOldResults
from bot.adapters.celery.online import WorkerOnlineWatch
from bot.adapters.celery.orders import CeleryOrders
from bot.adapters.celery.orphans import CeleryOrphans
from bot.adapters.celery.requeues import CeleryRequeues
from bot.adapters.celery.watched import WatchedCluster
from bot.adapters.clock import SystemClock
from bot.adapters.sql import migrate
from bot.cli import cli
from bot.domain.cluster import ClusterSpec, Mode, QueueSpec
from bot.domain.connections import Chosen
from bot.domain.errors import BrokerRefuses
from bot.domain.old_results import ResultsWanted
from bot.domain.orders import StandingOrders
from bot.domain.requeue import FailedWanted, RequeueState
from bot.settings import Need, load_settings
from playground.processes import ChildProcess
from playground.services import RedisServer
from tests.adapters.celery.conftest import wait_for
from tests.doctoring import bad_ones
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

REPOSITORY = Path(__file__).parents[1]
SPEC = ClusterSpec(name="shop", queues=(QueueSpec(name="booking"), QueueSpec(name="analytics")))
SHOW = """show() { printf '%s\\n' "$@"; }
"""
"""In place of redis-cli, a function that shows what redis-cli would be given, one argument a line."""


def blocks(language: str) -> list[str]:
    """Return the document's blocks of code in a language."""
    text = (REPOSITORY / "docs/install.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def set_user(server: RedisServer, user: str, prefix: str = "", db: int = 0) -> str:
    """Run the document's script for a user, with the password `pw`; returns the broker's address for that user."""
    (script,) = (b for b in blocks("sh") if f"ACL SETUSER {user} " in b)
    for ours, theirs in (("P=''", f"P='{prefix}'"), ("DB=0", f"DB={db}"), ("redis-cli ", "show ")):
        script = script.replace(ours, theirs)
    env = {**os.environ, "PASSWORD": "pw", "OPS_PASSWORD": "pw"}
    arguments = subprocess.check_output(["sh", "-c", SHOW + script], env=env, text=True).splitlines()
    with server.client() as client:
        assert client.execute_command(*arguments)
    return server.url(db).replace("//", f"//{user}:pw@")


def added_rules(about: str) -> list[str]:
    """Return the rules of the row that begins so, in the document's table of what else may be allowed."""
    text = (REPOSITORY / "docs/install.md").read_text(encoding="utf-8")
    (row,) = (line for line in text.splitlines() if line.startswith(f"| {about}"))
    return [rule.replace("\\|", "|").replace("${P}", "") for rule in re.findall(r'"([^"]+)"', row)]


def refusals(server: RedisServer) -> list[str]:
    """Return what any user was refused, as the server's log has it; but for the one that the document tells of."""
    with server.client() as client:
        refused = [f"{entry['username']}: {entry['object']}" for entry in client.acl_log()]
    return [r for r in refused if r != "celery-oncall: client|setinfo"]


# --- the user for the watched broker ---------------------------------------------------------------------------------


@pytest.mark.service
@pytest.mark.parametrize(("prefix", "db"), [("", 0), ("shop:", 2)])
def test_all_that_the_bot_does_works_under_its_user(
    redis_server: RedisServer, celery_worker: StartWorker, prefix: str, db: int
) -> None:
    """Snapshot, depths, consumers, pause, resume, diagnosis, the watch for new workers; not one refusal is logged."""
    env = {"SAMPLE_PREFIX": prefix} if prefix else {}
    celery_worker(redis_server.url(db), queues=["booking", "analytics"], pool="solo", env=env)
    url = set_user(redis_server, "celery-oncall", prefix, db)
    connection = ClusterConnection("shop", url, global_keyprefix=prefix)
    heard: list[str] = []
    watch = WorkerOnlineWatch(connection, heard.append)
    watch.start()
    assert watch.wait_connected(10)
    control = CeleryClusterControl(connection, SPEC, SystemClock())
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url(db), **env})
    app.send_task("sample.add", (1, 1), queue="elsewhere", priority=6)

    snapshot = control.snapshot()
    assert (snapshot.unknown, [w.name for w in snapshot.workers]) == ((), ["w1@test"])
    assert all(q.unacked == 0 for q in snapshot.queues)
    assert control.depths() == {"booking": 0, "analytics": 0, "elsewhere": 1}
    assert control.cancel_consumer("analytics", ["w1@test"]) == {"w1@test": "ok"}
    wait_for(lambda: control.consumers() == {"w1@test": frozenset({"booking"})})
    assert control.add_consumer("analytics", ["w1@test"]) == {"w1@test": "ok"}
    wait_for(lambda: control.consumers() == {"w1@test": frozenset({"booking", "analytics"})})
    found = diagnose(connection, SPEC, 10)
    assert (found.why, found.workers, found.events.heartbeats) == (None, ("w1@test",), frozenset({"w1@test"}))
    assert found.server is not None
    celery_worker(redis_server.url(db), name="w2", pool="solo", env=env, wait=False)
    wait_for(lambda: heard == ["w2@test"], seconds=60)
    watch.close()
    control.close()
    assert refusals(redis_server) == []


ALLOWED = {"exec", "info", "llen", "multi", "ping", "scan", "select", "client|setname"}
"""What the user may do with a key `booking`, out of all commands that the server has."""

ALWAYS = {"auth", "hello", "quit", "reset"}
"""What Redis forbids nobody."""


@pytest.mark.service
def test_the_rules_for_closing_connections_suffice(redis_server: RedisServer) -> None:
    """Those of the table's row, added to that user, list connections and close a chosen one."""
    rules = added_rules("closing connections")
    url = set_user(redis_server, "celery-oncall")
    watched = WatchedCluster(ClusterConnection("shop", url), SPEC)
    connections = CeleryConnections(watched)
    with redis_server.client() as client, redis_server.client() as web:
        client.execute_command("ACL", "SETUSER", "celery-oncall", *rules)
        number = web.client_id()
        (chosen,) = (c for c in connections.all() if c.id == number)
        assert connections.close([chosen], Chosen(ids=(number,), workers=True), lambda _: None) == 1
        assert number not in {c.id for c in connections.all()}
    watched.close()


@pytest.mark.service
def test_the_rule_for_standing_orders_suffices_and_is_needed(redis_server: RedisServer) -> None:
    """That of the table's row lets them be written; without it the refusal is told in words."""
    url = set_user(redis_server, "celery-oncall")
    watched = WatchedCluster(ClusterConnection("shop", url), SPEC)
    orders = CeleryOrders(watched, SystemClock())
    given = StandingOrders(paused={"analytics": datetime.now(UTC) + timedelta(minutes=5)})
    with pytest.raises(BrokerRefuses, match=r"docs/install\.md"):
        orders.give(given)
    with redis_server.client() as client:
        client.execute_command("ACL", "LOG", "RESET")
        client.execute_command("ACL", "SETUSER", "celery-oncall", *added_rules("pauses and rate limits"))
        orders.give(given)
        assert b"analytics" in (client.get("oncall.orders") or b"")
    watched.close()
    assert refusals(redis_server) == []


@pytest.mark.service
def test_the_rules_for_requeue_suffice(redis_server: RedisServer) -> None:
    """Those of the table's rows let a failed task of the worker plugin's record be sent again, all steps of it."""
    url = set_user(redis_server, "celery-oncall")
    watched = WatchedCluster(ClusterConnection("shop", url), SPEC)
    requeues = CeleryRequeues(watched, SystemClock())
    with redis_server.client() as client:
        client.execute_command("ACL", "SETUSER", "celery-oncall", *added_rules("requeue"), *added_rules("results"))
        keep_failures(client, [f"id-{n}" for n in range(12)])
        found = requeues.find(FailedWanted(task="shop.fails", since=datetime.now(UTC) - timedelta(hours=1)))
        assert len(found.failed) == 12
        requeues.prepare("exe-1", found.failed, None, lambda _: None)
        requeues.send("exe-1", lambda _: None, lambda r: r.sent >= 1)
        requeues.mark_tried("exe-1")
        assert requeues.send("exe-1", lambda _: None, lambda _: False).state is RequeueState.DONE
        assert client.llen("booking") == 12
        requeues.prepare("exe-2", found.failed, None, lambda _: None)
        assert requeues.stop("exe-2").state is RequeueState.STOPPED
    requeues.close()
    watched.close()
    assert refusals(redis_server) == []


@pytest.mark.service
def test_the_rules_for_orphans_suffice(redis_server: RedisServer) -> None:
    """Those of the table's rows let what a lost worker took be found and put back."""
    url = set_user(redis_server, "celery-oncall")
    watched = WatchedCluster(ClusterConnection("shop", url), SPEC)
    diagnostics, orphans = CeleryDiagnostics(watched, SystemClock()), CeleryOrphans(watched, listen_seconds=0.1)
    with redis_server.client() as client:
        rules = [*added_rules("orphans,"), *added_rules("putting orphans back")]
        client.execute_command("ACL", "SETUSER", "celery-oncall", *rules)
        client.hset("unacked", "t1", '[{"headers": {"id": "id-1", "task": "shop.pay"}}, "", "booking"]')
        client.zadd("unacked_index", {"t1": 1000})
        assert (orphans.heard(), orphans.uptime() is not None) == (frozenset(), True)
        assert orphans.put_back(diagnostics.unacknowledged().orphans, lambda _: None).restored == 1
        assert (client.llen("booking"), client.exists("unacked")) == (1, 0)
    diagnostics.close()
    watched.close()
    assert refusals(redis_server) == []


@pytest.mark.service
def test_the_rules_for_deleting_old_results_suffice(redis_server: RedisServer) -> None:
    """Those of the table's rows let results be counted, looked at and deleted, and nothing else."""
    url = set_user(redis_server, "celery-oncall")
    watched = WatchedCluster(ClusterConnection("shop", url, result_backend=url), SPEC)
    results = CeleryOldResults(watched, SystemClock())
    with redis_server.client() as client:
        rules = [*added_rules("results"), *added_rules("deleting old results")]
        client.execute_command("ACL", "SETUSER", "celery-oncall", *rules)
        old = json.dumps({"status": "SUCCESS", "date_done": "2026-01-01T00:00:00+00:00", "group_id": "g1"})
        client.mset({"celery-task-meta-1": old, "celery-task-meta-2": old.replace("g1", "g2"), "booking": old})
        client.set("celery-taskset-meta-g1.t", 1)
        wanted = ResultsWanted(before=datetime(2026, 6, 1, tzinfo=UTC))
        assert results.census(wanted).meant == 1
        assert results.clean(wanted, 100, lambda _: None).deleted == 1
        assert set(client.keys("*")) == {b"celery-task-meta-1", b"booking", b"celery-taskset-meta-g1.t"}
    results.close()
    watched.close()
    assert refusals(redis_server) == []


def keep_failures(client: "redis.Redis", ids: list[str]) -> None:
    """Put failures on record, as the worker plugin does."""
    for each in ids:
        headers = {"lang": "py", "task": "shop.fails", "id": each, "root_id": each, "retries": 0, "argsrepr": "()"}
        properties = {"delivery_info": {"exchange": "", "routing_key": "booking"}, "priority": 0}
        body = base64.b64encode(b"[[], {}, {}]").decode()
        message = {"body": body, "content-encoding": "utf-8", "content-type": "application/json", "headers": headers}
        message["properties"] = properties | {"body_encoding": "base64", "delivery_tag": each}
        record = {"id": each, "task": "shop.fails", "queue": "booking", "failed_at": time.time(), "message": message}
        record |= {"exception": "ValueError", "error": "", "worker": "w1@test", "retries": 0}
        client.hset("oncall.failed", each, json.dumps(record))
        client.zadd("oncall.failed.at", {each: time.time()})


def test_the_user_may_do_nothing_else(redis_server: RedisServer) -> None:
    """Every command of the server is tried on a queue of the application: its length is all that is told."""
    set_user(redis_server, "celery-oncall")
    with redis_server.client() as client:
        commands = {raw.decode() for raw in client.execute_command("COMMAND LIST")}
        tried = {name: _dry_run(client, name) for name in commands}
    assert {name for name, answer in tried.items() if answer == "OK"} == ALLOWED | ALWAYS
    assert sum("no permissions" in answer for answer in tried.values()) > 200


def _dry_run(client: "redis.Redis", command: str) -> str:
    """Return what the server says of a command whose every argument is `booking`."""
    name, _, sub = command.partition("|")
    found = client.execute_command("COMMAND", "INFO", command)  # type: ignore[no-untyped-call]  # redis-py leaves it so
    (arity,) = (info["arity"] for info in found.values())
    arguments = [name, *([sub] if sub else [])]
    arguments += ["booking"] * (abs(arity) - len(arguments))
    try:
        answer = client.acl_dryrun("celery-oncall", *arguments)
    except redis.ResponseError as error:  # arguments that this command cannot have
        return str(error)
    return answer.decode() if isinstance(answer, bytes) else str(answer)


@pytest.mark.service
@pytest.mark.parametrize(
    "command",
    [
        "LRANGE booking 0 -1",
        "LPUSH booking x",
        "DEL booking",
        "HSET unacked tag x",
        "SADD _kombu.binding.booking x",
        "SMEMBERS somebodys-set",
        "GET celery-task-meta-1",
        "KEYS *",
        "FLUSHDB",
        "EVAL return(1) 0",
        "PUBLISH /0.celeryev/worker.heartbeat x",
        "PUBLISH news x",
        "SUBSCRIBE /0.celery.pidbox",
        "PSUBSCRIBE *",
        "CONFIG GET requirepass",
        "ACL LIST",
        "MONITOR",
    ],
)
def test_the_user_is_refused(redis_server: RedisServer, command: str) -> None:
    """Whatever would read or change the application's data, listen to others, or look at the server."""
    url = set_user(redis_server, "celery-oncall")
    with redis.Redis.from_url(url) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command.split())


# --- the user for the ops broker -------------------------------------------------------------------------------------


@pytest.mark.service
def test_the_ops_worker_works_under_its_user(redis_server: RedisServer, tmp_path: Path) -> None:
    """On the watched server: dispatch, ops worker, beat and doctor, without one refusal and outside no key."""
    env = {
        **os.environ,
        "PROD_BROKER_URL": set_user(redis_server, "celery-oncall"),
        "ONCALL_BROKER_URL": (url := set_user(redis_server, "celery-oncall-ops")),
        "DATABASE_URL": f"sqlite:///{tmp_path}/oncall.sqlite3",
    }
    migrate(env["DATABASE_URL"])
    dispatcher = CeleryDispatcher(url)
    with started("worker", tmp_path, env) as worker, started("beat", tmp_path, env) as beat:
        worker.wait_until(lambda: "ready." in worker.output(), seconds=60, what="The ops worker")
        beat.wait_until(lambda: "Starting" in beat.output(), seconds=60, what="The beat")
        assert dispatcher.dispatch("exe-1")
        wait_for(lambda: "tasks.execute" in worker.output().partition("ready.")[2])
        assert bad_ones(examine_ops(ops_connection(url), [], 10)) == []
        worker.stop(grace=20)
    dispatcher.close()
    assert refusals(redis_server) == []
    with redis_server.client() as client:
        assert all(key.startswith(b"oncall:") for key in client.keys("*"))


class started:  # noqa: N801 - read as a verb: `with started("worker", …)`
    """A `celery-oncall <name>` that ends with the block."""

    def __init__(self, name: str, folder: Path, env: Mapping[str, str]) -> None:
        command = [sys.executable, "-P", "-m", "bot", name]
        self._process = ChildProcess(command, log=folder / f"{name}.log", cwd=folder, env=env)

    def __enter__(self) -> ChildProcess:
        """Return the process."""
        return self._process

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.kill()


# --- settings, commands, links ---------------------------------------------------------------------------------------


@pytest.fixture
def env_file() -> dict[str, str]:
    """The variables of the document's `.env`."""
    (block,) = (b for b in blocks("sh") if "SLACK_BOT_TOKEN=" in b)
    return dict(line.split("=", 1) for line in block.splitlines())


def test_the_settings_work_as_they_stand(env_file: dict[str, str], tmp_path: Path) -> None:
    """With the `.env` that stands below them; nothing is to be executed to begin with."""
    (text,) = blocks("yaml")
    (tmp_path / "oncall.yml").write_text(text, encoding="utf-8")
    settings = load_settings(env_file | {"ONCALL_CONFIG": str(tmp_path / "oncall.yml")}, tuple(Need))
    assert settings.spec("prod").mode is Mode.OBSERVE
    assert settings.channels == {"C0123456789": "prod"}
    assert settings.roles["oncall"].groups == ("S0123456789",)


def test_the_commented_options_are_keys_too(tmp_path: Path, env_file: dict[str, str]) -> None:
    """Whoever removes the `#` gets what the comment says."""
    (text,) = blocks("yaml")
    (tmp_path / "oncall.yml").write_text(
        re.sub(r"^    # (?=\w+: )", "    ", text, flags=re.MULTILINE), encoding="utf-8"
    )
    settings = load_settings(env_file | {"ONCALL_CONFIG": str(tmp_path / "oncall.yml")}, tuple(Need))
    assert settings.broker("prod").global_keyprefix == "shop:"


@pytest.mark.parametrize("document", ["docs/install.md", "compose.yaml", "Dockerfile"])
def test_commands_that_are_named_exist(document: str) -> None:
    """A command that was renamed would be named in vain."""
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    named = set(re.findall(r"(?<![\w@:/-])celery-oncall ((?!reset|is|in|on|with)[a-z][a-z-]+)(?= |`|$|,)", text))
    if document == "compose.yaml":
        services = yaml.safe_load(text)["services"].values()
        named |= {s["command"][0] for s in services if s.get("image") == "celery-oncall"}
    assert named - {"shop"} <= set(cli.commands), named


def test_links_lead_somewhere() -> None:
    """To files of the repository, and to headings of the document."""
    text = (REPOSITORY / "docs/install.md").read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-")
        for h in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, heading = target.partition("#")
        assert not path or (REPOSITORY / "docs" / path).exists(), target
        assert path or heading in headings, target


def test_the_image_copies_every_package() -> None:
    """A package that is forgotten in the Dockerfile is missing in the image."""
    dockerfile = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
    copied = set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE))
    packages = re.search(r"module-name = \[(.+)\]", (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert packages is not None
    assert copied == set(re.findall(r'"(\w+)"', packages[1]))
