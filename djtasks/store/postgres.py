"""The store for PostgreSQL: one hand-tuned statement per step, whatever the batch size.

Statements that write several rows lock them in the order of their ids, so that two writers wait
for each other instead of deadlocking. Comments give the measured reasons;
`tests/store/test_plans.py` checks the query plans.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import OperationalError, connections

from djtasks.models import TaskRecord
from djtasks.protocol.records import Claim, Inserted, NewRecord, Owned, Settlement
from djtasks.store.base import INSERT_ROUNDS, DueRecord, Lane, Snapshot, in_key_order
from djtasks.store.errors import DatabaseFailure, classify
from djtasks.store.prepared import PlainInsert
from djtasks.store.statements import sql, values
from djtasks.store.statements.columns import due_at, membership, row_of
from djtasks.store.statements.rows import holding
from djtasks.store.unique_keys import under_live_keys
from djtasks.store.workflow_results import results_for

_CAUTIOUS_SECONDS = 10.0


class PostgresStore:
    """The records of one TASKS alias in one PostgreSQL database."""

    def __init__(self, database: str, backend: str) -> None:
        self.database = database
        self.backend = backend
        self._cautious_until = 0.0
        self._plain_insert = PlainInsert(database)

    def _rows(self, statement: str, parameters: Any) -> list[tuple[Any, ...]]:
        with connections[self.database].cursor() as cursor:
            cursor.execute(statement, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def _binary_rows(self, statement: str, parameters: Any) -> list[tuple[Any, ...]]:
        """Fetch rows in binary format: parsing hundreds of them as text would cost 3 µs a row."""
        connection: Any = connections[self.database]
        with connection.cursor() as cursor:
            # Not on a project's connections, where the client binds the parameters.
            if connection.features.uses_server_side_binding:
                # The cursor's own enum: psycopg may be missing where this module is imported.
                cursor.cursor.format = type(cursor.cursor.format).BINARY
            cursor.execute(statement, parameters)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    def insert(self, record: NewRecord) -> Inserted:
        assert record.member is None, "members are inserted by insert_many()"
        if values.is_plain(record):
            now = self._plain_insert.insert(record)
            return Inserted(id=record.id, run_after=now, enqueued_at=now)
        if record.earlier_keys:
            (record,) = under_live_keys(self.database, [record])
        for _ in range(INSERT_ROUNDS):
            rows = self._rows(sql.INSERT_FULL, values.insert_full(record))
            if rows:
                run_after, enqueued_at = rows[0]
                return Inserted(id=record.id, run_after=run_after, enqueued_at=enqueued_at)
            # The key is taken. If its holder becomes final before we read it, insert again.
            for holder in TaskRecord.objects.using(self.database).filter(
                unique_key=record.unique_key
            ):
                return holding(holder)
        raise OperationalError(
            f"The unique key {record.unique_key!r} was taken and free again {INSERT_ROUNDS} times "
            f"while a record with it was inserted. Try again."
        )

    def insert_many(self, records: Sequence[NewRecord]) -> list[Inserted]:
        now = self.now()
        if any(record.unique_key is not None for record in records):
            records = under_live_keys(self.database, records)
            ordered = in_key_order(records)
            if _are_members(records):
                rows = self._rows(sql.INSERT_MEMBERS, values.member_columns(ordered, now))
            else:
                rows = self._rows(sql.INSERT_UNNEST, values.insert_columns(ordered, now))
            new = {row[0] for row in rows}
            records = [record for record in records if record.id in new]
        else:
            self._copy(records, now)
        return [
            Inserted(id=record.id, run_after=due_at(record, now), enqueued_at=now)
            for record in records
        ]

    def _copy(self, records: Sequence[NewRecord], now: datetime) -> None:
        # 8 µs a row, against 18 with executemany and 280 one by one.
        connection = connections[self.database]
        with (
            # Django wraps the errors of statements, but not of COPY.
            connection.wrap_database_errors,
            connection.cursor() as cursor,
            cursor.copy(sql.COPY_MEMBERS if _are_members(records) else sql.COPY) as copy,
        ):
            more = membership if _are_members(records) else _nothing
            for record in records:
                copy.write_row(row_of(record, now) + more(record))

    def claim(
        self, ids: Sequence[UUID], *, worker: UUID, queues: Collection[str] | None
    ) -> list[Claim]:
        parameters = {
            "ids": sorted(ids, key=_number),
            "worker": worker,
            "backend": self.backend,
            "queues": list(queues or ()),
        }
        rows = self._claim_at_once(parameters, any_queue=queues is None)
        if rows is None:
            unlocked = sql.CLAIM_UNLOCKED if queues is None else sql.CLAIM_UNLOCKED_IN_QUEUES
            rows = self._binary_rows(unlocked, parameters)
        rank = {id_.int: place for place, id_ in enumerate(ids)}
        return sorted(map(values.claim_from, rows), key=lambda claim: rank[claim.id.int])

    def _claim_at_once(
        self, parameters: dict[str, Any], *, any_queue: bool
    ) -> list[tuple[Any, ...]] | None:
        """Claim without looking for locks first, which saves an eighth of a claim.

        Returns None if another transaction has locked one of the records, within the last ten
        seconds too, and in a transaction of the caller, which a lock timeout would break.
        """
        now = time.monotonic()
        if now < self._cautious_until or connections[self.database].in_atomic_block:
            return None
        try:
            return self._binary_rows(sql.CLAIM if any_queue else sql.CLAIM_IN_QUEUES, parameters)
        except OperationalError as error:
            if classify(error) is not DatabaseFailure.LOCKED:
                raise
        self._cautious_until = now + _CAUTIOUS_SECONDS
        return None

    def claim_due(
        self,
        lanes: Sequence[Lane],
        *,
        worker: UUID,
        limit: int,
        oldest_first: bool = False,
    ) -> list[Claim]:
        rows = self._binary_rows(
            sql.CLAIM_OLDEST if oldest_first else sql.CLAIM_DUE,
            values.lane_columns(lanes)
            | {"worker": worker, "backend": self.backend, "limit": limit},
        )
        rank = {} if oldest_first else {lane: place for place, lane in enumerate(lanes)}
        return sorted(
            map(values.claim_from, rows),
            key=lambda c: (rank.get(Lane(c.queue, c.priority), 0), -c.waited),
        )

    def settle(self, settlements: Sequence[Settlement], *, worker: UUID) -> set[UUID]:
        # Most tasks just return. For these, the general statement would cost the server 20 % more.
        plain: list[Settlement] = []
        others: list[Settlement] = []
        gone: list[Settlement] = []
        for one in sorted(settlements, key=_by_id):
            (plain if one.is_plain else gone if one.deletes else others).append(one)
        rows: list[tuple[Any, ...]] = []
        if plain:
            rows += self._binary_rows(sql.SETTLE_PLAIN, values.plain_columns(plain, worker))
        if others:
            rows += self._binary_rows(sql.SETTLE, values.settle_columns(others, worker))
        if gone:
            owned = [(one.id, one.fence) for one in gone]
            rows += self._binary_rows(sql.SETTLE_AND_DELETE, values.owned_columns(owned, worker))
        return {row[0] for row in rows}

    def reassign(self, claim: Claim, *, new_owner: UUID, worker: UUID) -> bool:
        owned = values.owned_columns([(claim.id, claim.fence)], worker)
        return bool(self._rows(sql.REASSIGN, owned | {"heir": new_owner}))

    def scan(self) -> Snapshot:
        rows = self._rows(sql.SCAN, None)
        lanes = [Lane(queue, priority) for queue, priority, _now in rows if queue is not None]
        return Snapshot(now=rows[0][2], lanes=lanes)

    def fell_due(
        self, lanes: Sequence[Lane], *, after: datetime, until: datetime, limit: int
    ) -> list[DueRecord]:
        rows = self._rows(
            sql.FELL_DUE,
            values.lane_columns(lanes)
            | {"backend": self.backend, "after": after, "until": until, "limit": limit},
        )
        return [values.due_from(row) for row in rows]

    def due_page(
        self, lane: Lane, *, until: datetime, limit: int, after: DueRecord | None = None
    ) -> list[DueRecord]:
        rows = self._rows(
            sql.DUE_PAGE if after is None else sql.DUE_PAGE_AFTER,
            {
                "queue": lane.queue,
                "priority": lane.priority,
                "backend": self.backend,
                "until": until,
                "limit": limit,
                "after": after.run_after if after else None,
                "after_id": after.id if after else None,
            },
        )
        return [values.due_from(row) for row in rows]

    def owned_by(self, worker: UUID) -> list[tuple[UUID, int]]:
        return [(row[0], row[1]) for row in self._rows(sql.OWNED_BY, (worker,))]

    def give_back(self, owned: Sequence[tuple[UUID, int]], *, worker: UUID) -> int:
        return len(self._rows(sql.GIVE_BACK, values.owned_columns(sorted(owned), worker)))

    def read_results(
        self, workflow: UUID, inputs: Mapping[str, int | list[int]]
    ) -> Mapping[str, bytes]:
        return results_for(self.database, workflow, inputs)

    def report_progress(self, progress: Sequence[tuple[UUID, int, str]], *, worker: UUID) -> None:
        ordered = sorted(progress)
        parameters = values.owned_columns([(id_, fence) for id_, fence, _ in ordered], worker)
        self._rows(sql.PROGRESS, parameters | {"texts": [text for _, _, text in ordered]})

    def save_metadata(self, owned: Owned, text: str, *, worker: UUID) -> bool:
        parameters = values.owned_columns([(owned.id, owned.fence)], worker)
        return bool(self._rows(sql.METADATA, parameters | {"text": text}))

    def now(self) -> datetime:
        moment: datetime = self._rows("SELECT statement_timestamp()", None)[0][0]
        return moment


def _are_members(records: Sequence[NewRecord]) -> bool:
    return any(record.member is not None for record in records)


def _nothing(_record: NewRecord) -> tuple[Any, ...]:
    return ()


def _number(id_: UUID) -> int:
    return id_.int


def _by_id(settlement: Settlement) -> int:
    return settlement.id.int
