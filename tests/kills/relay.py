"""A relay between the ops worker and the watched Redis; it can end the worker at any command that changes something."""

import base64
import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

_CHANGES = re.compile(rb"\r\n(EVAL|HSET)\r\n")
"""What archives, requeues and revokes are moved on by; each is sent in one piece."""

_BODY = re.compile(rb'"body": ?"([A-Za-z0-9+/=]+)"')


class Relay:
    """Passes all on, and notes the changes in order. `end_at` names the place at which `end` is called instead."""

    def __init__(self, port: int, end: Callable[[], None]) -> None:
        """Listen on a port of its own, for a Redis on that port."""
        self._target, self._end, self._lock = port, end, threading.Lock()
        self._place: int | None = None
        self._after = self._dead = False
        self.changes: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def end_at(self, place: int | None, *, after: bool = False) -> None:
        """End it at the change of that number, before Redis hears of it or before its answer comes; or never."""
        with self._lock:
            self.changes, self._place, self._after, self._dead = [], place, after, False

    @property
    def ended(self) -> bool:
        """Return whether that place was reached."""
        return self._dead

    def close(self) -> None:
        """Listen no more."""
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                held = threading.Event()
                threading.Thread(target=self._there, args=(near, far, held), daemon=True).start()
                threading.Thread(target=self._back, args=(near, far, held), daemon=True).start()

    def _there(self, near: socket.socket, far: socket.socket, held: threading.Event) -> None:
        with near, far, suppress(OSError):
            while data := near.recv(1 << 20):
                if (what := _change(data)) and self._is_the_place(what):
                    held.set()
                    if self._after:
                        far.sendall(data)
                        far.recv(1)  # Redis has done it when its answer begins
                    self._end()
                    return
                far.sendall(data)

    def _back(self, near: socket.socket, far: socket.socket, held: threading.Event) -> None:
        with suppress(OSError):
            while not held.is_set() and (data := far.recv(1 << 20, socket.MSG_PEEK)):
                if not held.is_set():
                    near.sendall(far.recv(len(data)))
            if not held.is_set():
                near.close()

    def _is_the_place(self, what: str) -> bool:
        with self._lock:
            if self._dead:
                return False
            self._dead = self._place == len(self.changes)
            self.changes.append(what)
            return self._dead


def _change(data: bytes) -> str:
    """Return "EVAL", "HSET", or "revoke" for what a worker is told; nothing for what changes nothing."""
    if found := _CHANGES.search(data):
        return found.group(1).decode()
    told = (base64.b64decode(body) for body in _BODY.findall(data))
    return "revoke" if any(b'"revoke"' in body for body in told) else ""
