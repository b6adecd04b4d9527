"""What a listener works with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.approval import Refused
from bot.ports import Ports
from bot.slack.answers import Answers, Place, said, sentence
from bot.slack.config import SlackConfig
from bot.slack.deliveries import Identity
from bot.slack.executors import Executors
from bot.slack.inbox import SlackInbox
from bot.slack.people import People
from bot.slack.refreshes import Refreshes
from bot.slack.turns import Turns
from bot.slack.views.words import refused_sentence

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Tools:
    """The shell's parts. `wake` tells the publisher that cards may have changed."""

    ports: Ports
    config: SlackConfig
    me: Identity
    client: AsyncWebClient
    executors: Executors
    inbox: SlackInbox
    answers: Answers
    people: People
    refreshes: Refreshes
    turns: Turns
    wake: Callable[[], None]

    async def db(self, use_case: Callable[Concatenate[Ports, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a use case that touches the database alone."""
        result = await self.executors.db(use_case, self.ports, *args, **kwargs)
        self.wake()
        return result

    async def cluster(self, use_case: Callable[Concatenate[Ports, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a use case that waits for a cluster."""
        result = await self.executors.cluster(use_case, self.ports, *args, **kwargs)
        self.wake()
        return result

    async def tell(self, place: Place, text: str) -> None:
        """Say one sentence to the person who asked, alone; it may quote what they wrote."""
        await self.answers.alone(place, sentence(text))

    async def refused(self, place: Place, result: object) -> bool:
        """Say why, if the result of a use case is a refusal; returns whether it was."""
        if isinstance(result, Refused):
            await self.answers.alone(place, said(refused_sentence(result)))
        return isinstance(result, Refused)
