"""The members of nodes on PostgreSQL: one statement a step, however many nodes a look has."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connections

from djtasks.models import TaskRecord
from djtasks.protocol.states import FINAL, State
from djtasks.store.base import ERRORS_KEPT
from djtasks.store.promotion.members import Door, Live, Promoted, hint_of

_TABLE = TaskRecord._meta.db_table  # noqa: SLF001 - Django's documented Meta API
_READY, _RUNNING, _WAITING = int(State.READY), int(State.RUNNING), int(State.WAITING)
_CANCELLED = int(State.CANCELLED)
_UNSUCCESSFUL = ", ".join(str(int(state)) for state in sorted(FINAL - {State.SUCCESSFUL}))

_DOORS = "unnest(%(nodes)s::bigint[], %(places)s::integer[]) AS n(id, place)"

# `t.state + 0`, as in the claim: the condition on the row being written, and not one for which the
# planner would take a partial index full of dead entries.
_PROMOTE = f"""
WITH picked AS MATERIALIZED (
    SELECT c.id FROM {_DOORS} CROSS JOIN LATERAL (
        SELECT r.id FROM {_TABLE} AS r
        WHERE r.node = n.id AND r.state = {_WAITING} AND r.place >= n.place
            AND r.waits_for = 'node:' || n.id
        ORDER BY r.place LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) AS c LIMIT %(limit)s
)
UPDATE {_TABLE} AS t
SET state = {_READY}, waits_for = NULL, run_after = greatest(t.run_after, %(now)s)
FROM picked
WHERE t.id = picked.id AND t.state + 0 = {_WAITING} AND t.waits_for = 'node:' || t.node
RETURNING t.node, t.place, t.id, t.queue, t.priority, t.run_after"""

_CANCEL = f"""
WITH picked AS MATERIALIZED (
    SELECT c.id FROM unnest(%(nodes)s::bigint[]) AS n(id) CROSS JOIN LATERAL (
        SELECT r.id FROM {_TABLE} AS r
        WHERE r.node = n.id AND r.state IN ({_WAITING}, {_READY})
        LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) AS c LIMIT %(limit)s
)
UPDATE {_TABLE} AS t
SET state = {_CANCELLED}, waits_for = NULL, cancel_requested = true, finished_at = %(now)s,
    unique_key = NULL,
    errors = CASE WHEN %(entry)s::text IS NULL THEN t.errors
        WHEN jsonb_array_length(coalesce(t.errors, '[]')) >= {ERRORS_KEPT}
        THEN (t.errors - 0) || %(entry)s::jsonb
        ELSE coalesce(t.errors, '[]') || %(entry)s::jsonb END
FROM picked WHERE t.id = picked.id AND t.state + 0 IN ({_WAITING}, {_READY}) RETURNING t.id"""

_REQUEST_CANCEL = f"""
WITH picked AS MATERIALIZED (
    SELECT c.id FROM unnest(%(nodes)s::bigint[]) AS n(id) CROSS JOIN LATERAL (
        SELECT r.id FROM {_TABLE} AS r
        WHERE r.node = n.id AND r.state = {_RUNNING} AND NOT r.cancel_requested
        LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) AS c LIMIT %(limit)s
)
UPDATE {_TABLE} AS t SET cancel_requested = true
FROM picked WHERE t.id = picked.id AND t.state + 0 = {_RUNNING} RETURNING t.id"""


def _first(state: int) -> str:
    """Return the subquery for the first live place in one state; by place, so that it stops."""
    return f"""(SELECT r.state, r.place FROM {_TABLE} AS r
        WHERE r.node = n.id AND r.state = {state} AND r.place >= n.place
        ORDER BY r.place LIMIT 1)"""


_LIVE = f"""
SELECT n.id, min(f.place), coalesce(bool_or(f.state = {_WAITING}), false)
FROM {_DOORS} LEFT JOIN LATERAL (
    {_first(_RUNNING)} UNION ALL {_first(_READY)} UNION ALL {_first(_WAITING)}
) AS f ON true GROUP BY n.id"""

_FAILED = f"""
SELECT r.node, count(*) FROM {_TABLE} AS r
WHERE r.node = ANY(%(nodes)s::bigint[]) AND r.state IN ({_UNSUCCESSFUL}) GROUP BY r.node"""


class PostgresMembers:
    """Members by statements for PostgreSQL."""

    def __init__(self, database: str) -> None:
        self._database = database

    def _rows(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        with connections[self._database].cursor() as cursor:
            cursor.execute(statement, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def promote(self, doors: Sequence[Door], *, limit: int, now: datetime) -> list[Promoted]:
        rows = self._rows(_PROMOTE, **_columns(doors), limit=limit, now=now)
        rows.sort(key=lambda row: row[:2])
        return [Promoted(node, place, hint_of(tuple(row), now)) for node, place, *row in rows]

    def cancel(
        self, nodes: Sequence[int], *, limit: int, now: datetime, entry: str | None = None
    ) -> int:
        return len(self._rows(_CANCEL, nodes=list(nodes), limit=limit, now=now, entry=entry))

    def request_cancel(self, nodes: Sequence[int], *, limit: int) -> int:
        return len(self._rows(_REQUEST_CANCEL, nodes=list(nodes), limit=limit))

    def live(self, doors: Sequence[Door]) -> dict[int, Live]:
        rows = self._rows(_LIVE, **_columns(doors))
        return {node: Live(place, is_waiting) for node, place, is_waiting in rows}

    def failed(self, nodes: Sequence[int]) -> dict[int, int]:
        return dict(self._rows(_FAILED, nodes=list(nodes))) if nodes else {}


def _columns(doors: Sequence[Door]) -> dict[str, Any]:
    return {"nodes": [door.node for door in doors], "places": [door.place for door in doors]}
