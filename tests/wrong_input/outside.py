"""Databases and brokers that are not as the settings say: real ones, where a sentence needs one.

Ports, folders and seconds differ from run to run; what is shown has the usual ones in their place.
"""

import functools
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from click.testing import CliRunner
from sqlalchemy import create_engine, text

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.celery.examination import examine_cluster
from bot.adapters.clock import SystemClock
from bot.adapters.sql import migrate
from bot.adapters.sql.address import parse
from bot.cli import cli
from bot.domain.cluster import ClusterSpec
from bot.domain.errors import OncallError
from playground.services import RedisServer
from tests.services.network import SilentServer, refused_port
from tests.services.postgres import PostgresServer
from tests.services.require import require
from tests.wrong_input.row import Row

DATABASE = "The database: `DATABASE_URL`"
BROKER = "The broker of a watched cluster"
FOLDER = "/var/lib/celery-oncall"
SPEC = ClusterSpec(name="prod")


# --- databases -------------------------------------------------------------------------------------------------------


def _typed(url: str, *words: str) -> str:
    """Return what `celery-oncall audit verify` says, or another command, with this DATABASE_URL."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        result = CliRunner().invoke(cli, words or ("audit", "verify"), env={"DATABASE_URL": url, "ONCALL_CONFIG": ""})
    assert result.exit_code in (1, 2), result.output
    return result.stderr.removesuffix("\n").replace("127.0.0.1:" + (_port(url) or "0"), "127.0.0.1:5432")


def _port(url: str) -> str:
    found = re.search(r":(\d+)/", url)
    return found[1] if found else ""


def _refused_address(url: str) -> Row:
    return Row(DATABASE, f"DATABASE_URL={url}", lambda: _typed(url))


def _in_a_folder(name: str, prepare: Callable[[str], object], shown: str, *words: str) -> Row:
    """A row about a SQLite file that is prepared before it is used."""

    def tell() -> str:
        with tempfile.TemporaryDirectory() as folder:
            url = f"sqlite:///{folder}/{name}"
            prepare(url)
            return _typed(url, *words).replace(folder, FOLDER)

    return Row(DATABASE, shown, tell)


def _nothing(_url: str) -> None:
    """Prepare nothing."""


def _of_the_future(url: str) -> None:
    migrate(url)
    _sql(url, "UPDATE oncall_revision SET version_num = '0099'")


def _of_somebody_else(url: str) -> None:
    _sql(url, "CREATE TABLE runs (theirs INTEGER)")


def _no_database(url: str) -> None:
    Path(url.removeprefix("sqlite:///")).write_text("Dear diary, " * 1_000)


def _sql(url: str, statement: str) -> None:
    engine = create_engine(parse(url))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


@functools.cache
def _postgres() -> dict[str, str]:
    """Return what is said of one PostgreSQL server, by what is wrong with its address."""
    server = PostgresServer(require("postgres").parent)
    try:
        url = server.create_database()
        wrong = {
            "no such database": url.rpartition("/")[0] + "/oncal",
            "no such user": url.replace("postgres@", "oncal@"),
            "no tables": url,
        }
        made = url.rpartition("/")[2]
        return {what: _typed(address).replace(made, "oncall") for what, address in wrong.items()}
    finally:
        server.stop()


def _on_postgres(what: str, shown: str) -> Row:
    return Row(DATABASE, shown, lambda: _postgres()[what], service=True)


def _refusing_server() -> str:
    with refused_port() as port:
        return _typed(f"postgresql://oncall:secret@127.0.0.1:{port}/oncall")


def _silent_server() -> str:
    with _silent() as server:
        return _typed(f"postgresql://oncall:secret@127.0.0.1:{server.port}/oncall")


@contextmanager
def _silent() -> Iterator[SilentServer]:
    server = SilentServer()
    try:
        yield server
    finally:
        server.close()


DATABASE_ROWS = [
    _refused_address("/var/lib/oncall.db"),
    _refused_address("mysql://db/oncall"),
    _refused_address("sqlite://"),
    _refused_address("sqlite:////nowhere/oncall.db"),
    _refused_address("sqlite:///oncall.db?mode=ro"),
    _refused_address("postgresql://oncall:p@ss@db/oncall"),
    _refused_address("postgresql://db/oncall?sslmod=require"),
    _in_a_folder("oncall.db", _nothing, "a SQLite file that is not there"),
    _in_a_folder("oncall.db", _of_the_future, "a database that a newer version has upgraded"),
    _in_a_folder(
        "oncall.db", _of_somebody_else, "a database of another program, at `celery-oncall migrate`", "migrate"
    ),
    _in_a_folder("diary.txt", _no_database, "a file that is no database"),
    _on_postgres("no tables", "a PostgreSQL database without tables"),
    _on_postgres("no such database", "postgresql://postgres@127.0.0.1/oncal (no such database)"),
    _on_postgres("no such user", "postgresql://oncal@127.0.0.1/oncall (no such user)"),
    Row(DATABASE, "postgresql://oncall@127.0.0.1/oncall, where nothing listens", _refusing_server),
    Row(DATABASE, "postgresql://oncall@127.0.0.1/oncall, which keeps silent", _silent_server),
]

# --- brokers ---------------------------------------------------------------------------------------------------------


def _asked(url: str) -> str:
    """Return what is said where live numbers were asked for."""
    control = CeleryClusterControl(ClusterConnection("prod", url), SPEC, SystemClock())
    try:
        control.snapshot()
    except OncallError as e:
        return re.sub(r"waited \d+\.\d s", "waited 1.0 s", str(e)).replace(f"127.0.0.1:{_port(url)}", "127.0.0.1:6379")
    finally:
        control.close()
    raise AssertionError("nothing was wrong")


def _refusing_broker() -> str:
    with refused_port() as port:
        return _asked(f"redis://:secret@127.0.0.1:{port}/0")


def _silent_broker(scheme: str = "redis") -> str:
    with _silent() as server:
        return _asked(f"{scheme}://:secret@127.0.0.1:{server.port}/0")


@functools.cache
def _redis() -> dict[str, str]:
    """Return what is said of one Redis server, by what is wrong with its address."""
    require("redis")
    with RedisServer() as server, server.client() as client:
        client.sadd("_kombu.binding.booking", "booking\x06\x16\x06\x16booking")
        client.acl_setuser("lookout", enabled=True, nopass=True, commands=["+ping"])
        away = f"127.0.0.1:{server.port}"
        found = examine_cluster(ClusterConnection("prod", server.url(db=1)), SPEC, 2.0)
        return {
            "password": _asked(f"redis://:secret@{away}/0"),
            "number": _asked(f"redis://{away}/99"),
            "rights": _asked(f"redis://lookout:secret@{away}/0"),
            "empty": next(d.sentence for d in found if "No queue" in d.sentence),
        }


def _on_redis(what: str, shown: str) -> Row:
    return Row(BROKER, shown, lambda: _redis()[what], service=True)


BROKER_ROWS = [
    Row(BROKER, "redis://broker:6379/0, where nothing listens", _refusing_broker),
    Row(BROKER, "redis://broker:6379/0, which keeps silent", _silent_broker),
    Row(BROKER, "rediss://broker:6379/0, which speaks no TLS", lambda: _silent_broker("rediss")),
    _on_redis("password", "redis://:wrong@broker:6379/0"),
    _on_redis("number", "redis://broker:6379/99, with 16 databases"),
    _on_redis("rights", "redis://lookout:…@broker:6379/0, a user whose ACL lacks a command"),
    _on_redis("empty", "redis://broker:6379/1, while the queues are in database 0 (celery-oncall doctor)"),
]
