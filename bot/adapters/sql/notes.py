"""Small named JSON facts."""

import json
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from bot.adapters.sql.schema import notes


def read_note(connection: Connection, name: str) -> Any | None:
    """Return the fact of that name, or None."""
    value = connection.scalar(select(notes.c.value).where(notes.c.name == name))
    return None if value is None else json.loads(value)


def write_note(connection: Connection, name: str, value: Any) -> None:
    """Store the fact; None removes it."""
    connection.execute(delete(notes).where(notes.c.name == name))
    if value is not None:
        connection.execute(insert(notes).values(name=name, value=json.dumps(value)))
