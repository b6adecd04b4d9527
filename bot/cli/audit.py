"""The commands about the audit chain."""

import json

import click

from bot.cli.environment import settings

_COMPARE = "Cards in Slack name the true entries (`audit #418 · 9f3a…`); compare them, and an older export."


@click.group()
def audit() -> None:
    """Verify or export the audit chain."""


@audit.command(short_help="Walk the whole chain; name the first broken entry.")
@click.pass_context
def verify(ctx: click.Context) -> None:
    """Walk the whole chain; exits 1 and names the first broken entry when it does not hold."""
    chosen = settings()
    from bot import bootstrap  # imports all adapters, which takes a second
    from bot.domain.audit import Broken

    result = bootstrap.store(chosen).verify_audit()
    if isinstance(result, Broken):
        click.echo(f"The audit chain is broken at #{result.seq}: {result.why}. {_COMPARE}")
        ctx.exit(1)
    if not result.entries:
        click.echo("The audit chain is empty.")
        return
    entries = "1 entry" if result.entries == 1 else f"{result.entries:,} entries"
    click.echo(f"The audit chain holds: {entries}, the last one {result.head_hash[:8]}.")


@audit.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False, allow_dash=True), default="-", help="A file.")
def export(output: str) -> None:
    """Write every entry as JSON Lines, oldest first. A file appears, or is replaced, once it is whole."""
    chosen = settings()
    from bot import bootstrap  # as above

    entries = bootstrap.store(chosen).export_audit()
    with click.open_file(output, "w", encoding="utf-8", lazy=True, atomic=True) as file:
        file.write("")  # click opens it at the first write: an empty chain must not leave an older export in place
        for entry in entries:
            file.write(json.dumps(entry.model_dump(mode="json"), ensure_ascii=False, sort_keys=True) + "\n")
