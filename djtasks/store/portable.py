"""The store that uses Django's ORM: for SQLite, MariaDB, MySQL and other databases of Django.

PostgreSQL updates and returns rows in one statement. This store locks rows, then updates them, in
one transaction. SQLite has no row locks: its transaction is the lock, so its connections must
begin transactions with IMMEDIATE (`prepare_process` sets this for workers).
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connections, transaction
from django.db.models import Case, DateTimeField, F, Q, Value, When
from django.db.models.functions import Coalesce

from djtasks.models import QueueControl, TaskRecord
from djtasks.protocol.records import Claim, Inserted, NewRecord, Owned, Settlement
from djtasks.protocol.states import State
from djtasks.store.base import INSERT_ROUNDS, DueRecord, Lane, Snapshot, in_key_order
from djtasks.store.statements import rows
from djtasks.store.statements.parts import in_parts
from djtasks.store.statements.returned import settle_returned
from djtasks.store.unique_keys import under_live_keys
from djtasks.store.workflow_results import results_for


class PortableStore:
    """The records of one TASKS alias in one database of any vendor."""

    def __init__(self, database: str, backend: str) -> None:
        self.database = database
        self.backend = backend

    @property
    def _records(self) -> Any:
        return TaskRecord._base_manager.using(self.database)  # noqa: SLF001 - Django's Meta API

    def _locked(self, query: Any) -> Any:
        features = connections[self.database].features
        skip = features.has_select_for_update_skip_locked
        locked = query.select_for_update(skip_locked=skip).only(*rows.CLAIMED_FROM)
        return locked.order_by("pk")

    def insert(self, record: NewRecord) -> Inserted:
        if record.earlier_keys:
            (record,) = under_live_keys(self.database, [record])
        now = self.now()
        row = rows.from_new(record, now)
        if record.unique_key is None:
            row.save(using=self.database, force_insert=True)
            return rows.inserted(row)
        for _ in range(INSERT_ROUNDS - 1):
            try:
                return self._insert_keyed(row)
            except IntegrityError:
                # If the holder became final before we read it, insert again. If there never was
                # one, the database refuses something else, and the last round says what.
                holder = self._holder(record.unique_key)
                if holder is not None:
                    return rows.holding(holder)
        return self._insert_keyed(row)

    def _insert_keyed(self, row: TaskRecord) -> Inserted:
        with transaction.atomic(using=self.database):
            row.save(using=self.database, force_insert=True)
        return rows.inserted(row)

    def _holder(self, key: str) -> TaskRecord | None:
        """Return the live record with this key, even if our snapshot does not show it."""
        holders = self._records.filter(unique_key=key)
        with transaction.atomic(using=self.database):
            found: TaskRecord | None = holders.first() or holders.select_for_update().first()
        return found

    def insert_many(self, records: Sequence[NewRecord]) -> list[Inserted]:
        if any(record.unique_key is not None for record in records):
            records = under_live_keys(self.database, records)
            answers = {record.id: self.insert(record) for record in in_key_order(records)}
            return [answers[record.id] for record in records if answers[record.id].is_new]
        now = self.now()
        made: list[TaskRecord] = []
        with transaction.atomic(using=self.database, savepoint=False):
            for part in in_parts(records, _length):
                new = [rows.from_new(record, now) for record in part]
                made += self._records.bulk_create(new)
        return [rows.inserted(row) for row in made]

    def claim(
        self, ids: Sequence[UUID], *, worker: UUID, queues: Collection[str] | None
    ) -> list[Claim]:
        with transaction.atomic(using=self.database):
            now = self.now()
            ready = self._due(now).filter(pk__in=ids)
            if queues is not None:
                ready = ready.filter(queue__in=queues)
            rank = {id_: place for place, id_ in enumerate(ids)}
            locked = sorted(self._locked(ready), key=lambda row: rank[row.pk])
            return self._take(locked, worker, now)

    def claim_due(
        self,
        lanes: Sequence[Lane],
        *,
        worker: UUID,
        limit: int,
        oldest_first: bool = False,
    ) -> list[Claim]:
        taken: list[TaskRecord] = []
        with transaction.atomic(using=self.database):
            now = self.now()
            for lane in lanes:
                due = self._due(now).filter(queue=lane.queue, priority=lane.priority)
                wanted = limit if oldest_first else limit - len(taken)
                taken += self._locked(due).order_by("run_after", "pk")[:wanted]
                if len(taken) >= limit and not oldest_first:
                    break
            if oldest_first:
                taken.sort(key=lambda row: row.run_after)
            return self._take(taken[:limit], worker, now)

    def _due(self, now: datetime) -> Any:
        """Return the records that may be claimed: due, and in no paused queue."""
        due = self._records.filter(state=State.READY, backend=self.backend, run_after__lte=now)
        paused = QueueControl.objects.using(self.database).filter(
            Q(until=None) | Q(until__gt=now), backend=self.backend, paused=True
        )
        return due.exclude(queue__in=paused.values("queue"))

    def _take(self, taken: list[TaskRecord], worker: UUID, now: datetime) -> list[Claim]:
        """Claim rows that this transaction has locked while they were READY."""
        if not taken:
            return []
        self._records.filter(pk__in=[row.pk for row in taken], state=State.READY).update(
            state=State.RUNNING,
            fence=F("fence") + 1,
            worker=worker,
            last_attempted_at=now,
            started_at=Coalesce(F("started_at"), Value(now), output_field=DateTimeField()),
        )
        return [rows.claim_from(row, now) for row in taken]

    def settle(self, settlements: Sequence[Settlement], *, worker: UUID) -> set[UUID]:
        with transaction.atomic(using=self.database):
            owned = self._lock_owned([(s.id, s.fence) for s in settlements], worker)
            now = self.now()
            together = []
            for settlement in settlements:
                row = owned.get(settlement.id)
                if row is None:
                    continue
                if settlement.is_plain and not row.worker_ids:
                    together.append(settlement)
                    continue
                ours = self._records.filter(pk=row.pk, fence=settlement.fence, worker=worker)
                if settlement.deletes:
                    ours._raw_delete(self.database)  # noqa: SLF001 - repeats the condition
                else:
                    ours.update(**rows.settled(row, settlement, worker, now))
            settle_returned(connections[self.database], together, worker=worker, now=now)
            return set(owned)

    def _lock_owned(
        self, owned: Sequence[tuple[UUID, int]], worker: UUID, *, waits: bool = True
    ) -> dict[UUID, TaskRecord]:
        fences = dict(owned)
        query = self._records.filter(pk__in=sorted(fences), worker=worker)
        skip = not waits and connections[self.database].features.has_select_for_update_skip_locked
        free = query.select_for_update(skip_locked=skip)
        locked = free.only(*rows.SETTLED_FROM).order_by("pk")
        return {row.pk: row for row in locked if row.fence == fences[row.pk]}

    def reassign(self, claim: Claim, *, new_owner: UUID, worker: UUID) -> bool:
        owned = self._records.filter(pk=claim.id, fence=claim.fence, worker=worker)
        return bool(owned.update(worker=new_owner))

    def scan(self) -> Snapshot:
        lanes: list[Lane] = []
        ready = self._records.filter(state=State.READY).order_by("queue", "-priority")
        lanes_of = ready.values_list("queue", "priority")
        # A skip scan in two steps: a single condition with OR would read the whole index.
        found = lanes_of.first()
        while found:
            lanes.append(Lane(*found))
            queue, priority = found
            lower = lanes_of.filter(queue=queue, priority__lt=priority).first()
            found = lower or lanes_of.filter(queue__gt=queue).first()
        return Snapshot(now=self.now(), lanes=lanes)

    def fell_due(
        self, lanes: Sequence[Lane], *, after: datetime, until: datetime, limit: int
    ) -> list[DueRecord]:
        found: list[DueRecord] = []
        for lane in lanes:
            query = self._lane(lane).filter(run_after__gt=after, run_after__lte=until)
            found += rows.due_records(query, limit)
        return found

    def due_page(
        self, lane: Lane, *, until: datetime, limit: int, after: DueRecord | None = None
    ) -> list[DueRecord]:
        query = self._lane(lane).filter(run_after__lte=until)
        if after is not None:
            query = query.filter(
                Q(run_after__gt=after.run_after) | Q(run_after=after.run_after, pk__gt=after.id)
            )
        return rows.due_records(query, limit)

    def _lane(self, lane: Lane) -> Any:
        return self._records.filter(
            state=State.READY, backend=self.backend, queue=lane.queue, priority=lane.priority
        )

    def owned_by(self, worker: UUID) -> list[tuple[UUID, int]]:
        return list(self._records.filter(worker=worker).values_list("pk", "fence"))

    def give_back(self, owned: Sequence[tuple[UUID, int]], *, worker: UUID) -> int:
        with transaction.atomic(using=self.database):
            locked = self._lock_owned(owned, worker, waits=False)
            cancelled, now = Q(cancel_requested=True), self.now()
            self._records.filter(pk__in=list(locked), worker=worker).update(
                worker=None,
                started_at=Case(When(attempt__gt=0, then=F("started_at")), default=None),
                finished_at=Case(When(cancelled, then=Value(now)), default=None),
                unique_key=Case(When(cancelled, then=None), default=F("unique_key")),
                state=Case(
                    When(cancelled, then=Value(int(State.CANCELLED))),
                    default=Value(int(State.READY)),
                ),
            )
            return len(locked)

    def read_results(
        self, workflow: UUID, inputs: Mapping[str, int | list[int]]
    ) -> Mapping[str, bytes]:
        return results_for(self.database, workflow, inputs)

    def report_progress(self, progress: Sequence[tuple[UUID, int, str]], *, worker: UUID) -> None:
        with transaction.atomic(using=self.database):
            owned = [(id_, fence) for id_, fence, _text in progress]
            unlocked = self._lock_owned(owned, worker, waits=False)
            for id_, _fence, text in progress:
                if id_ in unlocked:
                    self._records.filter(pk=id_).update(progress=json.loads(text))

    def save_metadata(self, owned: Owned, text: str, *, worker: UUID) -> bool:
        ours = self._records.filter(pk=owned.id, fence=owned.fence, worker=worker)
        return bool(ours.update(metadata=json.loads(text)))

    def now(self) -> datetime:
        connection = connections[self.database]
        return rows.database_now(connection)


def _length(record: NewRecord) -> int:
    return len(record.args) + len(record.kwargs) + len(record.metadata or "")
