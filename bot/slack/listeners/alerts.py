"""Messages that programs post: alerts of the senders that are listed."""

import structlog
from slack_bolt.async_app import AsyncApp

from bot.domain.alert import Alert
from bot.domain.card import CardKind
from bot.ports import Ports
from bot.slack.alerts import looks_like_alert, parse
from bot.slack.deliveries import Body, message_in, senders_of
from bot.slack.handling import handled
from bot.slack.tools import Tools
from bot.usecases import alerts

log = structlog.get_logger(__name__)

TOLD = "alert_senders_told"


def register(app: AsyncApp, tools: Tools) -> None:
    """Listen for messages; `app.message` would miss those whose text is empty, as Alertmanager's is."""
    app.event("message")(handled(tools, posted))


async def posted(tools: Tools, body: Body) -> None:
    """Take in an alert of a listed sender; of another one that looks like an alert, say once how to list it."""
    message = message_in(body["event"])
    if message is None:
        return
    if senders_of(message) & tools.config.alert_senders:
        alert = parse(message, message["channel"])
        if alert is None:
            log.info("a listed sender's message holds no text", channel=message["channel"], ts=message["ts"])
        else:
            await take_in(tools, alert)
    elif looks_like_alert(message):
        await tools.db(tell_once, message)


async def take_in(tools: Tools, alert: Alert) -> None:
    """Receive an alert, in turn with others of its kind, and have live numbers read in the background."""
    async with tools.turns.of(alert.key, alert.ts):
        received = await tools.db(alerts.receive, alert)
    if received.incident is not None and not received.incident.over:
        tools.refreshes.want(received.incident.id)


def tell_once(ports: Ports, message: Body) -> None:
    """Say below a sender's first alert how to have such alerts answered."""
    sender, channel, ts = str(message.get("bot_id") or message.get("app_id")), message["channel"], message["ts"]
    text = (
        f"This looks like an alert, and its sender is not listed, so nothing is done. To have the bot answer alerts of "
        f"`{sender}`, add that id to `alert_senders` in `oncall.yml`."
    )
    now = ports.clock.now()
    with ports.store.write() as tx:
        told = list(tx.note(TOLD) or [])
        if sender not in told:
            tx.set_note(TOLD, [*told, sender])
            tx.cards.want(CardKind.NOTICE, f"unlisted/{sender}", channel, now, thread_ts=ts, text=text)
