"""A Slack of one's own: the playground's local Slack, which enforces what Slack enforces."""

from playground.slack.manifest import ManifestError
from playground.slack.person import Person, Webhook
from playground.slack.rules import Rules
from playground.slack.server import LocalSlack
from playground.slack.workspace import Workspace, default_workspace

__all__ = ["LocalSlack", "ManifestError", "Person", "Rules", "Webhook", "Workspace", "default_workspace"]
