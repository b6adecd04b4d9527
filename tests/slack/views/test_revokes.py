"""`/celery revokes`, by example."""

from datetime import UTC, datetime, timedelta

from bot.domain.revoke import Revoke
from bot.domain.views import Age, RevokesView
from bot.slack.views.revokes import revokes_message
from tests.slack.views.reading import read

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def shown(*revokes: Revoke, trouble: str | None = None) -> str:
    """Return all words of the view."""
    age = Age(now=NOW, taken_at=None if trouble else NOW, trouble=trouble)
    return read(revokes_message(RevokesView(cluster="prod", age=age, revokes=revokes)))


def revoke(n: int) -> Revoke:
    """Return one of so many tasks."""
    return Revoke(
        id="exe-12",
        began_at=NOW - timedelta(hours=1),
        ends_at=NOW + timedelta(hours=2),
        ids=frozenset(f"id-{i}" for i in range(n)),
        told={"w1@a": NOW},
    )


def test_a_revoke_says_of_what_it_is_and_how_to_end_it() -> None:
    """The command can be copied, with its cluster."""
    said = shown(revoke(5))
    assert "*prod*: 1 revoke in force" in said
    assert "5 tasks that workers held: `id-0`, `id-1`, `id-2` and 2 more" in said
    assert "1 worker told" in said
    assert "`/celery unrevoke prod/exe-12`" in said


def test_none_in_force_is_said_and_so_is_a_dead_broker() -> None:
    """Neither is an empty message."""
    assert "no revoke is in force" in shown()
    assert "The broker is away." in shown(trouble="The broker is away.")
