"""The whole Slack side with real use cases, over real sockets."""


from playground.slack import LocalSlack, Person, Webhook
from tests.slack.office import CHANNEL, Office, until
from tests.slack.running import bot_of

FIRING = {
    "attachments": [
        {
            "title": "[FIRING:1] QueueDepth (ai_generation critical)",
            "title_link": "http://alertmanager.example/#/alerts?receiver=slack",
            "fallback": "[FIRING:1] QueueDepth (ai_generation critical)",
            "color": "danger",
        }
    ]
}


async def test_an_alert_gets_a_thread_and_eyes(slack: LocalSlack, place: Office) -> None:
    """An alert of a listed sender is answered in its thread with live numbers, and marked as seen."""
    async with bot_of(slack, place), Person(slack.url, "U0ANA") as ana:
        await Webhook(slack.url).post(FIRING)

        async def answered() -> bool:
            (alert, *_) = await ana.messages(CHANNEL)
            replies = await ana.replies(CHANNEL, alert["ts"])
            return len(replies) == 2 and "1,284" in str(replies[1]["blocks"]) and alert.get("reactions")

        await until(answered)
