"""The stored things of one noun, as JSON documents under an optimistic version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Connection, Table, insert, select, update

from bot.adapters.sql import schema
from bot.adapters.sql.counters import next_number
from bot.domain.action import Execution
from bot.domain.approval import ApprovalRequest
from bot.domain.errors import BadInput, LostRace, NotFound
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation
from bot.domain.run import Run

T = TypeVar("T", Incident, Run, ApprovalRequest, Execution, Mitigation)

_OWN_COLUMNS = {"place", "id", "version", "document"}


@dataclass(frozen=True)
class Noun(Generic[T]):
    """One noun: its word for people, the prefix of its ids, its type and its table."""

    word: str
    prefix: str
    model: type[T]
    table: Table

    @property
    def indexed(self) -> tuple[str, ...]:
        """Return the fields that `find` knows."""
        return tuple(c.name for c in self.table.columns if c.name not in _OWN_COLUMNS)


INCIDENTS = Noun("incident", "inc", Incident, schema.incidents)
RUNS = Noun("run", "run", Run, schema.runs)
REQUESTS = Noun("request", "req", ApprovalRequest, schema.requests)
EXECUTIONS = Noun("execution", "exe", Execution, schema.executions)
MITIGATIONS = Noun("mitigation", "mit", Mitigation, schema.mitigations)


class Documents(Generic[T]):
    """Implements `Collection` in one transaction."""

    def __init__(self, connection: Connection, noun: Noun[T]) -> None:
        """Work on the noun's table."""
        self._connection, self._table = connection, noun.table
        self._noun: Noun[T] = noun

    def get(self, id: str) -> T:
        """Return the item; raises NotFound."""
        document = self._connection.scalar(select(self._table.c.document).where(self._table.c.id == id))
        if document is None:
            raise NotFound(self._noun.word, id)
        return self._read(id, document)

    def find(self, *, newest: int | None = None, **equals: str | Sequence[str] | None) -> list[T]:
        """Return items whose indexed fields equal the given values (a sequence: any of them), oldest first.

        With `newest`, only so many of them, those added last. Raises KeyError for a field that is not indexed.
        """
        query = select(self._table.c.id, self._table.c.document).order_by(self._table.c.place.desc()).limit(newest)
        query = query.where(*(self._equal(field, value) for field, value in equals.items()))
        found = [self._read(key, document) for key, document in self._connection.execute(query)]
        return found[::-1]

    def next_id(self) -> str:
        """Return a fresh short id, unique for good ("inc-12")."""
        return f"{self._noun.prefix}-{next_number(self._connection, self._noun.prefix)}"

    def add(self, item: T) -> T:
        """Store a new item; returns it at version 1; raises LostRace when its id is taken."""
        taken = select(self._table.c.id).where(self._table.c.id == item.id)
        if self._connection.scalar(taken) is not None:
            raise LostRace(self._noun.word, item.id)
        stored = item.model_copy(update={"version": 1})
        self._connection.execute(insert(self._table).values(id=item.id, **self._values(stored)))
        return stored

    def save(self, item: T) -> T:
        """Store a changed item; returns it at the next version.

        Raises LostRace if somebody saved it since, NotFound if it was never added.
        """
        stored = item.model_copy(update={"version": item.version + 1})
        seen = (self._table.c.id == item.id) & (self._table.c.version == item.version)
        if not self._connection.execute(update(self._table).where(seen).values(**self._values(stored))).rowcount:
            self.get(item.id)
            raise LostRace(self._noun.word, item.id)
        return stored

    def _equal(self, field: str, value: str | Sequence[str] | None) -> ColumnElement[bool]:
        if field not in self._noun.indexed:
            raise KeyError(f"{self._noun.word} is not indexed by {field}")
        column = self._table.c[field]
        if value is None:
            return column.is_(None)
        return column == value if isinstance(value, str) else column.in_(value)

    def _values(self, item: T) -> dict[str, object]:
        copies = {field: getattr(item, field) for field in self._noun.indexed}
        return {"version": item.version, "document": item.model_dump_json(by_alias=True), **copies}

    def _read(self, id: str, document: str) -> T:
        try:
            item: T = self._noun.model.model_validate_json(document)
        except ValidationError as e:
            where = ".".join(str(part) for part in e.errors()[0]["loc"])
            raise BadInput(
                f"The database holds {self._noun.word} `{id}` in a form that this version of celery-oncall cannot read "
                f"(at `{where}`); run the version that wrote it."
            ) from e
        return item
