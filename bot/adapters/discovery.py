"""Actions and checks found in their packages and in entry points: adding one touches no other file."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from bot.domain.errors import BadInput
from bot.ports import Action, Check


class DiscoveredRegistry:
    """The registry of everything in `bot.actions`, `bot.checks` and the entry points of the same two groups.

    A user's own package offers classes in the entry point groups `celery_oncall.actions` and `celery_oncall.checks`.
    Raises BadInput when two share a name.
    """

    def __init__(self) -> None:
        self.actions: Mapping[str, Action[Any]] = _found("bot.actions", "celery_oncall.actions", Action)
        self.checks: Mapping[str, Check[Any]] = _found("bot.checks", "celery_oncall.checks", Check)


def _found(package: str, group: str, base: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in (*_shipped(package, base), *(e.load() for e in entry_points(group=group))):
        if kind.name in found:
            raise BadInput(f"Two classes are named `{kind.name}`: {type(found[kind.name])} and {kind}. Rename one.")
        found[kind.name] = kind()
    return found


def _shipped(package: str, base: type) -> list[Any]:
    modules = [
        importlib.import_module(f"{package}.{m.name}")
        for m in pkgutil.iter_modules(importlib.import_module(package).__path__)
    ]
    return [
        kind
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, base) and kind.__module__ == module.__name__ and not inspect.isabstract(kind)
    ]
