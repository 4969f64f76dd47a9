"""The contract of a store. `tests/store/contract/` is its conformance suite.

One rule applies to all methods: a record changes only by an UPDATE whose condition on the old
owner or state is on the row being written, never only in a subselect. After a lock wait,
PostgreSQL checks the condition again on the target row alone.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from djtasks.protocol.records import Claim, Inserted, NewRecord, Owned, Settlement

ERRORS_KEPT = 10
INSERT_ROUNDS = 5


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
    """The result of a scan: the database's clock, and the lanes that had READY records."""

    now: datetime
    lanes: list[Lane]


def in_key_order(records: Iterable[NewRecord]) -> list[NewRecord]:
    """Return records in the order in which every producer must insert unique keys.

    With one order for all, producers with the same keys wait for each other, not deadlock.
    """
    return sorted(records, key=lambda record: record.unique_key or "")


class Store(Protocol):
    """The records of one TASKS alias (`backend`) in one database (`database`).

    Methods raise Django's database errors. After such an error, a write may or may not have
    happened; each method says why repeating it is harmless.
    """

    database: str
    backend: str

    def insert(self, record: NewRecord) -> Inserted:
        """Insert one record, which is no member of a workflow, in the caller's transaction.

        If a live record holds the unique key, insert nothing and return that record as
        `holder`. Waits for another open transaction that inserted the same key. Inserts again
        if the holder became final before it could be read. If that happens five times in a row,
        raises a database error.
        """
        ...

    def insert_many(self, records: Sequence[NewRecord]) -> list[Inserted]:
        """Insert records in the caller's transaction; return those that are new, in order.

        Members of workflows are WAITING.
        Of several records with the same unique key, only the first is inserted.
        """
        ...

    def claim(
        self, ids: Sequence[UUID], *, worker: UUID, queues: Collection[str] | None
    ) -> list[Claim]:
        """Claim those of `ids` that are READY, due, of this backend and in `queues` (None: any).

        Leaves out queues that are paused by the time of the claim. Returns claims in the order of
        `ids`; an id without a claim is not ours to run. Records that another transaction has locked
        are left out: they stay READY. If the answer is lost, records stay RUNNING under `worker`;
        the self-audit finds them.
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
        """Claim up to `limit` due records without hints: lanes in their order, oldest first.

        With `oldest_first`, age alone decides, whatever the lane. Leaves out locked records and
        paused queues.
        """
        ...

    def settle(self, settlements: Sequence[Settlement], *, worker: UUID) -> set[UUID]:
        """Write each verdict if (id, fence, worker) still owns its record.

        Returns the ids written. A missing one was settled before or is no longer ours. Either
        way nothing is left to do, so you can send a settle any number of times.
        READY becomes CANCELLED if a cancel was requested.
        """
        ...

    def reassign(self, claim: Claim, *, new_owner: UUID, worker: UUID) -> bool:
        """Pass a claimed record from `worker` to `new_owner`; return False if it was not ours."""
        ...

    def scan(self) -> Snapshot:
        """Return the lanes with READY records, due or not, of any backend."""
        ...

    def fell_due(
        self, lanes: Sequence[Lane], *, after: datetime, until: datetime, limit: int
    ) -> list[DueRecord]:
        """Return records that fell due in (after, until], at most `limit` per lane."""
        ...

    def due_page(
        self, lane: Lane, *, until: datetime, limit: int, after: DueRecord | None = None
    ) -> list[DueRecord]:
        """Return READY records due by `until`, oldest first, starting after `after`."""
        ...

    def owned_by(self, worker: UUID) -> list[tuple[UUID, int]]:
        """Return (id, fence) of all records that name `worker` as their owner."""
        ...

    def give_back(self, owned: Sequence[tuple[UUID, int]], *, worker: UUID) -> int:
        """Give back records that this worker has not started; return how many it gave back.

        They become READY, or CANCELLED if a cancel was requested. It counts as neither an
        attempt nor a crash. Records that another transaction has locked stay with the worker,
        whose audit gives them back later.
        """
        ...

    def read_results(
        self, workflow: UUID, inputs: Mapping[str, int | list[int]]
    ) -> Mapping[str, bytes]:
        """Return the arguments of a member that are results of other nodes, as JSON texts.

        `inputs` says of which nodes, by their numbers. Raises InvalidWorkflow if a result is gone
        or too large.
        """
        ...

    def report_progress(self, progress: Sequence[tuple[UUID, int, str]], *, worker: UUID) -> None:
        """Store (id, fence, JSON text) of running records that `worker` still owns.

        Leaves out records that another transaction has locked.
        """
        ...

    def save_metadata(self, owned: Owned, text: str, *, worker: UUID) -> bool:
        """Store the metadata, a JSON text, of a running record; return False if it was not ours.

        Works in the caller's transaction. Waits for another one that has locked the record.
        """
        ...

    def now(self) -> datetime:
        """Return the database's clock."""
        ...
