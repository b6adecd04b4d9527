"""How much may go out, and who goes first."""

from datetime import UTC, datetime

from bot.domain.card import Card, CardKind, card_id
from bot.slack.budget import Budget, Method, Outgoing, Urgency, outgoing

AT = datetime(2026, 11, 22, tzinfo=UTC)


def post(channel: str = "C1") -> Outgoing:
    """Return a post that tells somebody something."""
    return Outgoing(Method.POST, channel, Urgency.TOLD)


def edit(urgency: Urgency) -> Outgoing:
    """Return an edit."""
    return Outgoing(Method.UPDATE, "C1", urgency)


def card(kind: CardKind, ts: str | None = None) -> Card:
    """Return a card, posted or not."""
    return Card(id=card_id(kind, "x"), kind=kind, subject="x", channel="C1", ts=ts, wanted_at=AT)


def test_a_short_burst_passes_then_one_post_a_second() -> None:
    """Four posts at once, and from then on one for each second that has passed."""
    budget = Budget()
    assert [budget.take(post(), now=0.0) for _ in range(6)] == [True] * 4 + [False] * 2
    assert [budget.take(post(), now=1.0) for _ in range(2)] == [True, False]


def test_channels_have_their_own_posts() -> None:
    """A busy channel does not hold up another."""
    budget = Budget()
    while budget.take(post("C1"), now=0.0):
        pass
    assert budget.take(post("C2"), now=0.0)


def test_edits_stay_within_fifty_in_any_first_minute() -> None:
    """Slack allows 50 edits a minute over all channels: tried every tenth of a second, no more go out."""
    budget = Budget()
    sent = sum(budget.take(edit(Urgency.KEPT_IN_STEP), now=n / 10) for n in range(600))
    assert 45 <= sent <= 50


def test_refreshes_leave_edits_over_for_people() -> None:
    """Refreshes stop before the last edits are used up; a card somebody waits for may still use those."""
    budget = Budget()
    while budget.take(edit(Urgency.REFRESHED), now=0.0):
        pass
    assert budget.take(edit(Urgency.KEPT_IN_STEP), now=0.0)


def test_nothing_goes_out_before_slack_takes_it_again() -> None:
    """After a 429 its limit is closed until then; the same method in another channel, and other methods, are not."""
    budget = Budget()
    budget.block(post("C1"), until=30.0)
    assert not budget.take(post("C1"), now=29.9)
    assert budget.take(post("C2"), now=29.9)
    assert budget.take(edit(Urgency.TOLD), now=29.9)
    assert budget.take(post("C1"), now=30.0)


def test_a_call_that_was_not_needed_costs_nothing() -> None:
    """Given back, it may be taken again."""
    budget = Budget()
    while budget.take(post(), now=0.0):
        pass
    budget.give_back(post(), now=0.0)
    assert budget.take(post(), now=0.0)


def test_people_come_before_numbers() -> None:
    """Who must act is told first; then first answers; then edits somebody waits for; refreshed numbers last."""
    order = [
        card(CardKind.REQUEST),
        card(CardKind.INCIDENT),
        card(CardKind.EXECUTION, ts="1.0"),
        card(CardKind.MARK),
        card(CardKind.INCIDENT, ts="1.0"),
    ]
    assert sorted(order, key=lambda c: outgoing(c).urgency) == order


def test_what_came_of_a_click_goes_before_a_storm_of_alerts() -> None:
    """The first message of an execution is an answer to somebody; a hundred new incidents wait behind it."""
    assert outgoing(card(CardKind.EXECUTION)).urgency < outgoing(card(CardKind.INCIDENT)).urgency
