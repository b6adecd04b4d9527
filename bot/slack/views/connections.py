"""`/celery connections`: who is connected to Redis, what looks leaked first."""

from bot.domain.connections import SPARED, Group
from bot.domain.duration import lasting
from bot.domain.views import ConnectionsView
from bot.domain.wording import counted, verb
from bot.slack.looks import ConnectionList, line_of
from bot.slack.views.blocks import sections
from bot.slack.views.formatting import count, escape, name, one_line
from bot.slack.views.frame import BODY, framed, titled
from bot.slack.views.message import Message

MOST_GROUPS = 30
MOST_IDS = 4

_NOTE = (
    "Leaked is a guess: idle for 1 h or more, and for nothing that waits. Redis does not say which are a worker's; "
    "those marked ⚙️ may be, and a task may run twice when one is closed."
)


def connections_message(view: ConnectionsView, *, shared: bool = False) -> Message:
    """Return a line for each group of connections, and how to close some."""
    n, leaked = sum(len(g.connections) for g in view.groups), sum(g.leaked for g in view.groups)
    looks = f", {count(leaked)} {verb(leaked, 'look')} leaked" if leaked else ""
    return framed(
        titled(name(view.cluster), f"{counted(n, 'connection')} to Redis{looks}"),
        view.age,
        sections([_line(g, view.cluster) for g in view.groups], MOST_GROUPS, BODY),
        again=line_of(ConnectionList(view.cluster)),
        shared=shared,
        notes=(_NOTE,),
    )


def _line(group: Group, cluster: str) -> str:
    workers = any(c.worker for c in group.connections)
    sign = "🟠" if group.leaked else "⚙️" if workers else "▫️"
    called = name(group.name) if group.name else "no name"
    first = f"{sign} *{count(len(group.connections))}* from {name(group.host)}, {called}: {group.sort.value}"
    shown = group.connections[:MOST_IDS]
    each = [f"`{c.id}` idle {lasting(c.idle)}, open {lasting(c.age)}, {name(c.command)}, db {c.db}" for c in shown]
    more = [f"… and {len(group.connections) - MOST_IDS:,} more"] if len(group.connections) > MOST_IDS else []
    lines = [first, "↳ " + " · ".join([*each, *more])]
    if group.sort in SPARED:
        return "\n".join(lines)
    if group.leaked:
        called = f" named {group.name}" if group.name and group.name == one_line(group.name) else ""
        words = f"/celery disconnect {cluster} idle 1h from {group.host}{called}"
        lines.append(f"↳ {count(group.leaked)} {verb(group.leaked, 'look')} leaked; to close them: `{escape(words)}`")
    return "\n".join(lines)
