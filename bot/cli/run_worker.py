"""The command that stands before a worker's own start command, wherever workers are started."""

import os
import socket
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.drivers.launcher import Launch

INHERITED = dict(os.environ)
"""The environment before our own commands forget Celery's variables: the worker is to find all of it."""

DATABASE = "ONCALL_DATABASE_URL"
"""The bot's database, where the worker's application has a DATABASE_URL of its own. The worker does not get it."""


@click.command(
    "run-worker",
    short_help="Start a worker without the queues that are paused.",
    context_settings={"allow_interspersed_args": False},
)
@click.argument("cluster")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run_worker(cluster: str, command: tuple[str, ...]) -> None:
    """Start a worker without the queues that are paused: run-worker CLUSTER -- celery -A app worker …

    This process becomes the worker. When the pauses cannot be read, the worker starts all the same.
    """
    from bot.drivers.launcher import become  # imported late, as all commands do

    argv = list(command[1:] if command[0] == "--" else command)
    launch = _launch(cluster, argv)
    click.echo(f"celery-oncall: {launch.line}", err=True)
    become(launch.argv, {name: value for name, value in INHERITED.items() if name != DATABASE})


def _launch(cluster: str, argv: list[str]) -> "Launch":
    from bot.adapters.sql import open_store
    from bot.drivers.launcher import prepare, unprepared
    from bot.located_yaml import ProblemsFound
    from bot.settings import load_settings

    try:
        chosen = load_settings(_ours(), needs=())
    except ProblemsFound as e:
        return unprepared(argv, " ".join(str(e).split()))
    spec = chosen.spec(cluster)
    return prepare(spec, argv, lambda: open_store(chosen.database_url), INHERITED, socket.gethostname())


def _ours() -> dict[str, str]:
    """Return the two variables that matter here: all others are the application's."""
    url = INHERITED.get(DATABASE) or INHERITED.get("DATABASE_URL", "")
    return {"ONCALL_CONFIG": INHERITED.get("ONCALL_CONFIG", ""), "DATABASE_URL": url}
