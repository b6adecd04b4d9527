"""A small Bolt app for the page to talk to: a card in an alert's thread, a form, a Home, a command."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack.server import LocalSlack

Json = dict[str, Any]
Ack = Callable[..., Awaitable[None]]


def plain(text: str) -> Json:
    """A plain_text object."""
    return {"type": "plain_text", "text": text}


def section(text: str, **rest: Any) -> Json:
    """A section of mrkdwn."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **rest}


def button(text: str, action_id: str, **rest: Any) -> Json:
    """A button that carries a value."""
    return {"type": "button", "text": plain(text), "action_id": action_id, "value": f"{action_id}-7", **rest}


CARD: list[Json] = [
    section(":red_circle: *ai_generation: 1,284 waiting*\nNext: pause `analytics`"),
    {
        "type": "actions",
        "block_id": "ways",
        "elements": [
            button(
                "Pause analytics",
                "pause",
                style="primary",
                confirm={
                    "title": plain("Pause analytics?"),
                    "text": plain("1,902 messages will wait."),
                    "confirm": plain("Pause"),
                    "deny": plain("Not now"),
                    "style": "danger",
                },
            ),
            button("Scale…", "scale"),
            button("Approve", "approve"),
            {
                "type": "overflow",
                "action_id": "more",
                "options": [{"text": plain(words), "value": words.lower()} for words in ("Refresh", "Resolve")],
            },
        ],
    },
]

FORM: Json = {
    "type": "modal",
    "callback_id": "scale_form",
    "title": plain("Scale workers"),
    "submit": plain("Request"),
    "blocks": [
        {
            "type": "input",
            "block_id": "count",
            "label": plain("How many more"),
            "element": {"type": "number_input", "action_id": "n", "is_decimal_allowed": False, "initial_value": "9"},
        },
        {
            "type": "input",
            "block_id": "reason",
            "label": plain("Reason"),
            "optional": True,
            "element": {"type": "plain_text_input", "action_id": "t", "multiline": True},
        },
    ],
}


class PageApp:
    """The app, connected to a local Slack by Socket Mode. `heard` lists what reached it, in order."""

    def __init__(self, slack: LocalSlack) -> None:
        self.heard: list[Json] = []
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        self._app = AsyncApp(client=client, signing_secret=slack.signing_secret)
        self._sockets = AsyncSocketModeHandler(self._app, slack.app_token)
        app = self._app
        app.event("message")(self._alert)
        app.event("app_home_opened")(self._home)
        app.command("/celery")(self._command)
        app.action("pause")(self._pause)
        app.action("approve")(self._approve)
        app.action("scale")(self._scale)
        app.action("resume")(self._heard_only)
        app.action("more")(self._heard_only)
        app.shortcut("treat_as_alert")(self._heard_only)
        app.shortcut("act_on_a_cluster")(self._heard_only)
        app.view("scale_form")(self._submitted)

    async def start(self) -> None:
        """Connect."""
        await self._sockets.connect_async()  # type: ignore[no-untyped-call]  # Bolt leaves this method untyped

    async def stop(self) -> None:
        """Leave."""
        await self._sockets.close_async()  # type: ignore[no-untyped-call]  # Bolt leaves this method untyped

    async def wait_for(self, kind: str) -> Json:
        """The first interaction of this type to arrive."""
        async with asyncio.timeout(30):
            while True:
                for payload in self.heard:
                    if payload.get("type") == kind:
                        return payload
                await asyncio.sleep(0.02)

    async def _alert(self, event: Json, client: AsyncWebClient) -> None:
        if event.get("attachments"):
            await client.chat_postMessage(
                channel=event["channel"], thread_ts=event["ts"], text="ai_generation: 1,284 waiting", blocks=CARD
            )

    async def _home(self, event: Json, client: AsyncWebClient) -> None:
        blocks = [
            {"type": "header", "text": plain("In force")},
            section("`analytics` is paused", accessory=button("Resume", "resume")),
        ]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    async def _command(self, ack: Ack, command: Json) -> None:
        await ack(text=f"*prod*: all quiet, {command['text']} asked by <@{command['user_id']}>")

    async def _pause(self, ack: Ack, body: Json, client: AsyncWebClient) -> None:
        await ack()
        self.heard.append(body)
        who = body["user"]["id"]
        await client.chat_update(
            channel=body["channel"]["id"],
            ts=body["message"]["ts"],
            text="Paused",
            blocks=[CARD[0], {"type": "context", "elements": [section(f"Paused by <@{who}>")["text"]]}],
        )

    async def _approve(self, ack: Ack, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.chat_postEphemeral(
            channel=body["channel"]["id"],
            user=body["user"]["id"],
            thread_ts=body["message"]["thread_ts"],
            text="You cannot approve your own request.",
        )

    async def _scale(self, ack: Ack, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)

    async def _submitted(self, ack: Ack, body: Json, view: Json) -> None:
        count = view["state"]["values"]["count"]["n"]["value"]
        if count != "2":
            await ack(response_action="errors", errors={"count": "At most 2 more fit."})
            return
        await ack()
        self.heard.append(body)

    async def _heard_only(self, ack: Ack, body: Json) -> None:
        await ack()
        self.heard.append(body)
