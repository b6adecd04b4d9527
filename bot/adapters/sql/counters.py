"""Numbers for short ids."""

from sqlalchemy import Connection, insert, select, update

from bot.adapters.sql.schema import counters


def next_number(connection: Connection, name: str) -> int:
    """Return the next number of a counter, from 1; writers come one after the other, so nobody else gets it."""
    this = counters.c.name == name
    last = connection.scalar(select(counters.c.last).where(this))
    if last is None:
        connection.execute(insert(counters).values(name=name, last=1))
        return 1
    connection.execute(update(counters).where(this).values(last=last + 1))
    return int(last) + 1
