"""`/celery connections`, by example."""

from datetime import UTC, datetime

from bot.domain.connections import Connection, Sort, grouped, of_workers
from bot.domain.views import Age, ConnectionsView
from bot.slack.views.blocks import MOST_IN_MESSAGE, WHOLE_MESSAGE
from bot.slack.views.connections import connections_message
from bot.slack.views.message import Message
from tests.slack.views.reading import read

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def message(*connections: Connection, trouble: str | None = None) -> Message:
    """Return the view of these."""
    age = Age(now=NOW, taken_at=None if trouble else NOW, trouble=trouble)
    return connections_message(ConnectionsView(cluster="prod", age=age, groups=grouped(of_workers(connections))))


def one(id: int, host: str = "10.0.0.7", **more: object) -> Connection:
    """Return a connection."""
    return Connection.model_validate({"id": id, "address": f"{host}:{40000 + id}", "command": "get", **more})


def test_what_looks_leaked_stands_first_with_the_line_that_closes_it() -> None:
    """The command can be copied; ids, idle times and last commands are shown."""
    said = read(
        message(one(3, "10.0.0.8", sort=Sort.CONSUMER, command="brpop"), one(9, idle=7200, age=9000, name="web"))
    )
    assert "*prod*: 2 connections to Redis, 1 looks leaked" in said
    assert said.index("🟠 *1* from 10.0.0.7, web: ordinary") < said.index(
        "⚙️ *1* from 10.0.0.8, no name: takes messages"
    )
    assert "`9` idle 2 h, open 2 h 30 min, get, db 0" in said
    assert "`/celery disconnect prod idle 1h from 10.0.0.7 named web`" in said


def test_ten_thousand_connections_fit_one_message() -> None:
    """However many hosts and names they have, and whatever names."""
    shown = message(*(one(i, f"10.0.{i // 100}.1", name=f"<!channel>`{i}" * 20, idle=i) for i in range(10_000)))
    assert len(shown.blocks) <= MOST_IN_MESSAGE
    assert sum(len(str(b)) for b in shown.blocks) < WHOLE_MESSAGE * 2
    assert "<!channel>" not in str(shown.blocks)


def test_a_refused_list_says_so_in_place_of_a_number() -> None:
    """No "0 connections" where nobody could look."""
    said = read(message(trouble="The broker of `prod` answers, but its ACL refuses `client|list` to the bot's user."))
    assert "its ACL refuses" in said
    assert "0 connections" not in said
