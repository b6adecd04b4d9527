"""The command `celery-oncall`. Each command imports what it needs when it runs, so that `--help` is quick."""

from bot.cli.commands import cli

__all__ = ["cli", "main"]


def main() -> None:
    """Entry point."""
    cli(prog_name="celery-oncall")
