"""One event of Celery's, and how it is read from the broker's messages: typed, so that what is not used costs nothing.

Fields are those of celery's `worker/request.py`, `worker/heartbeat.py` and `app/amqp.py` (5.3 to 5.7); the wrapping is
that of kombu's virtual transports (see `bot.adapters.celery.envelope`).
"""

import binascii
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import msgspec

JSON = "application/json"


class Plugged(msgspec.Struct, gc=False):
    """What the worker plugin adds to heartbeats; memory in bytes, in some of them alone."""

    version: str = "unknown"
    parent: int | None = None
    children: tuple[int, ...] | None = None


class Event(msgspec.Struct, gc=False):
    """A worker's or a task's event. `timestamp` is in seconds since 1970 by the clock of its host.

    `type` and `hostname` are always there, `uuid` in events of tasks; the others where Celery sends them: `name` in
    task-sent and task-received alone. No reference can lead back here, so the garbage collector need not look.
    """

    type: str
    hostname: str
    timestamp: float = 0.0
    uuid: str = ""
    pid: int | None = None
    name: str | None = None
    queue: str | None = None
    retries: int | None = None
    eta: str | None = None
    runtime: float | None = None
    exception: str | None = None
    traceback: str | None = None
    freq: float | None = None
    active: int | None = None
    processed: int | None = None
    loadavg: tuple[float, ...] | None = None
    sw_ident: str | None = None
    sw_ver: str | None = None
    oncall: Plugged | None = None


class NotJson(ValueError):
    """A message whose body is serialized otherwise; `content_type` says how, `message` is kombu's message."""

    def __init__(self, content_type: str) -> None:
        super().__init__(content_type)
        self.content_type = content_type


class _Message(msgspec.Struct, gc=False):
    # msgspec reads a text as base64 where bytes are wanted, which is what kombu writes unless told otherwise.
    body: bytes
    content_type: str = msgspec.field(default="", name="content-type")


_message = msgspec.json.Decoder(_Message).decode
_batch = msgspec.json.Decoder(list[Event]).decode
_single = msgspec.json.Decoder(Event).decode


def read(raw: bytes) -> list[Event]:
    """Return the events of a broker's message, one or many; raises NotJson, or ValueError for what is no event."""
    try:
        message = _message(raw)
        if message.content_type != JSON:
            raise NotJson(message.content_type)
        body = message.body
        return _batch(body) if body.startswith(b"[") else [_single(body)]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _read_slowly(raw)


def event_of(fields: object) -> Event:
    """Return an event of its fields; raises ValueError. Fields of a type that Celery does not send are left out."""
    if not isinstance(fields, Mapping):
        raise ValueError(f"an event is a mapping, not {type(fields).__name__}")
    known = {name: fields[name] for name in Event.__struct_fields__ if name in fields}
    # YAML and msgpack know numbers that are none; a clock that is once `nan` ahead would stay so.
    wanted = {name: value for name, value in known.items() if not isinstance(value, float) or isfinite(value)}
    while True:
        try:
            return msgspec.convert(wanted, Event)
        except msgspec.ValidationError as error:
            # "Expected `int`, got `str` - at `$.pid`", or at `$.oncall.parent`
            bad = str(error).rpartition("`$.")[2].partition("`")[0].partition("[")[0].partition(".")[0]
            if bad not in wanted or bad in ("type", "hostname"):
                raise ValueError(f"not an event of Celery's: {error}") from error
            del wanted[bad]


def _read_slowly(raw: bytes) -> list[Event]:
    """Read what the typed decoders refuse: a body without base64, an event with a field of another type."""
    try:
        message = msgspec.json.decode(raw)
        if message["content-type"] != JSON or (message.get("headers") or {}).get("compression"):
            raise NotJson(str(message["content-type"]))
        body = message["body"]
        if message["properties"].get("body_encoding") == "base64":
            body = binascii.a2b_base64(body)
        found: Any = msgspec.json.decode(body)
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError, binascii.Error, UnicodeDecodeError) as error:
        raise ValueError(f"not a message of Celery's: {error!r}") from error
    return [event_of(fields) for fields in (found if isinstance(found, Sequence) else [found])]
