"""Events that are no plain JSON: what is read, and what is refused in words."""

import base64
import json
import pickle
from typing import Any

import msgspec
import pytest
import yaml
from kombu.compression import compress

from bot.adapters.events.event import NotJson, event_of, read
from bot.adapters.events.serialized import read_other

EVENTS = [
    {"type": "task-received", "hostname": "w1@a", "timestamp": 1.5, "uuid": "1", "name": "shop.add", "kwargs": "{}"},
    {"type": "task-started", "hostname": "w1@a", "timestamp": 2.5, "uuid": "1", "pid": 7},
]
DUMPED = {
    "application/x-yaml": yaml.safe_dump(EVENTS).encode(),
    "application/x-msgpack": msgspec.msgpack.encode(EVENTS),
    "application/json": json.dumps(EVENTS).encode(),
}


def message(body: bytes, content_type: str, **headers: str) -> bytes:
    """What kombu writes to Redis."""
    fields: dict[str, Any] = {
        "body": base64.b64encode(body).decode(),
        "content-type": content_type,
        "content-encoding": "utf-8",
        "headers": headers,
        "properties": {"body_encoding": "base64"},
    }
    return json.dumps(fields).encode()


@pytest.mark.parametrize("compression", ["", "gzip", "bzip2", "lzma"])
@pytest.mark.parametrize("content_type", DUMPED)
def test_every_serializer_but_pickle_is_read_compressed_or_not(content_type: str, compression: str) -> None:
    """One message may hold many events, or one."""
    body, headers = DUMPED[content_type], {}
    if compression:
        body, headers["compression"] = compress(body, compression)
    found = read_other(message(body, content_type, **headers))
    assert [(e.type, e.uuid, e.timestamp) for e in found] == [("task-received", "1", 1.5), ("task-started", "1", 2.5)]


@pytest.mark.parametrize("content_type", ["application/x-yaml", "application/x-msgpack"])
def test_the_lean_reader_hands_on_what_it_does_not_read(content_type: str) -> None:
    """It says so by an error of its own."""
    with pytest.raises(NotJson):
        read(message(DUMPED[content_type], content_type))


def test_the_lean_reader_hands_on_what_is_compressed() -> None:
    """The content type alone does not tell."""
    body, how = compress(DUMPED["application/json"], "gzip")
    with pytest.raises(NotJson):
        read(message(body, "application/json", compression=how))


class Trap:
    """Does something when it is unpickled."""

    sprung = False

    def __reduce__(self) -> tuple[Any, ...]:
        return setattr, (Trap, "sprung", True)


def test_pickle_is_refused_in_words_and_not_opened() -> None:
    """The sentence says what to set."""
    raw = message(pickle.dumps([Trap()]), "application/x-python-serialize")
    with pytest.raises(ValueError, match=r"pickle, which is never read; set `event_serializer`"):
        read_other(raw)
    assert not Trap.sprung


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"\xff", "not a message of Celery's"),
        (b"[1]", "not a message of Celery's"),
        (message(b"x", "text/plain"), "text/plain, which is not read"),
        (message(b"{", "application/json"), "says it is application/json and is not"),
        (message(b"!!python/object/apply:os.getpid []", "application/x-yaml"), "says it is application/x-yaml"),
        (message(b"plain", "application/json", compression="application/x-gzip"), "says it is application/json"),
        (message(b"x", "application/json", compression="application/x-magic"), "says it is application/json"),
        (message(b"7", "application/json"), "an event is a mapping"),
    ],
)
def test_what_is_no_event_is_refused_in_words(raw: bytes, words: str) -> None:
    """Anybody may publish anything."""
    with pytest.raises(ValueError, match=words):
        read_other(raw)


def test_a_number_that_is_none_is_left_out() -> None:
    """YAML knows `.nan` and `.inf`: one such moment would leave a worker's clock unknown for good."""
    event = event_of({"type": "task-succeeded", "hostname": "w1@a", "timestamp": float("nan"), "runtime": float("inf")})
    assert (event.timestamp, event.runtime) == (0.0, None)
