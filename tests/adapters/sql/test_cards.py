"""The contract of `Cards`."""

from datetime import timedelta

from bot.adapters.sql import SqlStore
from bot.domain.card import Card, CardKind
from tests.adapters.sql.conftest import NOW

MINUTE = timedelta(minutes=1)


def want(store: SqlStore, subject: str = "inc-1", channel: str = "C1", after: int = 0, **more: str) -> Card:
    """Wish for an incident's card, `after` minutes from NOW; returns it as stored."""
    with store.write() as tx:
        tx.cards.want(CardKind.INCIDENT, subject, channel, NOW + after * MINUTE, **more)
        card = tx.cards.get(CardKind.INCIDENT, subject)
    assert card is not None
    return card


def publish(store: SqlStore, card: Card, **done: object) -> Card:
    """Store what the publisher did; returns the card as stored."""
    with store.write() as tx:
        tx.cards.published(card.model_copy(update=done))
        stored = tx.cards.get(card.kind, card.subject)
    assert stored is not None
    return stored


def pending(store: SqlStore, after: int = 0, limit: int = 50) -> list[str]:
    """Return the subjects of pending cards."""
    with store.read() as tx:
        return [card.subject for card in tx.cards.pending(NOW + after * MINUTE, limit)]


def test_a_new_wish_makes_a_pending_card(store: SqlStore) -> None:
    """All that was wished for is there, and nothing is published yet."""
    card = want(store, thread_ts="1.0", text="hello")
    assert card == Card(
        id="incident:inc-1",
        version=1,
        kind=CardKind.INCIDENT,
        subject="inc-1",
        channel="C1",
        thread_ts="1.0",
        text="hello",
        wanted=1,
        published=0,
        wanted_at=NOW,
    )
    assert pending(store) == ["inc-1"]


def test_a_card_that_was_never_wanted_is_none(store: SqlStore) -> None:
    """Its kind counts, not its subject alone."""
    want(store)
    with store.read() as tx:
        assert tx.cards.get(CardKind.MARK, "inc-1") is None


def test_a_published_card_rests_until_its_truth_changes(store: SqlStore) -> None:
    """A further wish keeps the message it stands in, and the text unless there is a new one."""
    card = publish(store, want(store, text="old"), published=1, ts="5.0", shown="digest")
    assert pending(store) == []
    again = want(store, after=1)
    assert (again.wanted, again.published, again.ts, again.shown, again.text) == (2, 1, "5.0", "digest", "old")
    assert again.version > card.version
    assert want(store, text="new").text == "new"
    assert pending(store) == ["inc-1"]


def test_a_wish_made_while_the_publisher_was_busy_is_not_lost(store: SqlStore) -> None:
    """`published` stores what it did for the card it had read, never its old `wanted`."""
    read = want(store)
    want(store)
    want(store)
    stored = publish(store, read, published=read.wanted, ts="5.0")
    assert (stored.wanted, stored.published, stored.ts) == (3, 1, "5.0")
    assert pending(store) == ["inc-1"]


def test_a_late_publisher_does_not_undo_a_later_one(store: SqlStore) -> None:
    """Its lease had run out while it was waiting for Slack."""
    late = want(store)
    publish(store, want(store), published=2, ts="6.0")
    stored = publish(store, late, published=1, ts="5.0")
    assert (stored.published, stored.ts) == (2, "6.0")


def test_publishing_a_card_that_is_not_stored_does_nothing(store: SqlStore) -> None:
    """A database that was replaced does not end the publisher."""
    card = Card(id="incident:x", kind=CardKind.INCIDENT, subject="x", channel="C1", wanted_at=NOW)
    with store.write() as tx:
        tx.cards.published(card)
        assert tx.cards.of_kind(CardKind.INCIDENT) == []


def test_pending_is_oldest_wish_first_and_limited(store: SqlStore) -> None:
    """A card wanted again keeps its place in the queue while the earlier wish waits, and gets a new one afterwards."""
    for subject, after in (("b", 1), ("a", 2), ("c", 3)):
        want(store, subject, after=after)
    assert want(store, "b", after=9).wanted_at == NOW + MINUTE
    assert pending(store) == ["b", "a", "c"]
    assert pending(store, limit=1) == ["b"]
    with store.read() as tx:
        read = tx.cards.get(CardKind.INCIDENT, "b")
    assert read is not None
    publish(store, read, published=read.wanted)
    assert want(store, "b", after=9).wanted_at == NOW + 9 * MINUTE
    assert pending(store) == ["a", "c", "b"]


def test_a_card_waits_for_its_retry_even_if_wanted_again(store: SqlStore) -> None:
    """Slack's Retry-After outlasts any wish."""
    publish(store, want(store), retry_at=NOW + 2 * MINUTE)
    want(store)
    assert pending(store, after=1) == []
    assert pending(store, after=2) == ["inc-1"]


def test_a_card_stays_where_it_was_first_wanted(store: SqlStore) -> None:
    """Its message stands there and can only be edited there."""
    want(store, thread_ts="1.0")
    moved = want(store, channel="C2", thread_ts="2.0")
    assert (moved.channel, moved.thread_ts) == ("C1", "1.0")


def test_a_dead_card_stays_dead_in_its_channel(store: SqlStore) -> None:
    """The channel is as gone as before; the wish is counted all the same."""
    dead = publish(store, want(store), published=1, dead="channel_not_found")
    again = want(store)
    assert (again.dead, again.wanted) == (dead.dead, 2)
    assert pending(store) == []


def test_a_dead_card_revives_in_another_channel_as_a_new_message(store: SqlStore) -> None:
    """A publisher that still has it in the old channel cannot kill it again."""
    dead = publish(store, want(store, thread_ts="1.0"), published=1, ts="5.0", shown="d", dead="gone", retry_at=NOW)
    alive = want(store, channel="C2", thread_ts="2.0")
    assert (alive.channel, alive.thread_ts, alive.ts, alive.shown, alive.dead) == ("C2", "2.0", None, None, None)
    assert publish(store, dead, dead="still gone").dead is None
    assert pending(store) == ["inc-1"]


def test_cards_are_listed_by_kind_oldest_first(store: SqlStore) -> None:
    """Every kind there is can be stored."""
    with store.write() as tx:
        for subject in ("b", "a"):
            for kind in CardKind:
                tx.cards.want(kind, subject, "C1", NOW)
        for kind in CardKind:
            assert [(c.kind, c.subject) for c in tx.cards.of_kind(kind)] == [(kind, "b"), (kind, "a")]
