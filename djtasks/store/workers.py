"""Rows of workers: register them, write heartbeats, read orders, and take over dead workers' tasks.

Writes are rare, so this is plain ORM on every database, in autocommit or one short transaction.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from django.db import connections, transaction
from django.db.models import F, Model, QuerySet

from djtasks.errors import WorkerLost
from djtasks.formats.tracebacks import describe, fingerprint_of
from djtasks.models import Lease, QueueControl, TaskRecord, WorkerRecord
from djtasks.models.fields import DatabaseNow
from djtasks.protocol.hints import Hint, score_of
from djtasks.protocol.records import Notes, Released, Settlement
from djtasks.protocol.recovery import Departure, Release, judge_release
from djtasks.protocol.states import State
from djtasks.protocol.workflows import WORKFLOW_PROTOCOL
from djtasks.store.base import ERRORS_KEPT
from djtasks.store.statements.rows import database_now

R = TypeVar("R", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWorker:
    """A child process, before its first claim."""

    id: UUID
    supervisor: UUID
    backend: str
    host: str
    pid: int
    version: str
    queues: Sequence[str]
    slots: int
    threads: int | None = None
    alone: bool = False
    protocol: int = WORKFLOW_PROTOCOL


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildStatus:
    """What a supervisor writes about one of its children at a heartbeat."""

    rss: int | None
    draining: bool
    tasks: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatReply:
    """The answer to a heartbeat.

    `gone`: children whose row was deleted; they must stop at once and be replaced.
    `orders`: the pending order of each child. `cancelled`: (child, record) to cancel.
    """

    gone: set[UUID] = field(default_factory=set)
    orders: dict[UUID, str] = field(default_factory=dict)
    cancelled: list[tuple[UUID, UUID]] = field(default_factory=list)


def _free(rows: QuerySet[R]) -> QuerySet[R]:
    """Lock those of the rows that no one else has locked; on SQLite, the transaction locks all."""
    skip = connections[rows.db].features.has_select_for_update_skip_locked
    return rows.select_for_update(skip_locked=skip)


def register(database: str, worker: NewWorker) -> None:
    """Insert the row of a child; no other child ever uses its id.

    Repeating it is harmless, so call it again if the answer was lost.
    """
    now = database_now(connections[database])
    columns = asdict(worker) | {
        "queues": list(worker.queues),
        "started_at": now,
        "heartbeat_at": now,
    }
    WorkerRecord.objects.using(database).get_or_create(pk=columns.pop("id"), defaults=columns)


def heartbeat(database: str, statuses: Mapping[UUID, ChildStatus]) -> HeartbeatReply:
    """Increment the counters of these children; return new orders, cancels and lost rows.

    Never waits for a locked row, or one of them would get all children of a supervisor reaped
    alive. A child whose row is locked is counted at the next heartbeat.
    """
    if not statuses:
        return HeartbeatReply()
    rows = WorkerRecord.objects.using(database)
    mine = list(statuses)
    with transaction.atomic(using=database):
        free = _free(rows.filter(pk__in=mine))
        orders = dict(free.order_by("pk").values_list("pk", "order"))
        now = database_now(connections[database])
        for worker in orders:
            status = statuses[worker]
            rows.filter(pk=worker).update(
                heartbeat=F("heartbeat") + 1,
                heartbeat_at=now,
                rss=status.rss,
                draining=status.draining,
                tasks=list(status.tasks),
                order="",
            )
    records = TaskRecord.objects.using(database).filter(worker__in=mine, cancel_requested=True)
    return HeartbeatReply(
        gone=set(mine) - set(rows.filter(pk__in=mine).values_list("pk", flat=True)),
        orders={worker: order for worker, order in orders.items() if order},
        cancelled=[(w, pk) for w, pk in records.values_list("worker", "pk") if w is not None],
    )


def report(database: str, worker: UUID, text: str) -> None:
    """Store the answer to an order, such as stacks."""
    WorkerRecord.objects.using(database).filter(pk=worker).update(report=text)


def census(database: str) -> dict[UUID, int | None]:
    """Return the counter of every worker that is registered or owns a record.

    None for an owner without a row: its claim was applied after its row was deleted.
    """
    owners = TaskRecord.objects.using(database).filter(worker__isnull=False)
    distinct: Any = owners.order_by().values_list("worker", flat=True).distinct()
    counters: dict[UUID, int | None] = dict.fromkeys(distinct)
    counters.update(WorkerRecord.objects.using(database).values_list("pk", "heartbeat"))
    return counters


def take(
    database: str, worker: UUID, *, counter: int | None, departure: Departure | None = None
) -> list[Released] | None:
    """Delete a dead worker's row and release the records it owned, in one transaction.

    Does nothing and returns None if the counter is no longer `counter`, since then the worker
    lives, or if the row is locked: it never waits.
    `counter` None is for an owner without a row. `departure` None derives it from the row: a
    worker that was draining has not crashed. Neither has one without a row, which never started
    what it owns. Records that a stopped session has locked are left for a later scan. A crash
    before the commit changes nothing.
    """
    with transaction.atomic(using=database):
        departed = departure or Departure(crashed=False)
        if counter is not None:
            row = WorkerRecord.objects.using(database).filter(pk=worker, heartbeat=counter)
            facts = _free(row).values_list("draining", "alone").first()
            if facts is None or not row.delete()[0]:
                return None
            draining, alone = facts
            departed = departure or Departure(crashed=not draining, alone=alone)
        return _move_owned(database, worker, departed)


def are_locked(database: str, records: Sequence[UUID]) -> bool:
    """Return whether another session has locked one of these records; never waits."""
    with transaction.atomic(using=database):
        rows = TaskRecord.objects.using(database).filter(pk__in=records)
        return len(_free(rows.order_by("pk")).values_list("pk")) < rows.count()


def leave(database: str, worker: UUID, departure: Departure) -> list[Released] | None:
    """Delete the row of a supervisor's exited child and release the records it owned.

    Does nothing and returns None if the row is locked: call it again later.
    """
    with transaction.atomic(using=database):
        row = WorkerRecord.objects.using(database).filter(pk=worker)
        if not _free(row) and row.exists():
            return None
        row.delete()
        return _move_owned(database, worker, departure)


def _move_owned(database: str, worker: UUID, departure: Departure) -> list[Released]:
    records = TaskRecord.objects.using(database)
    owned = _free(records.filter(worker=worker))
    now = database_now(connections[database])
    moved = []
    for row in owned.order_by("pk"):
        release = judge_release(
            departure,
            cancel_requested=row.cancel_requested,
            crash_count=row.crash_count,
            max_crashes=row.max_crashes,
            is_spared=departure.spares(row.pk),
        )
        lost = _lost(row, release, worker) if release.state is State.FAILED else None
        columns = _released_columns(row, release, lost, now)
        if records.filter(pk=row.pk, fence=row.fence, worker=worker).update(**columns):
            moved.append(_released(row, release, lost))
    return moved


def _released_columns(
    row: TaskRecord, release: Release, lost: Settlement | None, now: Any
) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "state": release.state,
        "worker": None,
        "crash_count": release.crash_count,
    }
    if release.state is not State.READY:
        columns |= {"finished_at": now, "unique_key": None}
    if lost is not None and lost.error is not None:
        columns["errors"] = [*(row.errors or []), json.loads(lost.error)][-ERRORS_KEPT:]
        columns["fingerprint"] = lost.fingerprint
    return columns


def _lost(row: TaskRecord, release: Release, worker: UUID) -> Settlement:
    error = _worker_lost(row, release)
    notes = Notes(
        error=json.dumps(describe(error, worker=str(worker), started_at=row.last_attempted_at)),
        fingerprint=fingerprint_of(row.task_path, error, ""),
    )
    return Settlement.lost(row, notes)


def _worker_lost(row: TaskRecord, release: Release) -> WorkerLost:
    if row.max_crashes == 1:
        return WorkerLost(
            "The worker left while it may have been running this task, which must never start "
            "twice (max_crashes=1)."
        )
    return WorkerLost(
        f"The process running this task died {release.crash_count} times, the last time "
        f"while it ran nothing else (max_crashes={row.max_crashes})."
    )


def _released(row: TaskRecord, release: Release, lost: Settlement | None) -> Released:
    hint = None
    if release.state is State.READY:
        hint = Hint(row.pk, row.queue, score_of(row.priority, row.run_after))
    return Released(
        id=row.pk,
        state=release.state,
        task_path=row.task_path,
        backend=row.backend,
        hint=hint,
        lost=lost,
    )


def renew_lease(database: str, name: str, holder: UUID) -> bool:
    """Increment the counter of a lease; return False if `holder` does not hold it."""
    held = Lease.objects.using(database).filter(name=name, holder=holder)
    return bool(held.update(heartbeat=F("heartbeat") + 1))


def read_lease(database: str, name: str) -> tuple[UUID, int] | None:
    """Return (holder, counter) of a lease, or None if no one ever held it."""
    return (
        Lease.objects.using(database).filter(name=name).values_list("holder", "heartbeat").first()
    )


def take_lease(database: str, name: str, holder: UUID, *, seen: tuple[UUID, int] | None) -> bool:
    """Take a lease if its (holder, counter) is still `seen`; False if another was faster."""
    leases = Lease.objects.using(database)
    if seen is None:
        _row, created = leases.get_or_create(name=name, defaults={"holder": holder})
        return created
    still = leases.filter(name=name, holder=seen[0], heartbeat=seen[1])
    return bool(still.update(holder=holder, heartbeat=F("heartbeat") + 1))


def drop_lease(database: str, name: str, holder: UUID) -> None:
    """Give a lease up, so that the next supervisor need not wait until it expires."""
    Lease.objects.using(database).filter(name=name, holder=holder).delete()


def paused_queues(database: str, backend: str) -> set[str]:
    """Return the queues of a TASKS alias that are paused, by the database's clock."""
    controls = QueueControl.objects.using(database).filter(backend=backend, paused=True)
    found = controls.annotate(now=DatabaseNow()).values_list("queue", "until", "now")
    return {queue for queue, until, now in found if until is None or until > now}
