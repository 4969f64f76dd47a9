"""Settle many returned attempts on databases that cannot unnest arrays.

With the ORM, each row costs half a millisecond.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from djtasks.formats.json_values import decode
from djtasks.models import TaskRecord
from djtasks.protocol.records import Settlement
from djtasks.protocol.states import State
from djtasks.store.statements.parts import in_parts

# Each row is a SELECT, and parsers nest those of a UNION.
_ROWS_A_STATEMENT = 100

_meta: Any = TaskRecord._meta  # noqa: SLF001 - Django's documented Meta API
_TABLE = _meta.db_table
_ID, _WORKER, _WORKERS, _VALUE, _FINISHED = (
    _meta.get_field(name) for name in ("id", "worker", "worker_ids", "return_value", "finished_at")
)

_SET = (
    f"state = {int(State.SUCCESSFUL)}, worker = NULL, attempt = attempt + 1, unique_key = NULL, "
    "fingerprint = NULL, worker_ids = %s, finished_at = %s, return_value = "
)
_ONE = f"UPDATE {_TABLE} SET {_SET}%s WHERE id = %s AND fence = %s AND worker = %s"  # noqa: S608 - no value in it


class _Row(NamedTuple):
    id: Any
    fence: int
    value: Any


def settle_returned(
    connection: Any, settlements: Sequence[Settlement], *, worker: UUID, now: datetime
) -> None:
    """Write first attempts that are `is_plain`, each if (id, fence, worker) owns its record."""
    rows = [_row(connection, one) for one in settlements]
    ended = (
        _WORKERS.get_db_prep_value([str(worker)], connection),
        _FINISHED.get_db_prep_value(now, connection),
    )
    owner = _WORKER.get_db_prep_value(worker, connection)
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":
            for part in in_parts(rows, _length, most=_ROWS_A_STATEMENT):
                values = [value for row in part for value in row]
                cursor.execute(_joined(len(part)), [*values, *ended, owner])
        elif rows:
            cursor.executemany(
                _ONE, [(*ended, row.value, row.id, row.fence, owner) for row in rows]
            )


def _row(connection: Any, one: Settlement) -> _Row:
    value = None if one.value is None else _VALUE.get_db_prep_value(decode(one.value), connection)
    return _Row(_ID.get_db_prep_value(one.id, connection), one.fence, value)


def _length(row: _Row) -> int:
    return len(row.value or "")


def _joined(count: int) -> str:
    """Return the statement for MariaDB and MySQL, which join an UPDATE to a table of values.

    The first SELECT gives the values the types and collations of our columns. Without it, MySQL
    refuses to compare ids where those of the connection are others. The order of the join and the
    index make sure that no other record is read: it may be locked.
    """
    return (
        f"UPDATE (SELECT id, fence, NULL AS value FROM {_TABLE} WHERE FALSE"  # noqa: S608
        f"{' UNION ALL SELECT %s, %s, %s' * count}) AS v "
        f"STRAIGHT_JOIN {_TABLE} AS t FORCE INDEX (PRIMARY) ON t.id = v.id AND t.fence = v.fence "
        f"SET {_SET}v.value WHERE t.worker = %s"
    )
