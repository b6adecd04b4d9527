"""A web server whose pages behave as pages do on bad days; one path, one behaviour."""

import base64
import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

STATS = {"status": "healthy", "queues": {"booking": {"waiting": 3}, "a.b": {"waiting": 7}}, "workers": ["w1@a", "w2@a"]}


class PageServer:
    """Serves on the loopback interface, on a free port unless one is given.

    `more` maps further paths to status and JSON (or bytes), or to 0 and the name of a behaviour.
    `elsewhere` is where `/elsewhere` sends to. `asked` are the requests so far: path and headers.
    """

    def __init__(self, more: Mapping[str, tuple[int, Any]] | None = None, elsewhere: str = "", port: int = 0) -> None:
        """Start to serve."""
        self.more, self.elsewhere = dict(more or {}), elsewhere
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.dripping = 0
        """How many answers are being dripped now."""
        self.let_go = threading.Event()
        """Set, it ends what drips."""
        self.closed = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def url(self, path: str = "", credentials: str = "") -> str:
        """The address of a page."""
        return f"http://{credentials}{'@' if credentials else ''}127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        """Stop, and end what drips."""
        self.closed.set()
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


class _Handler(BaseHTTPRequestHandler):
    pages: ClassVar[PageServer]

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer."""
        self.pages.asked.append((self.path, dict(self.headers)))
        path = self.path.partition("?")[0]
        if path in self.pages.more:
            status, body = self.pages.more[path]
            if not status:
                return self._behave(body)
            return self._say(status, body if isinstance(body, bytes) else json.dumps(body).encode())
        return self._behave(path.strip("/"))

    def _behave(self, page: str) -> None:
        behaviour: Callable[[], None] = getattr(self, f"_{page.replace('-', '_')}", self._missing)
        behaviour()

    def _say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _missing(self) -> None:
        self._say(404, b"no such page")

    def _stats(self) -> None:
        self._say(200, json.dumps(STATS).encode())

    def _guarded(self) -> None:
        """Wants user `me` and password `hunter2`."""
        wanted = "Basic " + base64.b64encode(b"me:hunter2").decode()
        self._say(200 if self.headers["Authorization"] == wanted else 401, b"{}")

    def _failing(self) -> None:
        self._say(500, b'{"status": "unavailable"}')

    def _text(self) -> None:
        self._say(200, b"<html>Please log in</html>")

    def _deep(self) -> None:
        self._say(200, b"[" * 100_000)

    def _huge(self) -> None:
        self._say(200, b" " * 3_000_000)

    def _packed(self) -> None:
        self._say(200, b"\x1f\x8b" + b"0" * 50, **{"Content-Encoding": "gzip"})

    def _here(self) -> None:
        self._say(302, b"", Location="/stats")

    def _round(self) -> None:
        self._say(302, b"", Location="/round")

    def _elsewhere(self) -> None:
        self._say(302, b"", Location=self.pages.elsewhere)

    def _broken(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly")

    def _garbage(self) -> None:
        self.wfile.write(b"+PONG\r\n-ERR what?\r\n")

    def _drip(self) -> None:
        """Send the body a byte at a time, for as long as the server runs and the client listens."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        self._trickle(b" ")

    def _drip_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-")
        self._trickle(b"a")

    def _slow(self) -> None:
        self.pages.let_go.wait(60)

    def _trickle(self, byte: bytes) -> None:
        self.pages.dripping += 1
        until = time.monotonic() + 60
        try:
            while not self.pages.let_go.wait(0.02) and time.monotonic() < until:
                self.wfile.write(byte)
                self.wfile.flush()
        except OSError:  # the client hung up
            pass
        finally:
            self.pages.dripping -= 1


def wait_for(condition: Callable[[], object], what: str, seconds: float = 20) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} was not seen"
        time.sleep(0.02)


def _handler(pages: PageServer) -> type[_Handler]:
    return type("Handler", (_Handler,), {"pages": pages})
