"""The wrapping that kombu's virtual transports put around a message: JSON around a base64 body.

See kombu's `transport/virtual/base.py`. Only JSON is read: a pickle from a broker would run whatever it says.
"""

import base64
import binascii
import json
import uuid
from typing import Any

import msgspec


def wrap(body: object, exchange: str) -> bytes:
    """Return `body` as a fan-out message."""
    text = json.dumps(body, separators=(",", ":")).encode()
    properties = {
        "delivery_mode": 1,
        "delivery_info": {"exchange": exchange, "routing_key": ""},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": str(uuid.uuid4()),
    }
    message = {
        "body": base64.b64encode(text).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"clock": 0},
        "properties": properties,
    }
    return json.dumps(message, separators=(",", ":")).encode()


class _Headers(msgspec.Struct, gc=False):
    ticket: str | None = None


class _Message(msgspec.Struct, gc=False):
    # msgspec reads a text as base64 where bytes are wanted, which is what kombu writes unless told otherwise.
    body: bytes
    headers: _Headers
    content_type: str = msgspec.field(name="content-type")


_message = msgspec.json.Decoder(_Message).decode


def unwrap(raw: bytes) -> tuple[str | None, Any]:
    """Return the ticket and the body of a reply; raises ValueError when it is not JSON all through."""
    try:
        message = _message(raw)
        if message.content_type == "application/json":
            return message.headers.ticket, msgspec.json.decode(message.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        pass  # a body without base64, a NaN, or no message at all: slowly, below
    return _unwrap_slowly(raw)


def _unwrap_slowly(raw: bytes) -> tuple[str | None, Any]:
    try:
        message = json.loads(raw)
        if message["content-type"] != "application/json":
            raise ValueError(f"the reply is {message['content-type']}, and only JSON is read")
        body = message["body"]
        if message["properties"].get("body_encoding") == "base64":
            body = base64.b64decode(body)
        return message["headers"].get("ticket"), json.loads(body)
    except (KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise ValueError(f"the reply is not a message of Celery's: {error!r}") from error
