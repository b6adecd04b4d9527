"""Whether Prometheus can be asked, in a clause without its address."""

import pytest
import responses

from bot.adapters.prometheus import trouble
from tests.services.network import SilentServer

SECRET = "hunter2"


@responses.activate
def test_prometheus_that_answers() -> None:
    """A slash at the end of the address does no harm."""
    responses.get("http://prometheus.example/")
    assert trouble("http://prometheus.example") is None
    assert trouble("http://prometheus.example/") is None
    assert {call.request.url for call in responses.calls} == {"http://prometheus.example/"}


@responses.activate
@pytest.mark.parametrize("status", [401, 404, 503])
def test_prometheus_that_refuses(status: int) -> None:
    """A proxy in front of it may want a password, or another path; it is asked once."""
    url = f"http://me:{SECRET}@prometheus.example/metrics"
    responses.get(f"{url}/", status=status)
    assert trouble(url) == "it refuses; are user, password and path right?"
    (call,) = responses.calls
    assert str(call.request.headers["Authorization"]).startswith("Basic ")


def test_prometheus_that_is_away(refused_port: int) -> None:
    """Nothing listens there, or the name leads nowhere."""
    assert trouble(f"http://me:{SECRET}@127.0.0.1:{refused_port}") == "nothing can be reached there"


def test_prometheus_that_keeps_silent(silent_server: SilentServer) -> None:
    """It is given up, and not asked again."""
    assert trouble(f"http://127.0.0.1:{silent_server.port}") == "it did not answer within 3 s"
    assert silent_server.connections == 1
