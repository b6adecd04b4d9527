"""`/celery check`, and the tables that stand in it."""

from bot.domain.run import Finding, Level, Table
from bot.domain.views import CheckView
from bot.slack.views.check import check_message, checks_message
from bot.slack.views.tables import WIDTH, table
from tests.slack.views.live_samples import ago
from tests.slack.views.reading import buttons, read
from tests.slack.views.samples import NOW

MEMORY = Table(columns=("worker", "memory"), rows=(("worker1@host", "2.4 GB"), ("w2", "900 MB")))
FOUND = Finding(
    level=Level.BAD,
    sentence="1 worker uses more than 2 GB: <!channel>.",
    at=ago(seconds=2),
    table=MEMORY,
    unknown=("w9@b did not answer",),
    estimated="shared pages count for each child",
)
VIEW = CheckView(cluster="prod", now=NOW, name="worker_memory", title="Memory of workers.", finding=FOUND)


def test_check_shows_its_finding_and_how_to_run_it_again() -> None:
    """Sentence, table, what is not known, what was estimated, and the line to say again."""
    assert read(check_message(VIEW, (("above", "2 GB"),))) == (
        "❌ 1 worker uses more than 2 GB: <!channel>.\n"
        "```worker        memory\n"
        "worker1@host  2.4 GB\n"
        "w2            900 MB```\n"
        "❓ w9@b did not answer\n"
        "Estimated: shared pages count for each child\n"
        "(prod · Memory of workers.\n"
        "Again: `/celery check prod/worker_memory above='2 GB'`\n"
        "Numbers of 03:13:58 UTC, 2 s old when shown)\n"
        "[Share here] [Refresh]"
    )


def test_finding_of_a_sentence_alone_is_a_sentence() -> None:
    """No empty table, no empty list."""
    bare = VIEW.model_copy(update={"finding": Finding(level=Level.OK, sentence="All is well.", at=NOW)})
    made = check_message(bare)
    assert read(made).startswith("✅ All is well.\n(prod")
    assert {b["value"] for b in buttons(made.blocks).values()} == {"check prod/worker_memory"}


def test_all_checks_are_listed_with_what_they_look_at() -> None:
    """In order of name, and how to run one."""
    shown = read(checks_message("prod", {"workers": "Who is online.", "redis_ping": "Whether Redis <answers>."}))
    assert shown.startswith(
        "*2 checks*, each read-only:\n`redis_ping` Whether Redis <answers>.\n`workers` Who is online.\n"
    )
    assert "`/celery check prod/<name>`" in shown


def test_table_is_never_wider_than_a_phone() -> None:
    """The first column, a name, gives way; numbers keep to the right."""
    wide = Table(columns=("worker", "n"), rows=(("w" * 80, "7"), ("短い名前", "1,234")), more=3)
    shown = table(wide)
    lines = shown.removeprefix("```").split("```")[0].splitlines()
    assert lines[1] == "w" * (WIDTH - 8) + "…      7"
    assert lines[2] == "短い名前" + " " * (WIDTH - 8 - 7) + "  1,234"
    assert max(map(len, lines)) <= WIDTH
    assert shown.endswith("```\n… and 3 more")


def test_table_of_too_many_columns_is_a_line_a_row() -> None:
    """Each cell with its column's name: broken lines of fixed width cannot be read."""
    wide = Table(columns=("worker", "queue", "state"), rows=(("w1", "q" * 30, "busy"), ("<!here>", "b", "")), more=2)
    assert table(wide) == (f"*w1* · queue {'q' * 30} · state busy\n*&lt;!here&gt;* · queue b\n… and 2 more")


def test_rows_that_find_no_room_are_counted() -> None:
    """With those that the check left out itself."""
    long = Table(columns=("queue", "n"), rows=tuple((f"q{n}", str(n)) for n in range(50)), more=5)
    assert table(long).endswith("```\n… and 35 more")
    huge = Table(columns=("a", "b", "c"), rows=tuple(("x" * 80, "y" * 120, "z" * 120) for _ in range(20)))
    shown = table(huge)
    assert len(shown) < 2500
    assert shown.splitlines()[-1] == f"… and {20 - (len(shown.splitlines()) - 1)} more"


def test_ragged_table_is_shown_all_the_same() -> None:
    """A check with a mistake in it must not cost its finding."""
    assert table(Table(columns=("a", "b"), rows=(("1",), ("2", "3", "4")))) == "*1*\n*2* · b 3"
