"""Named leases: at most one owner at a time, and none for good."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from bot.adapters.sql.schema import leases


def take(connection: Connection, name: str, owner: str, now: datetime, seconds: float) -> bool:
    """Take a lease that is free, expired at `now`, or held by `owner` already; returns whether `owner` holds it."""
    held = connection.execute(select(leases.c.owner, leases.c.until).where(leases.c.name == name)).one_or_none()
    if held is not None and held.owner != owner and held.until > now:
        return False
    connection.execute(delete(leases).where(leases.c.name == name))
    connection.execute(insert(leases).values(name=name, owner=owner, until=now + timedelta(seconds=seconds)))
    return True


def give_back(connection: Connection, name: str, owner: str) -> None:
    """End a lease, if `owner` holds it."""
    connection.execute(delete(leases).where(leases.c.name == name, leases.c.owner == owner))
