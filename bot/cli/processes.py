"""The commands that start processes: the bot, its ops worker and beat, all three, and the playground."""

import contextlib
import os
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.environment import child_environment, settings

if TYPE_CHECKING:
    from bot.settings import Settings

WORKER = ("--pool=prefork", "--concurrency=2", "--prefetch-multiplier=1", "--without-mingle", "--without-gossip")


@click.command()
@click.option("--migrate", "first", is_flag=True, help="Bring the database to the newest revision first.")
def bot(first: bool) -> None:
    """Run the bot: Slack, cards, and a small web server."""
    chosen = settings("slack", "clusters")
    from bot import bootstrap  # imports all adapters, which takes a second

    if first:
        bootstrap.migrate(chosen)
    bootstrap.run_bot(chosen)


@click.command()
def worker() -> None:
    """Run the ops worker, which executes what was approved."""
    chosen = settings("clusters")
    from bot.adapters.sql import open_store  # brings SQLAlchemy

    open_store(chosen.database_url).close()  # else its children would say so, in tracebacks, and it would run on
    _become_celery(chosen, "worker", *WORKER, f"--hostname=oncall-{os.getpid()}@%h")


@click.command()
def beat() -> None:
    """Run the ops beat, which triggers the sweep."""
    # Every entry is due within seconds, so that nothing need be remembered in a file from one start to the next.
    _become_celery(settings("clusters"), "beat", "--scheduler=celery.beat:Scheduler", "--pidfile=")


@click.command()
def up() -> None:
    """Run bot, ops worker and beat together, on one host. Migrates the database first; ends when one of them does."""
    chosen = settings("slack", "clusters")
    from bot import bootstrap  # as above
    from bot.cli.together import run_together  # only needed here

    bootstrap.migrate(chosen)
    commands = {name: [sys.executable, "-P", "-m", "bot", name] for name in ("bot", "worker", "beat")}
    sys.exit(run_together(commands, child_environment(chosen)))


@click.command()
def migrate() -> None:
    """Bring the database to the newest revision."""
    chosen = settings()
    from bot import bootstrap  # as above
    from bot.settings.urls import shown

    bootstrap.migrate(chosen)
    click.echo(f"The database ({shown(chosen.database_url)}) is at the newest revision.")


@click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True}, add_help_option=False)
@click.pass_context
def demo(ctx: click.Context) -> None:
    """Play: a local Slack, a sample cluster, and the bot. `demo --help` shows its options."""
    # Started by name: the bot never imports the playground.
    command = [sys.executable, "-P", "-m", "playground", *ctx.args]
    os.execv(command[0], command)  # noqa: S606 - our own interpreter, arguments passed as a list


def _become_celery(chosen: "Settings", *arguments: str) -> None:
    """Replace this process by Celery, in an empty folder: Celery imports from where it runs, first of all.

    `-P` keeps Python from doing the same.
    """
    env = child_environment(chosen)
    command = [sys.executable, "-P", "-m", "celery", "-A", "tasks.app", *arguments, f"--loglevel={chosen.log.level}"]
    os.chdir(neutral_folder(Path(tempfile.gettempdir())))
    os.execve(command[0], command, env)  # noqa: S606 - our own interpreter, arguments passed as a list


def neutral_folder(base: Path) -> Path:
    """Return an empty folder that only this user can write to; the same one each time, so that none pile up."""
    folder = base / f"celery-oncall-{os.getuid()}"
    with contextlib.suppress(FileExistsError):  # the usual case
        folder.mkdir(mode=0o700)
    facts = folder.lstat()
    ours = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o077
    if ours and not any(folder.iterdir()):
        return folder
    return Path(tempfile.mkdtemp(prefix="celery-oncall-", dir=base))
