"""From the text of DATABASE_URL to a database address; the text may hold a password and is never repeated."""

from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.domain.errors import BadInput

_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
_EXAMPLES = "`sqlite:////var/lib/celery-oncall/oncall.db` or `postgresql://user:password@host/oncall`"
_NO_ADDRESS = f"DATABASE_URL is not a database address; write {_EXAMPLES} (special characters of a password as %XX)."


def parse(text: str) -> URL:
    """Return the address with the driver that is used here; raises BadInput in one sentence without the password."""
    url = _url(text)
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise BadInput(f"DATABASE_URL names the database `{url.drivername}`, which is not supported; use {_EXAMPLES}.")
    url = url.set(drivername=driver)
    if driver == "sqlite":
        _check_file(url)
    else:
        _check_server(url)
    return url


def _url(text: str) -> URL:
    try:
        return make_url(text.strip())
    except (ArgumentError, ValueError):  # ValueError: a port that is no number, as in an unescaped password
        raise BadInput(_NO_ADDRESS) from None


def _check_file(url: URL) -> None:
    if url.host or url.query:
        raise BadInput("DATABASE_URL for SQLite is `sqlite:///` and a path, without host or options.")
    if not url.database or url.database == ":memory:":
        raise BadInput(
            "DATABASE_URL names no file; several processes share the database, so write "
            "`sqlite:////var/lib/celery-oncall/oncall.db`, say."
        )
    if not file_of(url).parent.is_dir():
        raise BadInput(f"DATABASE_URL names the folder `{file_of(url).parent}`, which does not exist; make it first.")


def _check_server(url: URL) -> None:
    if any("@" in part for part in (url.host or "", url.database or "", *url.query)):
        raise BadInput(_NO_ADDRESS)  # the rest of a password with @, / or ? in it, which must not be shown as a name
    try:
        make_conninfo("", **dict.fromkeys(url.query, ""))
    except psycopg.ProgrammingError:
        raise BadInput(
            "DATABASE_URL has an option after its `?` that PostgreSQL does not know; one that it knows is `sslmode`."
        ) from None


def is_sqlite(url: URL) -> bool:
    """Return whether it is a SQLite file, as opposed to a PostgreSQL server."""
    return url.get_backend_name() == "sqlite"


def file_of(url: URL) -> Path:
    """Return the file of a SQLite database."""
    return Path(url.database or "")


def place(url: URL) -> str:
    """Return for people where the database is: never with user or password."""
    if is_sqlite(url):
        return f"the file {url.database}"
    return f"{url.host or 'the local socket'}{f':{url.port}' if url.port else ''}/{url.database or ''}"
