"""Block Kit: what Slack draws, what it refuses, and what it makes of blocks."""

from playground.slack.blocks.drawn import elements_in, find_element, stored
from playground.slack.blocks.surfaces import problems_in_message, problems_in_view

__all__ = ["elements_in", "find_element", "problems_in_message", "problems_in_view", "stored"]
