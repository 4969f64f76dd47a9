"""Read due schedules and advance them, each by a compare-and-set.

Plain ORM, except for advancing hundreds of rows at once on PostgreSQL. A move names the
`next_run_at` that it has seen. The first scheduler to write changes it, so only one wins a due
time.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connections
from django.db.models import Case, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce

from djtasks.models import Schedule, TaskRecord
from djtasks.models.fields import DatabaseNow
from djtasks.protocol.states import FINAL, LIVE, State
from djtasks.store.statements import sql
from djtasks.store.statements.rows import database_now

QUEUE_ONE = "queue_one"
_FINAL = Value(int(State.SUCCESSFUL))
_IMPATIENCE = "500ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSchedule:
    """A row as it was read; its JSON columns are not validated."""

    id: int
    name: str
    task_path: str
    rule: Any
    args: Any
    kwargs: Any
    missed: Any
    overlap: str
    jitter: timedelta
    starts_at: datetime | None
    ends_at: datetime | None
    next_run_at: datetime | None
    last_due_at: datetime | None
    last_run: UUID | None
    broken: str


_COLUMNS = tuple(DueSchedule.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class NextDue:
    """The database's clock, and the earliest next run, which may be in the past."""

    now: datetime
    next_run_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a tick writes into a row if its `next_run_at` is still `seen`.

    `last_run` None leaves the column unchanged.
    """

    id: int
    seen: datetime | None
    next_run_at: datetime | None
    last_due_at: datetime | None
    last_run: UUID | None = None


def schedules(database: str, backend: str) -> Any:
    """Return the rows of one TASKS alias that are neither paused nor removed from the code."""
    rows = Schedule._base_manager.using(database)  # noqa: SLF001 - Django's Meta API
    return rows.filter(backend=backend, is_enabled=True, removed=False)


def _firing(database: str, backend: str, aside: Collection[int]) -> Any:
    """Return rows that may fire; with "queue_one", only once the last run is final."""
    # Not EXISTS: for it, PostgreSQL may hash all live records.
    last_run = TaskRecord.objects.using(database).filter(pk=OuterRef("last_run")).values("state")
    last_state = Case(
        When(overlap=QUEUE_ONE, then=Coalesce(Subquery(last_run), _FINAL)), default=_FINAL
    )
    rows = schedules(database, backend).filter(broken="", next_run_at__isnull=False)
    rows = rows.alias(last_state=last_state).filter(last_state__in=FINAL)
    return rows.exclude(pk__in=aside) if aside else rows


def scan(database: str, backend: str, *, aside: Collection[int] = ()) -> NextDue:
    """Return the earliest next run without the rows of `aside`. One query."""
    rows = _firing(database, backend, aside).annotate(now=DatabaseNow()).order_by("next_run_at")
    found = rows.values_list("next_run_at", "now").first()
    if found is None:
        return NextDue(now=database_now(connections[database]), next_run_at=None)
    return NextDue(next_run_at=found[0], now=found[1])


def due_ids(
    database: str, backend: str, *, until: datetime, limit: int, aside: Collection[int] = ()
) -> list[int]:
    """Return the ids of due rows, longest due first, without a lock."""
    due = _firing(database, backend, aside).filter(next_run_at__lte=until)
    return list(due.order_by("next_run_at").values_list("pk", flat=True)[:limit])


def lock_due(
    database: str,
    backend: str,
    *,
    until: datetime,
    limit: int,
    aside: Collection[int] = (),
    only: int | None = None,
) -> list[DueSchedule]:
    """Lock due rows that no other ticker has locked, longest due first. Needs a transaction."""
    due = _firing(database, backend, aside).filter(next_run_at__lte=until)
    if only is not None:
        due = due.filter(pk=only)
    skip = connections[database].features.has_select_for_update_skip_locked
    locked = due.select_for_update(skip_locked=skip).order_by("next_run_at")
    return _read(database, locked[:limit])


def page(
    database: str, backend: str, *, after: int, limit: int, is_broken: bool
) -> list[DueSchedule]:
    """Return the rows after an id, either broken or healthy ones, without a lock."""
    rows = schedules(database, backend).filter(pk__gt=after).order_by("pk")
    rows = rows.exclude(broken="") if is_broken else rows.filter(broken="")
    return _read(database, rows[:limit])


def _read(database: str, rows: Any) -> list[DueSchedule]:
    """Return rows; mark and omit each row whose columns Django cannot read."""
    try:
        return list(map(_row, rows.values_list(*_COLUMNS)))
    except DatabaseError:
        raise
    except Exception:  # noqa: BLE001 - SQLite keeps any text in a column of moments
        one_by_one = (_read_one(database, pk) for pk in rows.values_list("pk", flat=True))
        return [row for row in one_by_one if row is not None]


def _read_one(database: str, pk: int) -> DueSchedule | None:
    row = Schedule.objects.using(database).filter(pk=pk)
    try:
        return _row(row.values_list(*_COLUMNS).get())
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001
        note_unreadable(database, pk, f"A column cannot be read: {type(error).__name__}: {error}")
        return None


def _row(values: Iterable[Any]) -> DueSchedule:
    return DueSchedule(**dict(zip(_COLUMNS, values, strict=True)))


def live_runs(database: str, ids: Collection[UUID]) -> set[UUID]:
    """Return those of these records that are not final."""
    if not ids:
        return set()
    records = TaskRecord.objects.using(database).filter(pk__in=ids, state__in=LIVE)
    return set(records.values_list("pk", flat=True))


def advance(database: str, moves: Sequence[Move]) -> set[int]:
    """Write each move if its `next_run_at` is still the one seen; return the ids won."""
    if not moves:
        return set()
    if connections[database].vendor == "postgresql":
        with connections[database].cursor() as cursor:
            cursor.execute(sql.ADVANCE, _columns(moves))
            return {row[0] for row in cursor.fetchall()}
    return {move.id for move in moves if _advance_one(database, move)}


def _columns(moves: Sequence[Move]) -> dict[str, list[Any]]:
    return {
        "ids": [move.id for move in moves],
        "seen": [move.seen for move in moves],
        "next": [move.next_run_at for move in moves],
        "due": [move.last_due_at for move in moves],
        "runs": [move.last_run for move in moves],
    }


def _advance_one(database: str, move: Move) -> bool:
    rows = Schedule.objects.using(database)
    seen = rows.filter(pk=move.id, next_run_at=move.seen, is_enabled=True, removed=False)
    columns: dict[str, Any] = {"next_run_at": move.next_run_at, "last_due_at": move.last_due_at}
    if move.last_run is not None:
        columns["last_run"] = move.last_run
    return bool(seen.update(**columns))


def record_last_run(database: str, schedule: int, run: UUID) -> None:
    """Store the last record of a schedule that this transaction has locked."""
    Schedule.objects.using(database).filter(pk=schedule).update(last_run=run)


def note_broken(database: str, row: DueSchedule, reason: str) -> bool:
    """Store why a row cannot fire; "" if it can. Return False if another process changed it."""
    same = Schedule.objects.using(database).filter(pk=row.id, broken=row.broken)
    return bool(same.update(broken=reason, changed_at=database_now(connections[database])))


def note_unreadable(database: str, schedule: int, reason: str) -> bool:
    """Store why a row that cannot be read does not fire."""
    healthy = Schedule.objects.using(database).filter(pk=schedule, broken="")
    return bool(healthy.update(broken=reason, changed_at=database_now(connections[database])))


def set_lock_timeout(database: str) -> None:
    """Limit this transaction's wait for another one's unique key to 0.5 s instead of 5.

    Only PostgreSQL can set a limit for one transaction.
    """
    if connections[database].vendor == "postgresql":
        with connections[database].cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{_IMPATIENCE}'")
