"""Answer many small queries with one statement, since a page may show dozens of queues."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import DateTimeField, Value

from djtasks.engine import Engine

COUNT_LIMIT = 100_000


def counts_of(engine: Engine, asked: Sequence[Any], *, limit: int | None = None) -> list[int]:
    """Return how many rows each queryset has, each count stopping at `limit` or COUNT_LIMIT."""
    most = COUNT_LIMIT if limit is None else limit
    parts = [queryset.values("pk")[:most] for queryset in asked]
    found = _ask(engine, parts, "(SELECT COUNT(*) FROM ({}) AS part)")
    return [count or 0 for count in found]


def first_moments(engine: Engine, asked: Sequence[Any]) -> list[datetime | None]:
    """Return the first value of each queryset, whose only column is a datetime; None if empty."""
    connection = connections[engine.database]
    moment = Value(None, output_field=DateTimeField())
    converters = [
        *connection.ops.get_db_converters(moment),
        *moment.get_db_converters(connection),
    ]
    found = _ask(engine, [queryset[:1] for queryset in asked], "({})")
    for convert in converters:
        found = [convert(value, moment, connection) for value in found]
    return found


def _ask(engine: Engine, asked: Sequence[Any], form: str) -> list[Any]:
    """Return one value for each queryset, in their order."""
    parts: list[str] = []
    given: list[Any] = []
    for queryset in asked:
        try:
            statement, values = queryset.query.get_compiler(using=engine.database).as_sql()
        except EmptyResultSet:
            statement, values = "SELECT NULL WHERE 1 = 0", ()
        parts.append(form.format(statement))
        given += values
    if not parts:
        return []
    with connections[engine.database].cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", given)
        return list(cursor.fetchone() or ())
