"""`/celery archives`, by example."""

from datetime import UTC, datetime, timedelta

from bot.domain.archive import Archive, ArchiveState, Made
from bot.domain.views import Age, ArchivesView
from bot.slack.views.archives import archives_message
from tests.slack.views.reading import read

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def archive(**more: object) -> Archive:
    """Return one that is held."""
    said = {
        "id": "exe-12",
        "queue": "analytics",
        "state": ArchiveState.HELD,
        "messages": 1284,
        "lying": 1284,
        "made_at": NOW - timedelta(hours=1),
        "ends_at": NOW + timedelta(hours=23),
    }
    return Archive.model_validate(said | more)


def shown(*archives: Archive, trouble: str | None = None) -> str:
    """Return all words of the view."""
    age = Age(now=NOW, taken_at=None if trouble else NOW, trouble=trouble)
    return read(archives_message(ArchivesView(cluster="prod", age=age, archives=archives)))


def test_an_archive_says_how_to_put_it_back_and_until_when() -> None:
    """The command can be copied, with its cluster."""
    said = shown(archive(task="shop.mail"))
    assert "*prod*: 1,284 messages set aside in 1 archive" in said
    assert "*analytics* 1,284 messages of shop.mail, exe-12" in said
    assert "`/celery restore prod/exe-12`" in said


def test_an_archive_says_who_made_it_and_why_and_how_it_is_deleted() -> None:
    """As far as this bot knows."""
    made = {"exe-12": Made(by="U0ANA", reason="a bad prompt")}
    age = Age(now=NOW, taken_at=NOW)
    danger = "Redis is short of memory (95 % used). `/celery drop` deletes an archive for good."
    view = ArchivesView(cluster="prod", age=age, archives=(archive(),), made=made, dangers=(danger,))
    said = read(archives_message(view))
    assert "by <@U0ANA> (a bad prompt), kept until" in said
    assert "delete for good: `/celery drop prod/exe-12`" in said
    assert f"⚠️ {danger}" in said


def test_an_archive_of_which_redis_evicted_some_says_so() -> None:
    """They cannot come back, and nobody should believe so."""
    assert "Redis evicted 284 of them" in shown(archive(lying=1000))


def test_what_is_over_is_told_without_a_command() -> None:
    """Restored and dropped archives have nothing to be done."""
    said = shown(archive(state=ArchiveState.RESTORED), archive(id="exe-13", state=ArchiveState.DROPPED, lying=0))
    assert "nothing is set aside" in said
    assert "put back" in said
    assert "deleted for good" in said
    assert "/celery restore" not in said


def test_without_a_broker_the_reason_stands_there() -> None:
    """And nothing is claimed."""
    assert "cannot be read" in shown(trouble="The broker of `prod` cannot be read: refused.")
