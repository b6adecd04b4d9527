"""Servers that misbehave in the two ways every client meets: silence and refusal."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class SilentServer:
    """Accepts every TCP connection, reads nothing and never answers."""

    def __init__(self, port: int = 0) -> None:
        """Listen on a port of the loopback interface, a free one unless it is given."""
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._accepted: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def connections(self) -> int:
        """How many clients have been accepted so far."""
        return len(self._accepted)

    def url(self, db: int = 0) -> str:
        """Its address, as if it were a Redis server."""
        return f"redis://127.0.0.1:{self.port}/{db}"

    def close(self) -> None:
        """Close every connection and stop listening."""
        with contextlib.suppress(OSError):  # macOS refuses shutdown on a listening socket; closing wakes it there
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=5)
        for connection in self._accepted:
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed by `close`
                return
            self._accepted.append(connection)


@contextlib.contextmanager
def refused_port() -> Iterator[int]:
    """A port on which every connection is refused, held so that nobody else can listen on it."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))  # bound but not listening
        yield holder.getsockname()[1]
