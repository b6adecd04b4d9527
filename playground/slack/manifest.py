"""The app's manifest, read as Slack reads it: what it may do, hear and offer."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import yaml

from playground.slack.errors import Json
from playground.slack.scopes import EVENT_SCOPES, KNOWN_BOT_SCOPES


class ManifestError(ValueError):
    """The manifest cannot be used; the text says where and why."""


@dataclass(frozen=True)
class Command:
    """A slash command of the app."""

    command: str
    description: str
    usage_hint: str
    should_escape: bool


@dataclass(frozen=True)
class Shortcut:
    """A shortcut: `type` is `message` or `global`."""

    name: str
    callback_id: str
    type: str
    description: str


@dataclass(frozen=True)
class Manifest:
    """What the manifest grants and declares."""

    name: str
    bot_name: str
    commands: tuple[Command, ...]
    shortcuts: tuple[Shortcut, ...]
    scopes: frozenset[str]
    events: frozenset[str]
    home_tab: bool
    messages_tab: bool
    messages_tab_read_only: bool
    interactivity: bool

    def command(self, name: str) -> Command | None:
        """The declared command with this name, slash included."""
        return next((c for c in self.commands if c.command == name), None)

    def shortcut(self, callback_id: str) -> Shortcut | None:
        """The declared shortcut with this callback id."""
        return next((s for s in self.shortcuts if s.callback_id == callback_id), None)


def read_manifest(path: Path) -> Manifest:
    """Read and check a manifest file (YAML or JSON); ManifestError names the fault.

    Slack's published schema accepts misspelt scopes, so scopes and events are held against its lists here.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ManifestError(f"{path}: cannot read the manifest: {error}") from error
    if not isinstance(document, dict):
        raise ManifestError(f"{path}: a manifest is a mapping with display_information, features, oauth_config, …")
    manifest = _manifest(document)
    _check(path, "oauth_config.scopes.bot", manifest.scopes, KNOWN_BOT_SCOPES)
    _check(path, "settings.event_subscriptions.bot_events", manifest.events, EVENT_SCOPES)
    for event in sorted(manifest.events):
        needed = EVENT_SCOPES[event]
        if needed and not manifest.scopes.intersection(needed):
            raise ManifestError(f"{path}: the event {event} needs the bot scope {' or '.join(needed)}; add it")
    return manifest


def _manifest(document: Json) -> Manifest:
    features = document.get("features", {})
    home = features.get("app_home", {})
    settings = document.get("settings", {})
    name = str(document.get("display_information", {}).get("name", "App"))
    return Manifest(
        name=name,
        bot_name=str(features.get("bot_user", {}).get("display_name", name)),
        commands=tuple(_command(item) for item in features.get("slash_commands", [])),
        shortcuts=tuple(_shortcut(item) for item in features.get("shortcuts", [])),
        scopes=frozenset(document.get("oauth_config", {}).get("scopes", {}).get("bot", [])),
        events=frozenset(settings.get("event_subscriptions", {}).get("bot_events", [])),
        home_tab=bool(home.get("home_tab_enabled", False)),
        messages_tab=bool(home.get("messages_tab_enabled", True)),
        messages_tab_read_only=bool(home.get("messages_tab_read_only_enabled", False)),
        interactivity=bool(settings.get("interactivity", {}).get("is_enabled", False)),
    )


def _command(item: Json) -> Command:
    return Command(
        item["command"], item.get("description", ""), item.get("usage_hint", ""), bool(item.get("should_escape"))
    )


def _shortcut(item: Json) -> Shortcut:
    return Shortcut(item["name"], item["callback_id"], item["type"], item.get("description", ""))


def _check(path: Path, where: str, given: Iterable[str], known: Iterable[str]) -> None:
    names = list(known)
    for name in sorted(given):
        if name not in names:
            close = get_close_matches(name, names, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise ManifestError(f"{path}: {where}: Slack knows no {name!r}{hint}")
