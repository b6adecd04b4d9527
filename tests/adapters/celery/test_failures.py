"""A broker that refuses, keeps silent or breaks off: every call ends in time, in words, and recovers by itself."""

import socket
import threading
import time
from collections.abc import Callable

import pytest

from bot.adapters.bounded import Bounded, TooManyHanging
from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.celery.diagnostics import CeleryDiagnostics
from bot.adapters.clock import SystemClock
from bot.domain.errors import BadInput, ClusterUnreachable, EffectUncertain
from playground.services import RedisServer
from tests.adapters.celery.conftest import MakeControl
from tests.services.network import SilentServer


def asked(control: CeleryClusterControl) -> CeleryDiagnostics:
    """The diagnostics of a control's cluster; without results there is nothing to close."""
    return CeleryDiagnostics(control.watched, SystemClock())


CALLS: dict[str, Callable[[CeleryClusterControl], object]] = {
    "snapshot": lambda c: c.snapshot(),
    "depths": lambda c: c.depths(),
    "consumers": lambda c: c.consumers(),
    "cancel_consumer": lambda c: c.cancel_consumer("booking", ["w1@test"]),
    "add_consumer": lambda c: c.add_consumer("booking", ["w1@test"]),
    "broker_info": lambda c: asked(c).broker_info(),
    "oldest": lambda c: asked(c).oldest(),
    "unacknowledged": lambda c: asked(c).unacknowledged(),
    "reports": lambda c: asked(c).reports(1.0),
    "memory": lambda c: asked(c).memory(1.0),
    "find_task": lambda c: asked(c).find_task("no-such-id"),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def failure(call: Callable[[CeleryClusterControl], object], control: CeleryClusterControl) -> ClusterUnreachable:
    """How a call fails, which it must within 3 s."""
    started = time.monotonic()
    with pytest.raises(ClusterUnreachable) as caught:
        call(control)
    assert time.monotonic() - started < 3
    return caught.value


@every_call
def test_a_refused_connection(
    refused_port: int, make_control: MakeControl, call: Callable[[CeleryClusterControl], object]
) -> None:
    """Nothing listens there."""
    error = failure(call, make_control(f"redis://:secret@127.0.0.1:{refused_port}/0"))
    assert error.why == f"nothing listens at 127.0.0.1:{refused_port}"
    assert "`shop`" in str(error)


@every_call
def test_a_silent_server(
    silent_server: SilentServer, make_control: MakeControl, call: Callable[[CeleryClusterControl], object]
) -> None:
    """It accepts and never answers."""
    error = failure(call, make_control(silent_server.url()))
    assert error.why == f"127.0.0.1:{silent_server.port} did not answer within 1 s"


@pytest.mark.service
@every_call
def test_a_stopped_broker_and_its_return(
    redis_server: RedisServer, make_control: MakeControl, call: Callable[[CeleryClusterControl], object]
) -> None:
    """SIGSTOP under open connections; afterwards the same control works again."""
    control = make_control(redis_server.url(), ["booking"])
    call(control)
    redis_server.pause()
    assert "did not answer" in failure(call, control).why
    redis_server.resume()
    call(control)


@pytest.mark.service
@every_call
def test_a_broker_that_goes_and_comes_back(
    redis_server: RedisServer, make_control: MakeControl, call: Callable[[CeleryClusterControl], object]
) -> None:
    """The first call after its return works: dead connections are noticed before anything is sent on them."""
    control = make_control(redis_server.url(), ["booking"])
    call(control)
    redis_server.kill()
    assert "nothing listens" in failure(call, control).why
    redis_server.start()
    call(control)
    redis_server.kill()
    redis_server.start()
    call(control)


@pytest.mark.service
def test_the_wrong_password_and_database(redis_server: RedisServer, make_control: MakeControl) -> None:
    """Each is said as what it is, and no secret with it."""
    assert failure(CALLS["depths"], make_control(redis_server.url(99))).why.endswith(
        "refuses database 99: DB index is out of range"
    )
    with redis_server.client() as client:
        client.config_set("requirepass", "right")
    for url in (redis_server.url(), f"redis://:wrong@127.0.0.1:{redis_server.port}/0"):
        error = failure(CALLS["snapshot"], make_control(url))
        assert error.why == f"127.0.0.1:{redis_server.port} refused the user name or password"
    right = make_control(f"redis://:right@127.0.0.1:{redis_server.port}/0", ["booking"])
    assert right.depths() == {"booking": 0}


@pytest.mark.service
def test_tls_to_a_port_without(redis_server: RedisServer, make_control: MakeControl) -> None:
    """Redis waits for more of the handshake; the mistake is named."""
    error = failure(CALLS["snapshot"], make_control(f"rediss://127.0.0.1:{redis_server.port}/0"))
    assert error.why.endswith("(TLS is on; does the broker use it?)")


def test_a_certificate_file_that_is_not_there(silent_server: SilentServer, make_control: MakeControl) -> None:
    """The setting is at fault, not the broker."""
    control = make_control(f"rediss://127.0.0.1:{silent_server.port}/0", tls={"ssl_ca_certs": "/no/such/file"})
    assert failure(CALLS["depths"], control).why.startswith("a certificate file that is set for")


def test_an_unknown_tls_option_is_refused_at_once() -> None:
    """Before anything connects."""
    with pytest.raises(BadInput, match="`tls` of `shop`"):
        ClusterConnection("shop", "rediss://h/0", tls={"ssl_typo": "x"})


def test_another_protocol(make_control: MakeControl) -> None:
    """A web server on the port is no broker."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:  # closed
                    return
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.close()

        threading.Thread(target=answer, daemon=True).start()
        port = server.getsockname()[1]
        error = failure(CALLS["depths"], make_control(f"redis://127.0.0.1:{port}/0"))
        assert error.why == f"127.0.0.1:{port} does not speak Redis's protocol"
        server.shutdown(socket.SHUT_RDWR)


def test_a_host_that_has_no_address(make_control: MakeControl) -> None:
    """The name is at fault, not the broker."""
    error = failure(CALLS["depths"], make_control("redis://no-such-host.invalid/0"))
    assert error.why == "the host name of no-such-host.invalid:6379 cannot be resolved"


class Cut:
    """Passes bytes to a server; hangs up on who sends a marker, and only then passes it on. `seen` counts markers."""

    def __init__(self, target: int, marker: bytes) -> None:
        self._target, self._marker, self.seen = target, marker, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # closed
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if self._marker in data:
                    self.seen += 1
                    source.shutdown(socket.SHUT_RDWR)
                sink.sendall(data)
        except OSError:  # the other direction broke off
            pass
        for end in (source, sink):
            end.close()


@pytest.mark.service
def test_an_effect_whose_connection_breaks_is_uncertain_and_sent_once(
    redis_server: RedisServer, make_control: MakeControl
) -> None:
    """It may have arrived, so it is not sent again; a read is, once."""
    cut = Cut(redis_server.port, b"PUBLISH")
    control = make_control(f"redis://127.0.0.1:{cut.port}/0", ["booking"])
    with pytest.raises(EffectUncertain) as caught:
        control.cancel_consumer("booking", ["w1@test"])
    assert cut.seen == 1
    assert str(caught.value).startswith("`shop`: “stop consuming booking” to w1@test was sent but")
    failure(CALLS["snapshot"], control)
    assert cut.seen == 3
    cut.close()


@pytest.mark.service
def test_a_step_to_a_broker_that_went_meanwhile_was_not_sent(
    redis_server: RedisServer, make_control: MakeControl
) -> None:
    """It is not asked first whether it is there, but a connection that it has closed is seen, and opened anew."""
    broker = make_control(redis_server.url()).watched.broker

    def step() -> int:
        return broker.step("counting", lambda client, _: int(client.incr("n")), 1.0)

    assert step() == 1
    redis_server.kill()
    with pytest.raises(ClusterUnreachable) as caught:
        step()
    assert caught.value.why == f"nothing listens at 127.0.0.1:{redis_server.port}"
    redis_server.start()
    assert step() == 1


@pytest.mark.service
def test_an_effect_that_the_broker_refuses_is_certain(redis_server: RedisServer, make_control: MakeControl) -> None:
    """A full broker says no to the whole transaction, so nothing was sent."""
    control = make_control(redis_server.url(), ["booking"])
    with redis_server.client() as client:
        client.config_set("maxmemory", "1mb")
    assert "its memory is full" in failure(CALLS["cancel_consumer"], control).why


@pytest.mark.parametrize("workers", [[], "w1@test", ["w1"], ["@test"], ["w*@test"], ["w1@test", ""]])
def test_a_command_without_full_names_is_refused(make_control: MakeControl, refused_port: int, workers: object) -> None:
    """Without a destination it would reach every worker; nothing is even tried."""
    control = make_control(f"redis://127.0.0.1:{refused_port}/0")
    for tell in (control.cancel_consumer, control.add_consumer):
        with pytest.raises(BadInput):
            tell("booking", workers)  # type: ignore[arg-type]  # a lone name is what a caller may pass by mistake


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("amqp://h/", "`amqp://` is not supported"),
        ("sentinel://h:26379", "not supported"),
        ("redis://h/nought", "wants a database number"),
        ("redis://h:port/0", "cannot be read"),
        ("redis://a;redis://b", "not a list"),
    ],
)
def test_an_address_that_cannot_work_is_refused_at_once(url: str, words: str) -> None:
    """Before anything connects, in words, naming the cluster."""
    with pytest.raises(BadInput, match=words) as caught:
        ClusterConnection("shop", url)
    assert "`shop`" in str(caught.value)


def test_an_address_keeps_its_secrets() -> None:
    """Neither password is shown, and an escaped one is read as kombu reads it."""
    connection = ClusterConnection("shop", "redis://u:p%40ss@host:7000/4", "redis://:hidden@host/5")
    assert "p%40ss" not in repr(connection)
    assert "hidden" not in repr(connection)
    assert (connection.address, connection.db) == ("host:7000", 4)
    assert connection.pool().connection_kwargs["password"] == "p@ss"


def test_a_call_that_hangs_lets_its_caller_go_and_is_counted() -> None:
    """Threads that hang are bounded: beyond the limit nothing more is begun, and they count no longer when they end."""
    bounded, end = Bounded(limit=2), threading.Event()
    for _ in range(2):
        with pytest.raises(TimeoutError):
            bounded.run(end.wait, 0.05)
    with pytest.raises(TooManyHanging):
        bounded.run(end.wait, 0.05)
    end.set()
    deadline = time.monotonic() + 5
    while True:
        try:
            assert bounded.run(lambda: "done", 5) == "done"
            return
        except TooManyHanging:
            assert time.monotonic() < deadline
