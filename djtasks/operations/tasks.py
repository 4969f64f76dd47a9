"""Cancel, retry, discard and reschedule records."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connections, transaction
from django.db.models import Case, F, Q, SmallIntegerField, Value, When

from djtasks.engine import engine_of
from djtasks.errors import UniqueKeyTaken
from djtasks.models import TaskRecord
from djtasks.protocol.hints import Hint, score_of
from djtasks.protocol.states import LIVE, REVIVABLE, State
from djtasks.store import open_store, queue_database

_WAITING = (State.READY, State.WAITING)


@dataclass(frozen=True, slots=True)
class Done:
    """What an operation did: `changed` ids, and why each of the others was left alone."""

    changed: list[UUID] = field(default_factory=list)
    refused: dict[UUID, str] = field(default_factory=dict)

    def note(self, id_: UUID, *, changed: bool) -> None:
        """Put down what became of a conditional write."""
        if changed:
            self.changed.append(id_)
        else:
            self.refused[id_] = "It was changed or deleted meanwhile."

    def note_missing(self, wanted: Iterable[UUID]) -> None:
        """Put down which of the wanted records were not found at all."""
        known = {*self.changed, *self.refused}
        self.refused.update({id_: "No such task." for id_ in wanted if id_ not in known})


def records() -> Any:
    """Return the records of every TASKS alias."""
    return TaskRecord.objects.using(queue_database())


def cancel(ids: Iterable[UUID]) -> int:
    """Cancel records that are not final; return how many.

    One that waits is CANCELLED at once and frees its unique key. One that runs is told within
    a heartbeat, and is CANCELLED when its execution ends or its worker dies.
    """
    waits = Q(state__in=_WAITING)
    now = open_store("").now()
    with transaction.atomic(using=queue_database()):
        live = _locked(records().filter(pk__in=list(ids), state__in=LIVE))
        count: int = live.update(
            cancel_requested=True,
            unique_key=Case(When(waits, then=None), default=F("unique_key")),
            finished_at=Case(When(waits, then=Value(now)), default=None),
            # Last: MySQL evaluates from left to right and already sees what it has set.
            state=Case(
                When(waits, then=Value(int(State.CANCELLED))),
                default=F("state"),
                output_field=SmallIntegerField(),
            ),
        )
    return count


def _locked(found: Any) -> Any:
    """Lock records in the order of their ids, as workers do, so that nobody deadlocks.

    Where there are no locks of rows, as on SQLite, there is only one who writes.
    """
    if not connections[queue_database()].features.has_select_for_update:
        return found
    ids = found.order_by("pk").select_for_update().values_list("pk", flat=True)
    return found.filter(pk__in=list(ids))


def retry(
    ids: Iterable[UUID],
    *,
    queue: str | None = None,
    priority: int | None = None,
    run_after: datetime | None = None,
) -> Done:
    """Make FAILED, CANCELLED or EXPIRED records READY again, with all their attempts.

    They are due at once unless `run_after` says otherwise; None leaves queue and priority as
    they are. Each record takes its unique key again and is refused, naming the holder, while
    another live record has it.
    """
    given = {"queue": queue, "priority": priority, "run_after": _aware(run_after)}
    changes = {column: value for column, value in given.items() if value is not None}
    done, wanted = Done(), list(ids)
    for record in records().filter(pk__in=wanted):
        if record.state not in REVIVABLE:
            done.refused[record.pk] = f"It is {State(record.state).name}."
            continue
        try:
            done.note(record.pk, changed=_revive(record, changes))
        except UniqueKeyTaken as error:
            done.refused[record.pk] = str(error)
    done.note_missing(wanted)
    push_due(done.changed)
    return done


def revival(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that make a final record READY again, with all its attempts."""
    return {
        "attempt": 0,
        "crash_count": 0,
        "cancel_requested": False,
        "expires_at": None,
        "finished_at": None,
        "started_at": None,
        "return_value": None,
        "progress": None,
        "worker_ids": None,
        "fingerprint": None,
        "unique_key": F("key"),
        "run_after": open_store("").now(),
        **changes,
        "state": State.READY,
    }


def _revive(record: TaskRecord, changes: dict[str, Any]) -> bool:
    columns = revival(changes)
    try:
        with transaction.atomic(using=queue_database()):
            same = records().filter(pk=record.pk, state=record.state)
            return bool(same.update(**columns))
    except IntegrityError:
        holder = records().filter(unique_key=record.key).first()
        raise UniqueKeyTaken(
            f"Its unique key is held by the live task {holder.pk if holder else '?'}."
        ) from None


def discard(ids: Iterable[UUID]) -> Done:
    """Delete records for good, whatever their state, unless they are running."""
    done, wanted = Done(), list(ids)
    for pk, state in records().filter(pk__in=wanted).values_list("pk", "state"):
        if state == State.RUNNING:
            done.refused[pk] = "It is running: cancel it first."
            continue
        same = records().filter(pk=pk, state=state)
        deleted = same._raw_delete(queue_database())  # noqa: SLF001 - the condition stays
        done.note(pk, changed=bool(deleted))
    done.note_missing(wanted)
    return done


def reschedule(ids: Iterable[UUID], run_after: datetime) -> int:
    """Move READY records to another due time; return how many."""
    wanted = list(ids)
    moment = _aware(run_after)
    with transaction.atomic(using=queue_database()):
        ready = _locked(records().filter(pk__in=wanted, state=State.READY))
        count: int = ready.update(run_after=moment)
    push_due(wanted)
    return count


def _aware(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise ValueError(f"A due time must be an aware datetime, got {moment!r}.")
    return moment


def push_due(ids: Sequence[UUID]) -> None:
    """Tell the workers of records that are due again; the indexer would do it in seconds."""
    due = records().filter(pk__in=list(ids), state=State.READY, run_after__lte=open_store("").now())
    by_backend: dict[str, list[Hint]] = {}
    for pk, backend, queue, priority, run_after in due.values_list(
        "pk", "backend", "queue", "priority", "run_after"
    ):
        hint = Hint(pk, queue, score_of(priority, run_after))
        by_backend.setdefault(backend, []).append(hint)
    for backend, hints in by_backend.items():
        engine_of(backend).outbox.publish(hints)
