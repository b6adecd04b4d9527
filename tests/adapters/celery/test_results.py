"""Results in the backend: counted by SCAN, on the backend's own server, under its own prefix."""

import re
from collections.abc import Iterator

import pytest

from bot.adapters.celery.control import CeleryClusterControl
from bot.domain.errors import BadInput, OutsideUnreachable
from playground.services import RedisServer
from tests.adapters.celery.conftest import Diagnose, MakeControl
from tests.services.network import SilentServer
from tests.services.sample_app import make_app
from tests.services.workers import StartWorker

pytestmark = pytest.mark.service


@pytest.fixture
def result_server() -> Iterator[RedisServer]:
    """A second server, for results alone."""
    with RedisServer() as server:
        yield server


def test_results_are_counted_in_the_backends_own_place(
    redis_server: RedisServer,
    result_server: RedisServer,
    make_control: MakeControl,
    diagnose: Diagnose,
    celery_worker: StartWorker,
) -> None:
    """Another server and database than the broker's: five results of a real worker, which expire in a day."""
    env = {"SAMPLE_RESULT_URL": result_server.url(3)}
    app = make_app({"SAMPLE_BROKER_URL": redis_server.url(), **env})
    celery_worker(redis_server.url(), queues=["booking"], pool="solo", env=env)
    for result in [app.send_task("sample.add", (n, n), queue="booking") for n in range(5)]:
        result.get(timeout=20)
    found = diagnose(make_control(redis_server.url(), result_backend=result_server.url(3))).results()
    assert (found.n, found.sampled, found.without_end, found.at_least) == (5, 5, 0, False)
    assert found.backend == f"127.0.0.1:{result_server.port}"
    assert found.oldest_end is not None
    assert 86_000 < found.oldest_end <= 86_400
    assert (found.bytes_sampled or 0) > 5 * 50


def test_results_mind_their_prefix_and_end(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose
) -> None:
    """Celery puts an underscore behind a prefix without a separator; other keys and other prefixes do not count."""
    with redis_server.client() as client:
        client.mset({f"eu_celery-task-meta-{n}": "x" for n in range(4)})
        client.set("eu_celery-task-meta-end", "x", ex=100)
        client.mset({"celery-task-meta-1": "x", "xeu_celery-task-meta-1": "x", "eu_celery-taskset-meta-1": "x"})
    found = diagnose(make_control(redis_server.url(), result_backend=redis_server.url(), result_keyprefix="eu"))
    results = found.results()
    assert (results.n, results.without_end, results.bytes_sampled) == (5, 4, 5)
    assert results.oldest_end in (99, 100)


def test_very_many_results_are_counted_as_far_as_the_deadline_allows(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was seen is said to be at least; with time enough it is all."""
    monkeypatch.setattr("bot.adapters.celery.broker.SLACK_SECONDS", 20.0)  # a busy machine is late with one page, too
    with redis_server.client() as client:
        client.mset({f"celery-task-meta-{n}": "x" for n in range(50_000)})
    diagnostics = diagnose(make_control(redis_server.url(), result_backend=redis_server.url()))
    first = diagnostics.results(deadline=0.0)
    assert (first.at_least, first.n < 50_000) == (True, True)
    whole = diagnostics.results(deadline=20)
    assert (whole.n, whole.sampled, whole.at_least) == (50_000, 1000, False)


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        (None, "No result backend is set for `shop`"),
        ("db+postgresql://u:secret@h/d", "The result backend of `shop` is `db+postgresql`"),
        ("rpc://", "The result backend of `shop` is `rpc`"),
    ],
)
def test_a_backend_that_cannot_be_read_is_refused_in_words(
    redis_server: RedisServer, make_control: MakeControl, diagnose: Diagnose, backend: str | None, words: str
) -> None:
    """What to do, and no secret."""
    with pytest.raises(BadInput, match=re.escape(words)) as caught:
        diagnose(make_control(redis_server.url(), result_backend=backend)).results()
    assert "secret" not in str(caught.value)


def test_a_backend_that_is_gone_or_silent_is_not_called_the_broker(
    redis_server: RedisServer,
    control: CeleryClusterControl,
    make_control: MakeControl,
    diagnose: Diagnose,
    refused_port: int,
    silent_server: SilentServer,
) -> None:
    """The sentence names the result backend; a search for a task says that results were not looked at."""
    refused = diagnose(make_control(redis_server.url(), result_backend=f"redis://127.0.0.1:{refused_port}/0"))
    with pytest.raises(OutsideUnreachable, match="The result backend of `shop` cannot be read: nothing listens at"):
        refused.results()
    silent = diagnose(make_control(redis_server.url(), result_backend=silent_server.url()))
    with pytest.raises(OutsideUnreachable, match="did not answer within 1 s"):
        silent.results()
    place = silent.find_task("no-such-id")
    assert (place.place, place.searched_all) == (None, False)
    assert [u.partition(":")[0] for u in place.unsearched] == ["results"]
