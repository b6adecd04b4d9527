"""A lost race is ordinary: read again and decide again, a few times."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from bot.domain.errors import LostRace

ATTEMPTS = 8

P = ParamSpec("P")
R = TypeVar("R")


def retried(use_case: Callable[P, R]) -> Callable[P, R]:
    """Run a use case again when somebody else saved a row it read; raises LostRace after the last attempt.

    Only for use cases that touch nothing but the database: their effects are rolled back with the transaction.
    """

    @functools.wraps(use_case)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(ATTEMPTS - 1):
            try:
                return use_case(*args, **kwargs)
            except LostRace:
                continue
        return use_case(*args, **kwargs)

    return run
