"""Checks and actions that do nothing, for tests of what names them."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

from pydantic import Field

from bot.domain.duration import Seconds
from bot.ports import Action, Check, Params


class NoParams(Params):
    """Takes none."""


class QueueParams(Params):
    """Takes a queue."""

    queue: str


class PauseParams(QueueParams):
    """Takes more."""

    seconds: Seconds = Field(default=1800, ge=10, alias="for")
    by: int = Field(default=1, ge=1, le=20)


class FakeRegistry:
    """Implements the port Registry: what a loader asks of an action or check is its `params` alone."""

    def __init__(self) -> None:
        self.checks: Mapping[str, Check[Any]] = {
            "workers": cast("Check[Any]", SimpleNamespace(params=NoParams)),
            "relief": cast("Check[Any]", SimpleNamespace(params=QueueParams)),
        }
        self.actions: Mapping[str, Action[Any]] = {
            "pause_queue": cast("Action[Any]", SimpleNamespace(params=PauseParams)),
        }
