"""The contract of a store. `tests/store/contract/` is its conformance suite.

One rule stands above all methods: a record moves only by an UPDATE whose condition on its old
owner or state stands on the row being written, never only in a subselect, because after a lock
wait PostgreSQL checks the target row alone again.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from djtasks.protocol.records import Claim, Inserted, NewRecord, Settlement

ERRORS_KEPT = 10


@dataclass(frozen=True, slots=True)
class Lane:
    """One (queue, priority) of the READY index."""

    queue: str
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRecord:
    """A READY record as the indexer sees it."""

    id: UUID
    lane: Lane
    run_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The database's clock at a look, and the lanes that had READY records then."""

    now: datetime
    lanes: list[Lane]


def in_key_order(records: Iterable[NewRecord]) -> list[NewRecord]:
    """Return records in the order in which every producer takes unique keys.

    So two producers with the same keys wait for each other instead of deadlocking.
    """
    return sorted(records, key=lambda record: record.unique_key or "")


class Store(Protocol):
    """Records of one TASKS alias (`backend`) in one database (`database`).

    Methods raise Django's database errors. After one of them a write may or may not have
    happened; each method says why repeating it is harmless.
    """

    database: str
    backend: str

    def insert(self, record: NewRecord) -> Inserted:
        """Insert one record in the caller's transaction.

        With a unique key that a live record holds, nothing is inserted and the answer has its
        row as `holder`. Waits for another open transaction that inserted the same key, and
        inserts again when the holder has become final before it could be read.
        """
        ...

    def insert_many(self, records: Sequence[NewRecord]) -> list[Inserted]:
        """Insert records in the caller's transaction; return those that are new, in order.

        Of several with the same unique key the first is inserted.
        """
        ...

    def claim(
        self, ids: Sequence[UUID], *, worker: UUID, queues: Collection[str] | None
    ) -> list[Claim]:
        """Take those of `ids` that are READY, due, ours and in `queues` (None: any).

        In the order of `ids`. What is not returned is not ours. A claim whose answer is lost
        leaves records RUNNING under `worker`; the self-audit finds them.
        """
        ...

    def claim_due(
        self,
        lanes: Sequence[Lane],
        *,
        worker: UUID,
        limit: int,
        oldest_first: bool = False,
    ) -> list[Claim]:
        """Take up to `limit` due records without hints: lanes in their order, oldest first.

        `oldest_first` lets age alone decide, whatever the lane.
        """
        ...

    def settle(self, settlements: Sequence[Settlement], *, worker: UUID) -> set[UUID]:
        """Write verdicts down, each only while (id, fence, worker) still owns its record.

        Returns the ids written. One that is missing was settled before or is no longer ours;
        either way nothing is left to do, so a settle may be sent any number of times.
        A verdict READY becomes CANCELLED where a cancel was requested.
        """
        ...

    def reassign(self, claim: Claim, *, new_owner: UUID, worker: UUID) -> bool:
        """Hand a claimed record from `worker` to `new_owner`; False if it was no longer ours."""
        ...

    def scan(self) -> Snapshot:
        """Return the lanes with READY records, due or not, of any backend."""
        ...

    def fell_due(
        self, lanes: Sequence[Lane], *, after: datetime, until: datetime, limit: int
    ) -> list[DueRecord]:
        """Return records that fell due in (after, until], at most `limit` a lane."""
        ...

    def due_page(
        self, lane: Lane, *, until: datetime, limit: int, after: DueRecord | None = None
    ) -> list[DueRecord]:
        """Return READY records due by `until`, oldest first, starting behind `after`."""
        ...

    def owned_by(self, worker: UUID) -> list[tuple[UUID, int]]:
        """Return (id, fence) of all records that name `worker` as their owner."""
        ...

    def give_back(self, owned: Sequence[tuple[UUID, int]], *, worker: UUID) -> int:
        """Return records that this worker knows it has not started; how many were its.

        READY again, or CANCELLED where a cancel was requested; no attempt, no crash.
        """
        ...

    def report_progress(self, progress: Sequence[tuple[UUID, int, str]], *, worker: UUID) -> None:
        """Store (id, fence, JSON text) of running records that `worker` still owns."""
        ...

    def now(self) -> datetime:
        """Return the database's clock."""
        ...
