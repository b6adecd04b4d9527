"""A broker that answers and refuses is told from one that does not answer: what it refuses, where the rules stand."""

from collections.abc import Callable, Iterator

import pytest

from bot.adapters.celery.connection import ClusterConnection
from bot.adapters.celery.connections import CeleryConnections
from bot.adapters.celery.control import CeleryClusterControl
from bot.adapters.clock import SystemClock
from bot.domain.cluster import ClusterSpec, QueueSpec
from bot.domain.errors import BrokerRefuses, ClusterUnreachable
from bot.ports import Target
from bot.usecases.looking import look
from playground.services import RedisServer

SPEC = ClusterSpec(name="prod", queues=(QueueSpec(name="booking", importance=5),))
RULES = (
    " to the bot's user. The table in section 2 of docs/install.md has the rules to add for each thing the bot does."
)

MakeUser = Callable[..., CeleryClusterControl]


@pytest.fixture
def as_user(redis_server: RedisServer) -> Iterator[MakeUser]:
    """A function that gives a user these rights, and returns the cluster as that user sees it."""
    made: list[CeleryClusterControl] = []

    def make(*commands: str, keys: str = "*") -> CeleryClusterControl:
        with redis_server.client() as client:
            client.acl_setuser(
                "bot", enabled=True, reset=True, passwords=["+pw"], keys=[keys], channels=["*"], commands=list(commands)
            )
        url = f"redis://bot:pw@127.0.0.1:{redis_server.port}/0"
        made.append(CeleryClusterControl(ClusterConnection("prod", url), SPEC, SystemClock()))
        return made[-1]

    yield make
    for control in made:
        control.close()


def test_a_refused_command_is_named_with_where_its_rule_stands(as_user: MakeUser) -> None:
    """Nobody is sent to look after a broker that is well."""
    with pytest.raises(BrokerRefuses) as refused:
        CeleryConnections(as_user("+@all", "-client|list").watched).all()
    assert str(refused.value) == f"The broker of `prod` answers, but its ACL refuses `client|list`{RULES}"


def test_what_a_script_or_an_effect_may_not_do_is_named_too(as_user: MakeUser) -> None:
    """Nothing was sent, so nothing is uncertain."""
    broker = as_user("+@all", "-del").watched.broker
    with pytest.raises(BrokerRefuses, match="refuses `del` to"):
        broker.effect("deleting", lambda client, _: client.eval("return redis.call('del', 'a')", 0), 1.0)


def test_the_names_of_keys_are_not_told(as_user: MakeUser) -> None:
    """Redis' own words may hold them; ours do not."""
    broker = as_user("+@all", keys="celery*").watched.broker

    def work(client: object, until: float) -> None:
        pipeline = client.pipeline(transaction=False)  # type: ignore[attr-defined]  # redis-py's
        pipeline.get("patient-4711")
        pipeline.execute()

    with pytest.raises(BrokerRefuses) as refused:
        broker.read(work, 1.0)
    assert (
        str(refused.value)
        == f"The broker of `prod` answers, but its ACL refuses one of the keys that this needs{RULES}"
    )


def test_lengths_that_may_not_be_asked_for_are_no_queues_of_another_kind(as_user: MakeUser) -> None:
    """Without LLEN nothing can be counted, and that is said; one key that may not be read is unknown alone."""
    with pytest.raises(BrokerRefuses, match="refuses `llen` to"):
        as_user("+@all", "-llen").snapshot()
    (unknown,) = [u for u in as_user("+@all", keys="_kombu*").snapshot().unknown if u.what == "booking"]
    assert unknown.why == "its key in Redis is not a queue, or may not be read"


def test_workers_that_may_not_be_asked_are_unknown_and_depths_are_shown(as_user: MakeUser) -> None:
    """The refused command stands in the reason."""
    snapshot = as_user("+@all", "-publish").snapshot()
    assert [(q.name, q.depth) for q in snapshot.queues] == [("booking", 0)]
    assert [u.why for u in snapshot.unknown] == [
        "the broker passes on no replies: its ACL refuses `publish` to the bot's user"
    ]


def test_an_action_is_refused_with_what_keeps_workers_from_being_asked(as_user: MakeUser) -> None:
    """A decision needs workers' answers; the broker itself is well, and nobody is told to check it."""
    control = as_user("+@all", "-publish")
    with pytest.raises(ClusterUnreachable) as refused:
        look(Target(spec=SPEC, control=control, clock=SystemClock()))
    assert str(refused.value) == (
        "The broker of `prod` answers, but no worker could be asked, because the broker passes on no replies: its ACL "
        "refuses `publish` to the bot's user. What workers consume and run is unknown until that is put right."
    )
