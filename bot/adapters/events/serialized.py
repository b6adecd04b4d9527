"""Events that an application serializes otherwise than as plain JSON: in YAML, in msgpack, or compressed.

Content types and encodings are those of kombu's `serialization.py` and `compression.py` (5.3 to 5.7). Pickle is never
read: it would run whatever somebody wrote to the broker.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import yaml
from kombu.compression import decompress

from bot.adapters.events.event import Event, event_of

_PICKLE = ("application/x-python-serialize", "application/x-pickle")
_DECODERS: dict[str, Callable[[bytes], Any]] = {
    "application/json": msgspec.json.decode,
    "application/x-yaml": lambda body: yaml.load(body, Loader=_YAML),  # noqa: S506 - a safe loader, in C where there is one
    "application/x-msgpack": msgspec.msgpack.decode,
}
_YAML: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

READABLE = frozenset(_DECODERS)
"""Content types that are read."""


def read_other(raw: bytes) -> list[Event]:
    """Return the events of a message of kombu's virtual transports; raises ValueError in words for what is not read."""
    try:
        message = msgspec.json.decode(raw)
        body, headers = message["body"], message.get("headers") or {}
        if message["properties"].get("body_encoding") == "base64":
            body = base64.b64decode(body)
        return events_in(body, str(message["content-type"]), headers.get("compression"))
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise ValueError(f"not a message of Celery's: {error!r}") from error


def events_in(body: bytes | str, content_type: str, compression: str | None = None) -> list[Event]:
    """Return the events of a body, one or many; raises ValueError in words."""
    decode = _DECODERS.get(content_type)
    if decode is None:
        raise ValueError(_refusal(content_type))
    try:
        plain = body.encode() if isinstance(body, str) else body
        found = decode(decompress(plain, compression) if compression else plain)
    except Exception as error:  # each library raises its own
        raise ValueError(f"a body that says it is {content_type} and is not: {error}") from error
    return [event_of(fields) for fields in (found if _many(found) else [found])]


def _many(found: object) -> bool:
    return isinstance(found, Sequence) and not isinstance(found, (str, bytes, Mapping))


def _refusal(content_type: str) -> str:
    if content_type in _PICKLE:
        return "events come as pickle, which is never read; set `event_serializer` of the application to json"
    return f"events come as {content_type}, which is not read; set `event_serializer` of the application to json"
