"""A document held against a pydantic model, with every complaint at its place."""

import json
import types
import typing
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.located_yaml import wording
from bot.located_yaml.document import Document, Path, Problem

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Unread:
    """What `validated` gives for a document that does not fit: why."""

    problems: tuple[Problem, ...]


def validated(model: type[M], document: Document, hidden: Collection[str] = ()) -> M | Unread:
    """Return the document as `model`, in strict JSON mode (the text "5" is no number), or all that is wrong.

    `hidden` are top-level fields of the model that a file may not set.
    """
    checked = {k: v for k, v in document.value.items() if k not in hidden} if _is_map(document) else document.value
    found = [_unknown(document, model, (k,), hidden) for k in hidden if _is_map(document) and k in document.value]
    try:
        parsed = model.model_validate_json(json.dumps(checked), strict=True)
    except ValidationError as e:
        found += [_problem(document, model, error, hidden) for error in e.errors(include_url=False)]
        return Unread(tuple(found))
    return Unread(tuple(found)) if found else parsed


def _is_map(document: Document) -> bool:
    return isinstance(document.value, dict)


def _problem(document: Document, model: type[BaseModel], error: ErrorDetails, hidden: Collection[str]) -> Problem:
    path: Path = tuple(error["loc"])
    if error["type"] == "extra_forbidden":
        return _unknown(document, model, path, hidden)
    if error["type"] == "missing":
        return document.problem(path[:-1], _missing(model, path), at_key=True)
    if path and path[-1] == "[key]":
        return document.problem(path[:-1], wording.sentence(error, path[:-1]), at_key=True)
    return document.problem(path, wording.sentence(error, path))


def _unknown(document: Document, model: type[BaseModel], path: Path, hidden: Collection[str]) -> Problem:
    siblings = _keys(_model_at(model, path[:-1])) - (set(hidden) if len(path) == 1 else set())
    places = {k: v for k, v in _places(model).items() if k not in hidden}
    return document.problem(path, wording.unknown_key(path, siblings, places), at_key=True)


def _missing(model: type[BaseModel], path: Path) -> str:
    holder = _model_at(model, path[:-1])
    field = next((f for n, f in holder.model_fields.items() if (f.alias or n) == path[-1]), None) if holder else None
    meaning = f" ({field.description})" if field and field.description else ""
    where = f"`{wording.dotted(path[:-1])}`" if path[:-1] else "the file"
    return f"The key `{path[-1]}`{meaning} is missing in {where}."


def _keys(model: type[BaseModel] | None) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()} if model else set()


def _model_at(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    """Return the model that describes the map at `path`."""
    annotation: Any = model
    for part in path:
        if inner := _model_in(annotation):
            annotation = next((f.annotation for n, f in inner.model_fields.items() if (f.alias or n) == part), None)
        else:
            annotation = _item(annotation)
    return _model_in(annotation)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that an annotation is (`Model`, `Model | None`), but not one inside a list or map."""
    for candidate in _without_none(annotation):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def _item(annotation: Any) -> Any:
    """Return what a list's or map's items are."""
    for candidate in _without_none(annotation):
        if args := [a for a in typing.get_args(candidate) if a is not Ellipsis]:
            return args[-1]
    return None


def _without_none(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return tuple(a for a in typing.get_args(annotation) if a is not types.NoneType)
    return (annotation,)


def _places(model: type[BaseModel], at: str = "") -> dict[str, list[str]]:
    """Return for each key of the whole file the maps it is known in, map keys as `<name>`, items as `[n]`."""
    found: dict[str, list[str]] = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        found.setdefault(key, []).append(at)
        place, annotation = f"{at}.{key}" if at else key, field.annotation
        while annotation is not None and _model_in(annotation) is None:
            origins = {typing.get_origin(c) for c in _without_none(annotation)}
            place += ".<name>" if dict in origins else "[n]"
            annotation = _item(annotation)
        if inner := _model_in(annotation):
            for deeper, where in _places(inner, place).items():
                found.setdefault(deeper, []).extend(where)
    return found
