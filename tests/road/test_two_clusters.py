"""One bot watches two clusters: a default for each channel, any of them by name, and nothing leaks between them."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest
import pytest_asyncio

from playground.alerts import alertmanager
from playground.slack.errors import Json
from tests.road.looking import card_of, has_button, see
from tests.road.two_clusters import CHANNELS, IDLE, PROD, STAGING, TwoClusters, two_clusters, words

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

OTHER = {PROD: STAGING, STAGING: PROD}
BOTH = {"ai_generation", "analytics"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def both(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TwoClusters]:
    """Return the bot and its two clusters."""
    async with two_clusters(tmp_path_factory.mktemp("clusters")) as started:
        yield started


async def until(condition: Callable[[], object], seconds: float = 45) -> None:
    """Poll until the condition holds; it may block."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await asyncio.to_thread(condition):
        assert asyncio.get_running_loop().time() < deadline, "the condition never came true"
        await asyncio.sleep(0.1)


async def counted(both: TwoClusters, line: str, channel: str, start: str) -> str:
    """Return the answer once it begins so: depths are sampled every few seconds, and a status tells the last ones."""
    deadline = asyncio.get_running_loop().time() + 20
    while True:
        said = words(await both.command(line, channel, words))
        if said.startswith(start):
            return said
        assert asyncio.get_running_loop().time() < deadline, f"{line}: {said}"
        await asyncio.sleep(0.5)


async def test_each_channel_has_its_default_and_another_cluster_is_named(both: TwoClusters) -> None:
    """The numbers are those of the cluster that the answer names, wherever it was asked."""
    both.send(PROD, IDLE, 2)
    both.send(STAGING, IDLE, 7)
    asked = {
        ("/celery status", PROD): (PROD, 2),
        ("/celery status", STAGING): (STAGING, 7),
        ("/celery status staging", PROD): (STAGING, 7),
        ("/celery status prod", STAGING): (PROD, 2),
    }
    for (line, where), (cluster, waiting) in asked.items():
        said = await counted(both, line, CHANNELS[where], f"*{cluster}*: {waiting} waiting in ")
        assert f"*{IDLE}* {waiting} waiting" in said
        assert OTHER[cluster] not in said


async def test_wrong_names_are_told_with_their_cluster(both: TwoClusters) -> None:
    """A misspelt cluster, and a queue that only the other one has."""

    async def told(line: str) -> str:
        return str((await both.command(line, CHANNELS[PROD], lambda m: m.get("text")))["text"])

    assert "There is no cluster `stagin`. Did you mean `staging`?" in await told("/celery status stagin")
    assert "no queue `previews` on `prod`. Did you mean `staging/previews`?" in await told("/celery pause previews")
    assert "no queue `invoices` on `staging`. Did you mean `prod/invoices`?" in await told(
        "/celery pause staging/invoices"
    )


async def test_a_pause_of_one_cluster_leaves_the_other_as_it_is(both: TwoClusters) -> None:
    """Same queue, same worker's name, same channel: only the named cluster is touched, now and by the hold later."""
    await do(both, "/celery pause staging/analytics for 10m because of a test", "stopped consuming analytics")
    assert both.consumed(STAGING) == {"worker1@test": {"ai_generation"}}
    assert both.consumed(PROD) == {"worker1@test": BOTH}
    assert "paused by" in words(await both.command("/celery status staging", CHANNELS[PROD], words))
    assert "paused by" not in words(await both.command("/celery status", CHANNELS[PROD], words))

    for cluster in (PROD, STAGING):
        both.start_worker(cluster, "worker2")
    await until(lambda: both.consumed(STAGING).get("worker2@test") == {"ai_generation"})
    assert both.consumed(PROD) == {"worker1@test": BOTH, "worker2@test": BOTH}

    await do(both, "/celery resume staging/analytics", "consume analytics again")
    assert both.consumed(STAGING) == {"worker1@test": BOTH, "worker2@test": BOTH}


async def do(both: TwoClusters, line: str, outcome: str) -> None:
    """Ask in prod's channel for something on staging, and do it; every word on the way names staging."""
    draft = await both.command(line, CHANNELS[PROD], lambda m: has_button(m, "submit_draft"))
    assert "on staging?" in words(draft)
    await both.ana.click(draft, "submit_draft")
    done = await see(
        both.ana,
        lambda: both.ana.messages(CHANNELS[PROD]),
        lambda m: card_of(m).startswith("execution:") and outcome in words(m) and "audit #" in words(m),
    )
    assert f" · {STAGING} · audit #" in words(done)


async def test_an_alert_that_names_the_other_cluster_is_about_that_one(both: TwoClusters) -> None:
    """Two alerts in one channel, alike but for the cluster: two threads, each with the numbers of its own cluster."""
    both.send(STAGING, "analytics", 16, "sample.sleep", (120,))
    await until(lambda: set(both.busy(STAGING).values()) == {2})
    both.send(STAGING, "ai_generation", 700)
    roots = {}
    for cluster in (STAGING, PROD):
        payload = alertmanager(f"CeleryQueueDepthHigh {cluster} ai_generation", "critical")
        roots[cluster] = await both.alert(CHANNELS[PROD], payload)
    cards = {}
    least = {STAGING: 651, PROD: 0}  # a first number may be of a second ago, when they were still being sent
    for cluster, root in roots.items():
        wanted = partial(counts, least=least[cluster])
        cards[cluster] = await card(both, root, wanted)
        assert f" · {cluster} · " in words(cards[cluster])
        assert OTHER[cluster] not in words(cards[cluster])
    assert waiting_in(cards[STAGING]) <= 700
    assert waiting_in(cards[PROD]) == 0
    assert has_button(cards[STAGING], "offer")
    await resolved_alone(both, roots)


def counts(shown: Json, least: int) -> bool:
    """Return whether a card counts at least so many."""
    return "waiting (limit" in words(shown) and waiting_in(shown) >= least


def waiting_in(shown: Json) -> int:
    """Return the number in a card's first line."""
    found = re.search(r"ai_generation: ([\d,]+) waiting", words(shown))
    assert found is not None, words(shown)
    return int(found[1].replace(",", ""))


async def card(both: TwoClusters, root: Json, fits: Callable[[Json], object]) -> Json:
    """Return the incident's card in the thread of an alert."""
    return await see(
        both.ana,
        lambda: both.ana.replies(root["channel"], root["ts"]),
        lambda m: card_of(m).startswith("incident:") and fits(m),
    )


async def resolved_alone(both: TwoClusters, roots: dict[str, Json]) -> None:
    """A resolve of one cluster's alert is none of the other's."""
    payload = alertmanager(f"CeleryQueueDepthHigh {PROD} ai_generation", "critical", resolved=True)
    await both.alert(CHANNELS[PROD], payload)
    await card(both, roots[PROD], lambda m: "Resolved" in words(m))
    assert "Resolved" not in words(await card(both, roots[STAGING], words))


async def test_every_audit_entry_names_its_cluster(both: TwoClusters) -> None:
    """Of an alert without a cluster's name, too: it is its channel's."""
    for cluster, channel in CHANNELS.items():
        root = await both.alert(channel, alertmanager(f"CeleryQueueDepthHigh {IDLE}", "critical"))
        shown = await card(both, root, lambda m: "waiting" in words(m))
        assert f" · {cluster} · " in words(shown)
    entries = both.audit()
    assert {e.facts.get("cluster") for e in entries} >= {PROD, STAGING}
    assert [e.event for e in entries if e.facts.get("cluster") not in (PROD, STAGING)] == []
