"""One page of the list of tasks: bounded however large the tables are, with its scope."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Coalesce

from djtasks.engine import Engine
from djtasks.formats.foreign import objects_in, texts_in
from djtasks.inspection.display.calls import Piece, pieces_of
from djtasks.inspection.fields import fields_of, shown_arguments
from djtasks.inspection.search.values import id_of
from djtasks.inspection.tasks import phase_of, ran_of, waited_of
from djtasks.inspection.visibility import Visibility
from djtasks.models import TaskRecord, WorkerRecord
from djtasks.protocol.states import State

PAGE_SIZE = 50
WINDOW = 100_000
INDEXED_LIMIT = 20_000  # so many records an index leads to are quickly read and put in order
_LONGEST_CALL = 400
_LONGEST_MESSAGE = 300
_UNSEEN = ("return_value", "progress", "metadata", "tags")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How far a search looks. `oldest`: the oldest id of the newest 100,000 records.

    `oldest` None: it looks at everything. `by_index`: an index finds few records, so the database
    must not walk the index on ids instead.
    """

    oldest: UUID | None = None
    by_index: bool = False

    @property
    def is_partial(self) -> bool:
        """Return whether the search leaves older records out."""
        return self.oldest is not None

    def within(self, records: Any) -> Any:
        """Return the records that are in scope."""
        return records if self.oldest is None else records.filter(pk__gte=self.oldest)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """One task of the list, with sensitive values removed.

    `at`: when it ended, or else started, or else is due. `worker`: the one that runs it or ran it
    last, or None. `arguments` empty: it has none, or this user may not see them. `fields`:
    columns of the record, including those that were asked for.
    """

    id: UUID
    path: str
    phase: str
    queue: str
    priority: int
    at: datetime
    waited: timedelta | None
    ran: timedelta | None
    attempt: int
    max_attempts: int
    worker: str | None
    exception: str
    message: str
    arguments: list[Piece]
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a list shows: what its `visibility` lets it, and `fields` in addition."""

    visibility: Visibility
    fields: frozenset[str] = frozenset()

    @property
    def unread(self) -> list[str]:
        """Return the columns that are not read from the database."""
        return [name for name in _UNSEEN if name not in self.fields]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """A page of tasks, newest first. `older`, `newer`: where the next pages begin, if any.

    `is_sample`: more tasks match than are in scope; these are the newest, and some of the others.
    """

    rows: list[TaskRow]
    older: UUID | None = None
    newer: UUID | None = None
    is_sample: bool = False


def newest_window(engine: Engine) -> UUID | None:
    """Return the oldest of the newest 100,000 ids, or None if there are fewer."""
    ids = TaskRecord.objects.using(engine.database).order_by("-pk").values_list("pk", flat=True)
    found: UUID | None = ids[WINDOW : WINDOW + 1].first()
    return found


def scope_of(oldest: UUID | None, indexed_count: int | None) -> Scope:
    """Return how far to look; `indexed_count`: how many records an index finds; None: no index."""
    if oldest is None:
        return Scope()
    if indexed_count is not None and indexed_count < INDEXED_LIMIT:
        return Scope(by_index=True)
    return Scope(oldest=oldest)


def page_of(
    engine: Engine,
    found: Any,
    scope: Scope,
    *,
    older: UUID | None = None,
    newer: UUID | None = None,
    reading: Reading,
) -> TaskPage:
    """Return the newest records found, or those just older or newer than an id."""
    records = _in_order(scope, scope.within(found), ascending=newer is not None)
    records = records.defer(*reading.unread)
    if newer is not None:
        rows = list(records.filter(pk__gt=newer)[: PAGE_SIZE + 1])
        more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE][::-1]
        before, behind = more, True
    else:
        rows = list((records.filter(pk__lt=older) if older else records)[: PAGE_SIZE + 1])
        before, behind = older is not None, len(rows) > PAGE_SIZE
        rows = rows[:PAGE_SIZE]
    return TaskPage(
        rows=rows_of(engine, rows, reading),
        newer=rows[0].pk if before and rows else None,
        older=rows[-1].pk if behind and rows else None,
    )


def with_older_matches(
    engine: Engine, page: TaskPage, found: Any, *, order: Sequence[str], reading: Reading
) -> TaskPage:
    """Return the page, followed by some older records that an index finds, in its `order`.

    Use it when more records match than are in scope, and few of the newest do.
    """
    others = found.exclude(pk__in=[row.id for row in page.rows])
    records = others.defer(*reading.unread).order_by(*order)[: PAGE_SIZE - len(page.rows)]
    more = rows_of(engine, list(records), reading)
    return TaskPage(rows=[*page.rows, *more], is_sample=True)


def _in_order(scope: Scope, found: Any, *, ascending: bool) -> Any:
    # An expression, where the index on ids must not tempt the database to walk all of it.
    order = Coalesce(F("pk"), F("pk")) if scope.by_index else F("pk")
    return found.order_by(order.asc() if ascending else order.desc())


def rows_of(engine: Engine, records: Sequence[TaskRecord], reading: Reading) -> list[TaskRow]:
    """Return records as rows, in their order."""
    now = engine.store.now()
    names = worker_names(engine, {_worker_of(record) for record in records})
    return [_row(engine, record, now, names, reading=reading) for record in records]


def worker_names(engine: Engine, ids: Iterable[str | None]) -> dict[str, str]:
    """Return the names of registered workers, by the text of their id."""
    wanted = [found for one in ids if one and (found := id_of(one))]
    if not wanted:
        return {}
    workers = WorkerRecord.objects.using(engine.database).filter(pk__in=wanted)
    return {str(pk): f"{host}:{pid}" for pk, host, pid in workers.values_list("pk", "host", "pid")}


def _worker_of(record: TaskRecord) -> str | None:
    before = texts_in(record.worker_ids)
    return str(record.worker or before[-1]) if record.worker or before else None


def _row(
    engine: Engine,
    record: TaskRecord,
    now: datetime,
    names: dict[str, str],
    *,
    reading: Reading,
) -> TaskRow:
    running = record.state == State.RUNNING
    worker, last = _worker_of(record), last_error(record)
    is_due = record.run_after <= now
    started = record.last_attempted_at if running else None
    return TaskRow(
        id=record.pk,
        path=record.task_path,
        phase=phase_of(State(record.state), attempt=record.attempt, is_due=is_due),
        queue=record.queue,
        priority=record.priority,
        at=record.finished_at or started or record.run_after,
        waited=waited_of(record, now),
        ran=ran_of(record, now),
        attempt=record.attempt + running,
        max_attempts=record.max_attempts,
        worker=names.get(worker, worker[:8]) if worker else None,
        exception=str(last.get("class", "")).rpartition(".")[2],
        message=reading.visibility.message(str(last.get("message", ""))[:_LONGEST_MESSAGE]),
        arguments=_arguments(engine, record) if reading.visibility.arguments else [],
        fields=fields_of(engine, record, reading.fields, visibility=reading.visibility),
    )


def last_error(record: TaskRecord) -> dict[str, Any]:
    """Return the last error of a record, empty if there is none or it was successful."""
    entries = objects_in(record.errors)
    return entries[-1] if entries and record.state != State.SUCCESSFUL else {}


def _arguments(engine: Engine, record: TaskRecord) -> list[Piece]:
    args, kwargs = shown_arguments(engine, record.task_path, record.args, record.kwargs)
    return pieces_of(args, kwargs, longest=_LONGEST_CALL)
