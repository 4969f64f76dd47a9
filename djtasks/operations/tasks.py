"""Cancel, retry, discard and reschedule records."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, OperationalError, connections, transaction
from django.db.models import Case, F, Q, SmallIntegerField, Value, When

from djtasks.engine import Engine
from djtasks.formats.moments import as_moment
from djtasks.models import TaskRecord
from djtasks.operations.actions import (
    CANCEL,
    CHANGED_MEANWHILE,
    DISCARD,
    KEY_TAKEN_BY,
    NO_SUCH_TASK,
    RESCHEDULE,
    RETRY,
    Action,
    Refusal,
)
from djtasks.operations.hints import places_of, update_hints, withdraw
from djtasks.operations.members import revive_among
from djtasks.protocol.states import State
from djtasks.store.errors import is_deadlock

_WAITING = (State.READY, State.WAITING)
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class OperationResult:
    """The outcome of an operation: `changed` ids, and why each of the others was refused."""

    changed: list[UUID] = field(default_factory=list)
    refused: dict[UUID, str] = field(default_factory=dict)

    def note(self, ids: Iterable[UUID], *, changed: Container[UUID]) -> None:
        """Record, in order, which ids were changed, and refuse the others as changed meanwhile."""
        for id_ in ids:
            if id_ in changed:
                self.changed.append(id_)
            else:
                self.refused.setdefault(id_, Refusal(CHANGED_MEANWHILE))


def records(engine: Engine) -> Any:
    """Return the records of every TASKS alias."""
    return TaskRecord.objects.using(engine.database)


def cancel(engine: Engine, ids: Iterable[UUID]) -> int:
    """Cancel records that are not final; return how many.

    A waiting task is CANCELLED at once and frees its unique key. A running task is told within
    a heartbeat; it becomes CANCELLED when its execution ends or its worker dies.
    """
    waits = Q(state__in=_WAITING)
    wanted, now = list(ids), engine.now()
    with transaction.atomic(using=engine.database):
        live = _locked(engine, records(engine).filter(pk__in=wanted, state__in=CANCEL.states))
        count: int = live.update(
            cancel_requested=True,
            waits_for=None,
            unique_key=Case(When(waits, then=None), default=F("unique_key")),
            finished_at=Case(When(waits, then=Value(now)), default=None),
            # Last: MySQL evaluates from left to right and already sees what it has set.
            state=Case(
                When(waits, then=Value(int(State.CANCELLED))),
                default=F("state"),
                output_field=SmallIntegerField(),
            ),
        )
    withdraw(places_of(records(engine).filter(pk__in=wanted, state=State.CANCELLED)))
    return count


def _locked(engine: Engine, found: Any) -> Any:
    """Lock records in the order of their ids, as workers do, to avoid deadlocks.

    A database without row locks, such as SQLite, has only one writer at a time.
    """
    if not connections[engine.database].features.has_select_for_update:
        return found
    ids = found.order_by("pk").select_for_update().values_list("pk", flat=True)
    return found.filter(pk__in=list(ids))


def retry(
    engine: Engine,
    ids: Iterable[UUID],
    *,
    queue: str | None = None,
    priority: int | None = None,
    run_after: datetime | None = None,
) -> OperationResult:
    """Make FAILED, CANCELLED or EXPIRED records READY again, with all their attempts.

    They are due at once unless you pass `run_after`; None leaves queue and priority unchanged.
    Each record takes its unique key again. While another live record holds the key, the record
    is refused, with the id of the holder. A member of a workflow waits at the door of its node
    again, which opens within seconds if the nodes before it are over.
    """
    given = {"queue": queue, "priority": priority, "run_after": _aware(run_after)}
    columns = revival(engine, {name: value for name, value in given.items() if value is not None})
    done, possible = _sorted_out(engine, RETRY, ids)
    revived, refused = revive_among(engine, possible, columns)
    done.refused.update(refused)
    possible = [pk for pk in possible if pk not in refused]
    plain = [pk for pk in possible if pk not in revived]
    done.note(possible, changed=revived | _revive_plain(engine, plain, columns, done))
    update_hints(engine, done.changed)
    return done


def _revive_plain(
    engine: Engine, plain: Sequence[UUID], columns: dict[str, Any], done: OperationResult
) -> set[UUID]:
    """Make records READY; return which of them are, and note in `done` whose key is taken."""
    keys = records(engine).filter(pk__in=plain, key__isnull=False)
    keyed = set(keys.values_list("pk", flat=True))
    revived = _revive_without_keys(engine, [pk for pk in plain if pk not in keyed], columns)
    taken = []
    for pk in plain:
        # Each in a transaction of its own: holding several keys could deadlock with a producer.
        if pk in keyed:
            try:
                revived |= {pk} if _revive_one(engine, pk, columns) else set()
            except IntegrityError:
                taken.append(pk)
    done.refused.update(_holders(engine, taken))
    return revived


def _revive_without_keys(engine: Engine, ids: Sequence[UUID], columns: dict[str, Any]) -> set[UUID]:
    """Make records without a unique key READY; return which of them are."""
    with transaction.atomic(using=engine.database):
        revivable = records(engine).filter(pk__in=ids, state__in=RETRY.states, key__isnull=True)
        count = _locked(engine, revivable).update(**columns) if ids else 0
    if count == len(ids):
        return set(ids)
    ready = records(engine).filter(pk__in=ids, state=State.READY)
    return set(ready.values_list("pk", flat=True))


def _revive_one(engine: Engine, pk: UUID, columns: dict[str, Any]) -> bool:
    """Make a record with a unique key READY; raise IntegrityError if its key is taken.

    MySQL and MariaDB lock the gaps between keys, so that even one key may deadlock with those that
    a producer inserts beside it. Then it is tried again, unless the caller's transaction is lost.
    """
    row = records(engine).filter(pk=pk, state__in=RETRY.states)
    for _ in range(_ROUNDS - 1):
        try:
            with transaction.atomic(using=engine.database):
                return bool(row.update(**columns))
        except OperationalError as error:
            if connections[engine.database].in_atomic_block or not is_deadlock(error):
                raise
    with transaction.atomic(using=engine.database):
        return bool(row.update(**columns))


def _sorted_out(
    engine: Engine, action: Action, ids: Iterable[UUID]
) -> tuple[OperationResult, list[UUID]]:
    """Return why some records are refused, and the ids of the others, in their order.

    Nothing is locked: a write looks at the state again. On SQLite, a transaction that reads
    before it writes fails at once while another connection writes.
    """
    done, wanted = OperationResult(), list(dict.fromkeys(map(_as_id, ids)))
    states = dict(records(engine).filter(pk__in=wanted).values_list("pk", "state"))
    for pk in wanted:
        if pk not in states:
            done.refused[pk] = Refusal(NO_SUCH_TASK)
        elif states[pk] not in action.states:
            done.refused[pk] = action.refuse_one(states[pk])
    return done, [pk for pk in wanted if pk not in done.refused]


def _as_id(given: UUID | str) -> UUID:
    return given if isinstance(given, UUID) else UUID(given)


def revive(engine: Engine, ids: Sequence[UUID], changes: dict[str, Any]) -> tuple[int, list[UUID]]:
    """Make retryable records READY; return how many, and the ids whose unique key is taken.

    Members of workflows wait at their doors again.
    """
    columns = revival(engine, changes)
    members, refused = revive_among(engine, ids, columns)
    ids = [pk for pk in ids if pk not in members and pk not in refused]
    revivable = records(engine).filter(pk__in=ids, state__in=RETRY.states)
    count: int = revivable.filter(key__isnull=True).update(**columns)
    count += len(members)
    rows = revivable.filter(key__isnull=False).order_by("pk")
    keyed, taken = list(rows.values_list("pk", flat=True)), []
    if not keyed:
        return count, []
    try:
        with transaction.atomic(using=engine.database):
            return count + revivable.filter(pk__in=keyed).update(**columns), []
    except IntegrityError:
        # A key is taken, perhaps by another of these records: try each on its own.
        for pk in keyed:
            try:
                with transaction.atomic(using=engine.database):
                    count += revivable.filter(pk=pk).update(**columns)
            except IntegrityError:
                taken.append(pk)
    return count, taken


def revival(engine: Engine, changes: dict[str, Any]) -> dict[str, Any]:
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
        "run_after": engine.now(),
        **changes,
        "state": State.READY,
    }


def _holders(engine: Engine, taken: Sequence[UUID]) -> dict[UUID, Refusal]:
    """Return a refusal that names the holder for each record whose unique key is taken."""
    if not taken:
        return {}
    keys = dict(records(engine).filter(pk__in=taken).values_list("pk", "key"))
    held = records(engine).filter(unique_key__in=keys.values()).values_list("unique_key", "pk")
    holders = dict(held)
    return {pk: Refusal(KEY_TAKEN_BY, holder=holders.get(keys.get(pk), "?")) for pk in taken}


def discard(engine: Engine, ids: Iterable[UUID]) -> OperationResult:
    """Delete records permanently, in any state but RUNNING."""
    done, possible = _sorted_out(engine, DISCARD, ids)
    places = places_of(records(engine).filter(pk__in=possible, state=State.READY))
    gone = set(possible)
    with transaction.atomic(using=engine.database):
        idle = _locked(engine, records(engine).filter(pk__in=possible, state__in=DISCARD.states))
        count = idle._raw_delete(engine.database) or 0  # noqa: SLF001 - the condition stays
    if count < len(gone):
        gone -= set(records(engine).filter(pk__in=possible).values_list("pk", flat=True))
    withdraw(place for place in places if place[0] in gone)
    done.note(possible, changed=gone)
    return done


def delete(engine: Engine, ids: Sequence[UUID], states: Iterable[State]) -> int:
    """Delete the records that are in one of these states; return how many."""
    accepted = list(states)
    rows = records(engine).filter(pk__in=ids, state__in=accepted)
    places = places_of(rows.filter(state=State.READY)) if State.READY in accepted else []
    count: int = rows._raw_delete(engine.database) or 0  # noqa: SLF001 - the condition stays
    withdraw(places)
    return count


def reschedule(engine: Engine, ids: Iterable[UUID], run_after: datetime) -> int:
    """Move READY and WAITING records to another due time; return how many."""
    wanted = list(ids)
    moment = _aware(run_after)
    with transaction.atomic(using=engine.database):
        ready = _locked(engine, records(engine).filter(pk__in=wanted, state__in=RESCHEDULE.states))
        count: int = ready.update(run_after=moment)
    update_hints(engine, wanted)
    return count


def _aware(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise ValueError(f"A due time must be an aware datetime, got {moment!r}.")
    return None if moment is None else as_moment(moment)
