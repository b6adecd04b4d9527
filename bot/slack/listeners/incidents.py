"""The buttons of an incident's card."""

from slack_bolt.async_app import AsyncApp

from bot.domain.run import Run
from bot.ports import Ports
from bot.slack.answers import Click
from bot.slack.forms.opening import from_here, open_form
from bot.slack.handling import clicked
from bot.slack.ids import ActionId, OverflowChoice
from bot.slack.tools import Tools
from bot.slack.views.findings import commands_message
from bot.usecases import buttons, incidents


def register(app: AsyncApp, tools: Tools) -> None:
    """Listen for them."""
    app.action(ActionId.OFFER.value)(clicked(tools, offer))
    app.action(ActionId.OWN.value)(clicked(tools, own))
    app.action(ActionId.REFRESH.value)(clicked(tools, refresh))
    app.action(ActionId.RESOLVE.value)(clicked(tools, resolve))
    app.action(ActionId.COMMANDS.value)(clicked(tools, commands))
    app.action(ActionId.MORE.value)(clicked(tools, more))


async def offer(tools: Tools, click: Click) -> None:
    """Take up what the card offers."""
    run, _, rest = click.value.partition("/")
    step, _, shown = rest.partition("/")
    await tools.refused(click.place, await tools.cluster(buttons.offer, run, step, click.user, shown))


async def own(tools: Tools, click: Click) -> None:
    """I've got it."""
    await tools.refused(click.place, await tools.db(incidents.own, click.value, click.user))


async def refresh(tools: Tools, click: Click) -> None:
    """Fresh numbers, now."""
    tools.refreshes.want(click.value)


async def resolve(tools: Tools, click: Click) -> None:
    """Close it by hand."""
    await tools.refused(click.place, await tools.db(incidents.close, click.value, click.user))


async def commands(tools: Tools, click: Click) -> None:
    """Show the commands for one's own shell."""
    run = await tools.db(run_of, click.value)
    await tools.answers.alone(click.place, commands_message(run))


async def act(tools: Tools, click: Click) -> None:
    """Choose what to do about it."""
    await open_form(tools, click.place, from_here(click.place).about(incident=click.value))


def run_of(ports: Ports, incident_id: str) -> Run | None:
    """Return an incident's run."""
    with ports.store.read() as tx:
        return next(iter(tx.runs.find(incident_id=incident_id)), None)


CHOICES = {
    OverflowChoice.REFRESH: refresh,
    OverflowChoice.RESOLVE: resolve,
    OverflowChoice.COMMANDS: commands,
    OverflowChoice.OFFER: offer,
    OverflowChoice.ACT: act,
}


async def more(tools: Tools, click: Click) -> None:
    """A choice from the card's menu: what is chosen, a colon, and the id it is about."""
    choice, _, about = click.value.partition(":")
    await CHOICES[OverflowChoice(choice)](tools, Click(click.place, about))
