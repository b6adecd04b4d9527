"""The group of commands, and how an error ends one: its sentences on standard error, no traceback, and a code."""

import traceback
from typing import Any

import click

from bot.cli.audit import audit
from bot.cli.checks import config, doctor, runbooks
from bot.cli.environment import forget_celery_variables
from bot.cli.processes import beat, bot, demo, migrate, up, worker
from bot.cli.run_worker import run_worker
from bot.domain.errors import BadInput, OncallError, StoreUnavailable

FINDING, WRONG_USE = 1, 2


class OncallGroup(click.Group):
    """A group whose commands may raise OncallError."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error exits 2 when a person's words or files were wrong, else 1."""
        try:
            return super().invoke(ctx)
        except OncallError as e:
            if ctx.params.get("debug"):
                traceback.print_exc()
            click.echo(_words(e), err=True)
            ctx.exit(WRONG_USE if isinstance(e, BadInput) else FINDING)


def _words(error: OncallError) -> str:
    """Return an error's sentence; whoever types commands can do more about a database than try again."""
    if isinstance(error, StoreUnavailable):
        return f"The database cannot be used ({error.why}); check DATABASE_URL, and what it names."
    return str(error)


@click.group(cls=OncallGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="celery-oncall")
@click.option("--debug", is_flag=True, help="Show the traceback of an error, too.")
def cli(debug: bool) -> None:  # noqa: ARG001 - read by the group when an error comes
    """The on-call teammate in Slack for teams that run Celery.

    Settings come from oncall.yml (or the file that ONCALL_CONFIG names), secrets from the environment. Exit codes: 0
    good, 1 a finding, 2 wrong use or configuration.
    """
    forget_celery_variables()


for command in (bot, worker, beat, up, run_worker, migrate, demo, doctor, audit, runbooks, config):
    cli.add_command(command)
