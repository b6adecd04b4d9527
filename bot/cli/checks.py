"""The commands that look at something and say what they found."""

import json
import os
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli.environment import settings

if TYPE_CHECKING:
    from bot.located_yaml import Problem
    from bot.settings import Settings

_MARKS = {"ok": ("✓", "green"), "note": ("!", "yellow"), "bad": ("✗", "red")}


@click.command(short_help="Check Slack, brokers, workers and database from here.")
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Check Slack, brokers, workers and database from here; each failure (✗) is one sentence with its fix.

    Changes nothing, and takes some 10 s at most. Exits 1 when anything failed; what is only worth knowing (!) is fine.
    """
    chosen = settings("slack", "clusters")
    from bot.doctor import examine  # imports all adapters, which takes a second

    sections = examine(chosen)
    for section in sections:
        click.secho(section.title, bold=True)
        for found in section.found:
            mark, colour = _MARKS[found.level]
            click.echo(f"  {click.style(mark, fg=colour)} {_fitted(found.sentence)}")
    failed = sum(found.level == "bad" for section in sections for found in section.found)
    if failed:
        click.echo("1 check failed." if failed == 1 else f"{failed} checks failed.")
        ctx.exit(1)


def _fitted(sentence: str) -> str:
    """Return a sentence in lines that fit a terminal; in a file or a pipe it stays on one, to be searched."""
    if not sys.stdout.isatty():
        return sentence
    width = max(40, shutil.get_terminal_size().columns - 1)
    return textwrap.fill(sentence, width - 4, break_on_hyphens=False).replace("\n", "\n    ")


@click.group()
def config() -> None:
    """Look at the settings."""


@config.command("check", short_help="Read the settings; say all that is wrong, and where.")
def check() -> None:
    """Read the settings and say what is wrong, all of it, with places; exits 2 when anything is."""
    chosen = _sound_settings()
    click.echo(f"The settings are good ({chosen.source}).")
    for line in _summary(chosen):
        click.echo(f"  {line}")


def _sound_settings() -> "Settings":
    """Return the settings, the address of the database checked with them. Raises ProblemsFound, with all of it."""
    from bot.located_yaml import ProblemsFound

    problems = _database_problems()
    try:
        chosen = settings("slack", "clusters")
    except ProblemsFound as e:
        raise ProblemsFound([*e.problems, *problems]) from None
    if problems:
        raise ProblemsFound(problems)
    return chosen


def _database_problems() -> "list[Problem]":
    from bot.adapters.sql.address import parse  # the adapter alone knows which databases there are
    from bot.domain.errors import BadInput
    from bot.located_yaml import Problem
    from bot.settings import environment

    try:
        parse(environment.database_url(os.environ, Path.cwd()))
    except BadInput as e:
        return [Problem(environment.SOURCE, str(e))]
    return []


def _summary(chosen: "Settings") -> list[str]:
    from bot.adapters.sql.address import parse, place
    from bot.domain.wording import counted
    from bot.settings.urls import shown

    lines = [f"database: {place(parse(chosen.database_url))}"]
    for name, spec in chosen.specs.items():
        size = f"{counted(len(spec.queues), 'queue')}, {counted(len(spec.worker_groups), 'worker group')}"
        lines.append(f"cluster {name}: {shown(chosen.broker(name).broker_url)}, {size}, mode {spec.mode.value}")
    lines += [f"channel {channel}: {cluster}" for channel, cluster in chosen.channels.items()]
    for name, role in chosen.roles.items():
        lines.append(f"role {name}: {', '.join((*role.groups, *role.people)) or 'nobody'}")
    return lines


@click.group()
def runbooks() -> None:
    """Check runbooks."""


@runbooks.command(short_help="Check runbook files or folders, or what the bot loads.")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.pass_context
def lint(ctx: click.Context, paths: tuple[Path, ...]) -> None:
    """Check runbook files or folders (without PATHS: those the bot would load); exits 1 when anything is wrong."""
    from bot import bootstrap  # imports all adapters, which takes a second
    from bot.adapters.discovery import DiscoveredRegistry
    from bot.adapters.expressions import JinjaExpressions
    from bot.adapters.runbook_files import read_all
    from bot.domain.wording import counted
    from bot.located_yaml import ProblemsFound

    registry, language = DiscoveredRegistry(), JinjaExpressions()
    broken = False
    for path in paths or bootstrap.runbook_folders(settings()):
        for file, found in read_all(path, registry, language):
            if isinstance(found, ProblemsFound):
                click.echo(str(found))
                broken = True
            else:
                click.echo(f"{file}: good ({found.runbook}, {counted(len(found.steps), 'step')})")
    ctx.exit(1 if broken else 0)


@runbooks.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of runbooks, for editors."""
    from bot.adapters.runbook_schema import schema  # only needed here

    click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))
