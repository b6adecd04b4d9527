"""The manifest against the code: an app made from it gets what the bot uses, and asks for nothing more."""

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.commands import USAGES
from bot.slack.deliveries import EVENTS
from bot.slack.ids import CallbackId
from bot.slack.listeners.commands import COMMAND
from bot.slack.scopes import NEEDED
from playground.slack.scopes import EVENT_SCOPES

REPOSITORY = Path(__file__).parents[1]

METHOD_SCOPES: dict[str, tuple[str, ...]] = {
    "apps_connections_open": (),  # the app-level token has its own, connections:write
    "auth_test": (),
    "bots_info": ("users:read",),
    "chat_postEphemeral": ("chat:write",),
    "chat_postMessage": ("chat:write",),
    "chat_update": ("chat:write",),
    "conversations_history": ("channels:history", "groups:history"),
    "conversations_replies": ("channels:history", "groups:history"),
    "reactions_add": ("reactions:write",),
    "reactions_remove": ("reactions:write",),
    "usergroups_users_list": ("usergroups:read",),
    "users_conversations": ("channels:read", "groups:read"),
    "users_info": ("users:read",),
    "views_open": (),
    "views_publish": (),
    "views_push": (),
    "views_update": (),
}
"""Slack's methods that the bot calls, with the scopes each needs (Slack's reference of methods)."""

METADATA = ("include_all_metadata", "metadata.message:read")
"""An argument that needs a scope of its own."""


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    """The manifest as people paste it."""
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / "manifest.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def code() -> list[ast.AST]:
    """Every node of the bot's code."""
    files = sorted((REPOSITORY / "bot").rglob("*.py"))
    return [node for file in files for node in ast.walk(ast.parse(file.read_text()))]


def methods_called(code: list[ast.AST]) -> set[str]:
    """Return the methods of Slack's client that the code names."""
    known = {name for name in dir(AsyncWebClient) if "_" in name.strip("_") and not name.startswith("_")}
    return {node.attr for node in code if isinstance(node, ast.Attribute) and node.attr in known}


def needed(manifest: dict[str, Any], code: list[ast.AST]) -> set[str]:
    """Return the scopes that methods, arguments, events and commands need."""
    scopes = {scope for method in methods_called(code) for scope in METHOD_SCOPES[method]}
    scopes |= {METADATA[1] for node in code if _names(node) == METADATA[0]}
    scopes |= {s for event in manifest["settings"]["event_subscriptions"]["bot_events"] for s in EVENT_SCOPES[event]}
    return scopes | ({"commands"} if manifest["features"]["slash_commands"] else set())


def _names(node: ast.AST) -> object:
    """Return the argument that a node names, as a keyword or as a key of a dict."""
    return node.arg if isinstance(node, ast.keyword) else node.value if isinstance(node, ast.Constant) else None


def test_every_command_is_declared_and_answered(manifest: dict[str, Any]) -> None:
    """One command; people's mentions in it arrive as ids."""
    declared = manifest["features"]["slash_commands"]
    assert [c["command"] for c in declared] == [COMMAND]
    assert declared[0]["should_escape"] is True


def test_usage_hint_shows_the_grammar(manifest: dict[str, Any]) -> None:
    """What stands in Slack's suggestion while somebody types can be said."""
    hint = manifest["features"]["slash_commands"][0]["usage_hint"]
    for shown in hint.split(" | "):
        assert any(usage.usage.startswith(shown) for usage in USAGES), shown


def test_shortcuts_are_those_the_code_knows(manifest: dict[str, Any]) -> None:
    """No dead entry in Slack's menu."""
    assert {s["callback_id"] for s in manifest["features"]["shortcuts"]} == {c.value for c in CallbackId}


def test_events_are_those_the_code_takes(manifest: dict[str, Any]) -> None:
    """Messages of public and private channels are one kind of event."""
    subscribed = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert {event.partition(".")[0] for event in subscribed} == EVENTS


def test_methods_are_all_in_the_table(code: list[ast.AST]) -> None:
    """Whoever calls a new method says here which scope it needs; one that is no longer called goes."""
    assert methods_called(code) == set(METHOD_SCOPES)


def test_scopes_are_exactly_those_needed(manifest: dict[str, Any], code: list[ast.AST]) -> None:
    """One too few fails in production; one too many fails the security review."""
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == needed(manifest, code)


def test_the_doctor_asks_for_the_same_scopes(manifest: dict[str, Any]) -> None:
    """A token made from the manifest passes, and one that lacks any of its scopes does not."""
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == set(NEEDED)


def test_home_tab_and_buttons_are_switched_on(manifest: dict[str, Any]) -> None:
    """Without these the Home tab stays empty and clicks go nowhere."""
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True
    assert manifest["features"]["app_home"]["messages_tab_enabled"] is True
    assert manifest["settings"]["interactivity"]["is_enabled"] is True
    assert manifest["settings"]["socket_mode_enabled"] is True
