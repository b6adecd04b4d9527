"""A local Slack and a real Bolt app for tests: both run in the test's own event loop, over real sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from aiohttp import ClientSession
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import LocalSlack, Person, Rules, Workspace

ONCALL = "C0ONCALL"
PATIENT = Rules(trigger=30.0, retry_after=(0.0, 0.2, 0.4), refresh_grace=0.2)
"""Three seconds to acknowledge, as in Slack, and longer than Slack for triggers: the machine may be busy."""
HASTY = Rules(ack=0.4, trigger=1.0, retry_after=(0.0, 0.2, 0.4), refresh_grace=0.2)
"""For tests of what happens when time runs out."""

SCOPES = [
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "groups:history",
    "groups:read",
    "metadata.message:read",
    "reactions:write",
    "usergroups:read",
    "users:read",
]
EVENTS = ["app_home_opened", "app_mention", "member_joined_channel", "message.channels", "message.groups"]


def manifest_file(
    folder: Path,
    *,
    scopes: list[str] | None = None,
    events: list[str] | None = None,
    should_escape: bool = True,
    home_tab: bool = True,
    read_only: bool = True,
) -> Path:
    """Write a manifest that grants and declares what a test needs."""
    document = {
        "display_information": {"name": "Sample"},
        "features": {
            "app_home": {"home_tab_enabled": home_tab, "messages_tab_read_only_enabled": read_only},
            "bot_user": {"display_name": "celery-oncall"},
            "slash_commands": [{"command": "/celery", "description": "Ask", "should_escape": should_escape}],
            "shortcuts": [
                {"name": "Treat as an alert", "type": "message", "callback_id": "treat", "description": "Open"},
                {"name": "Everything", "type": "global", "callback_id": "everything", "description": "Show"},
            ],
        },
        "oauth_config": {"scopes": {"bot": SCOPES if scopes is None else scopes}},
        "settings": {
            "event_subscriptions": {"bot_events": EVENTS if events is None else events},
            "interactivity": {"is_enabled": True},
            "socket_mode_enabled": True,
        },
    }
    path = folder / "manifest.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


@asynccontextmanager
async def local_slack(
    folder: Path, *, rules: Rules = PATIENT, workspace: Workspace | None = None, **manifest: Any
) -> AsyncIterator[LocalSlack]:
    """A local Slack that runs until the block ends; `manifest` goes to `manifest_file`."""
    slack = LocalSlack(manifest_file(folder, **manifest), rules=rules, workspace=workspace)
    await slack.start()
    try:
        yield slack
    finally:
        await slack.stop()


@asynccontextmanager
async def client_of(slack: LocalSlack, token: str = "") -> AsyncIterator[AsyncWebClient]:
    """slack_sdk's client with the app's token, or another."""
    async with ClientSession() as session:
        client = AsyncWebClient(token=token or slack.bot_token, base_url=slack.api_url, session=session)
        client.proxy = None  # slack_sdk takes a proxy from the environment even for loopback
        yield client


@asynccontextmanager
async def bolt_app(slack: LocalSlack) -> AsyncIterator[AsyncApp]:
    """A Bolt app that listens by Socket Mode; a test adds its listeners before it does anything."""
    async with client_of(slack) as client:
        app = AsyncApp(client=client)
        async with connected(app, slack):
            yield app


@asynccontextmanager
async def connected(app: AsyncApp, slack: LocalSlack) -> AsyncIterator[AsyncSocketModeHandler]:
    """One more socket of an app."""
    handler = AsyncSocketModeHandler(app, slack.app_token, web_client=app.client, ping_interval=1)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # bolt leaves it untyped
    try:
        yield handler
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]  # the same


@asynccontextmanager
async def people(slack: LocalSlack, *ids: str) -> AsyncIterator[list[Person]]:
    """Some people of the default workspace, by id."""
    persons = [Person(slack.url, user_id) for user_id in ids]
    try:
        yield persons
    finally:
        for person in persons:
            await person.close()


def button(action_id: str, value: str = "", **more: Any) -> dict[str, Any]:
    """A button's JSON."""
    text = {"type": "plain_text", "text": action_id}
    return {"type": "button", "action_id": action_id, "text": text, **({"value": value} if value else {}), **more}


def actions(*elements: dict[str, Any], block_id: str = "buttons") -> dict[str, Any]:
    """An actions block's JSON."""
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A modal's JSON with a text input `reason` in block `why`, unless other blocks are given."""
    field = {
        "type": "input",
        "block_id": "why",
        "label": {"type": "plain_text", "text": "Why"},
        "element": {"type": "plain_text_input", "action_id": "reason", "max_length": 20},
    }
    return {
        "type": "modal",
        "callback_id": "form",
        "title": {"type": "plain_text", "text": "Pause"},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": list(blocks) or [field],
        **more,
    }
