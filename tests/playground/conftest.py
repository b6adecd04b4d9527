"""Fixtures of the tests that need a browser."""

from tests.playground.visiting import app, slack, visit
from tests.services.browser import browser

__all__ = ["app", "browser", "slack", "visit"]
