"""The table of Web API methods: what each needs and how often it may be called."""

from collections.abc import Callable
from dataclasses import dataclass

from playground.slack.errors import Json
from playground.slack.web_api.call import Call

TIER_1, TIER_2, TIER_3, TIER_4 = 1, 20, 50, 100
"""Calls a minute that Slack grants each app at least."""

Run = Callable[[Call], Json]


@dataclass(frozen=True)
class Method:
    """A method: any one of `scopes` suffices; `per_minute` is its tier; `tokens` are the kinds it takes."""

    name: str
    run: Run
    scopes: tuple[str, ...]
    tokens: tuple[str, ...]
    per_minute: int
    per_channel: bool


METHODS: dict[str, Method] = {}


def method(
    name: str,
    *scopes: str,
    per_minute: int = TIER_3,
    per_channel: bool = False,
    tokens: tuple[str, ...] = ("bot", "user"),
) -> Callable[[Run], Run]:
    """Register a function as a Web API method."""

    def register(run: Run) -> Run:
        METHODS[name] = Method(name, run, scopes, tokens, per_minute, per_channel)
        return run

    return register
