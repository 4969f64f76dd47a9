"""Run, pause, resume, revert, delete and save schedules."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from djtasks.engine import Engine, engine_of
from djtasks.errors import InvalidSchedule
from djtasks.models import Schedule
from djtasks.models.schedules import default_missed_policy
from djtasks.scheduler.overrides import WHEN, columns_of, restarted
from djtasks.scheduler.planning import timetable_of
from djtasks.scheduler.secrets import stored_form
from djtasks.scheduler.templates import record_of
from djtasks.schedules.rules.base import in_utc
from djtasks.store import schedules as ticks

logger = logging.getLogger("djtasks.beat")

_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDraft:
    """A schedule as somebody entered it; `rule` and `missed` are what their `as_dict` returns."""

    backend: str
    name: str
    task_path: str
    rule: Mapping[str, Any]
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    missed: Mapping[str, Any] = field(default_factory=default_missed_policy)
    overlap: str = "allow"
    jitter: timedelta = timedelta(0)
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def schedules(engine: Engine) -> Any:
    """Return the schedules of every TASKS alias."""
    return Schedule.objects.using(engine.database)


def run_now(engine: Engine, schedule: int, *, by: str) -> UUID:
    """Enqueue the schedule's task at once, whatever its rule, overlap or pause; return the id.

    If the task is unique and already enqueued, return the id of that record. The next run does
    not change. Raises Schedule.DoesNotExist, UnknownTask or InvalidArguments.
    """
    row = schedules(engine).get(pk=schedule)
    own = engine_of(row.backend)
    record = record_of(own, row)
    with transaction.atomic(using=own.database):
        answer = own.store.insert(record)
        ticks.record_last_run(own.database, row.pk, answer.id)
    if answer.is_new:
        own.outbox.publish([answer.hint_for(record)], awaited=(answer.id,))
    logger.info("Schedule run by hand name=%s by=%s id=%s", row.name, by, answer.id)
    return answer.id


def pause(engine: Engine, schedule: int, *, by: str, reason: str = "") -> bool:
    """Pause a schedule until somebody resumes it; return False if it is already paused."""
    enabled, now = schedules(engine).filter(pk=schedule, is_enabled=True), engine.now()
    return bool(
        enabled.update(
            is_enabled=False,
            next_run_at=None,
            paused_by=by[:150],
            paused_at=now,
            paused_reason=reason[:500],
            changed_at=now,
        )
    )


def resume(engine: Engine, schedule: int) -> bool:
    """Resume a paused schedule from now on; return False if it is not paused.

    Runs that were due during the pause are not made up for.
    """
    with transaction.atomic(using=engine.database):
        row = schedules(engine).select_for_update().filter(pk=schedule, is_enabled=False).first()
        if row is None:
            return False
        row.is_enabled, now = True, engine.now()
        changes = {"next_run_at": None} if row.removed else restarted(row, now)
        changes |= {"is_enabled": True, "paused_by": "", "paused_at": None, "paused_reason": ""}
        paused = schedules(engine).filter(pk=schedule, is_enabled=False)
        return bool(paused.update(**changes, changed_at=now))


def revert(engine: Engine, schedule: int) -> bool:
    """Remove all overrides of a schedule; return False if it was never declared in code."""
    with transaction.atomic(using=engine.database):
        row = _locked(engine, schedule)
        if row.declared is None:
            return False
        return _write(engine, row, columns_of(row.declared))


def delete(engine: Engine, schedule: int) -> None:
    """Delete a schedule and keep its records; raise InvalidSchedule while code declares it."""
    with transaction.atomic(using=engine.database):
        row = _locked(engine, schedule)
        if row.declared is not None and not row.removed:
            raise InvalidSchedule(
                f"The schedule {row.name!r} is declared in code, so the next scheduler that "
                f"starts would create it again. Remove it from the code, or pause it here."
            )
        schedules(engine).filter(pk=schedule).delete()


def save(engine: Engine, draft: ScheduleDraft, *, schedule: int | None = None) -> Schedule:
    """Validate a draft, then insert it or update a schedule with it; return the row.

    If the rule or its bounds have changed, the next run is computed from now; otherwise it
    stays. Raises InvalidSchedule, UnknownTask, InvalidArguments, or Schedule.DoesNotExist.
    """
    columns = asdict(draft) | {"args": list(draft.args), "kwargs": dict(draft.kwargs)}
    for bound in ("starts_at", "ends_at"):
        if columns[bound] is not None:
            columns[bound] = in_utc(columns[bound], f"The {bound} of a schedule")
    _check(Schedule(id=0, **columns))
    own = engine_of(draft.backend)
    try:
        with transaction.atomic(using=engine.database):
            if schedule is None:
                return _insert(engine, stored_form(own, columns))
            row = _locked(engine, schedule)
            _check_identity(row, draft)
            before = {name: getattr(row, name) for name in columns}
            _write(engine, row, stored_form(own, columns, before))
    except IntegrityError:
        raise InvalidSchedule(
            f"A schedule named {draft.name!r} already exists. Choose another name."
        ) from None
    saved: Schedule = schedules(engine).get(pk=schedule)
    return saved


def _check(row: Schedule) -> None:
    if not 1 <= len(row.name) <= _LONGEST_NAME:
        raise InvalidSchedule(
            f"The name of a schedule must have 1 to {_LONGEST_NAME} characters, "
            f"got {len(row.name)}."
        )
    timetable_of(row)
    record_of(engine_of(row.backend), row)
    if row.starts_at is not None and row.ends_at is not None and row.ends_at < row.starts_at:
        raise InvalidSchedule(
            f"A schedule cannot end ({row.ends_at}) before it starts ({row.starts_at})."
        )


def _check_identity(row: Schedule, draft: ScheduleDraft) -> None:
    if row.declared is not None and (row.name, row.backend) != (draft.name, draft.backend):
        raise InvalidSchedule(
            f"The schedule {row.name!r} is declared in code. Change its name and backend there."
        )


def _insert(engine: Engine, columns: dict[str, Any]) -> Schedule:
    row = Schedule(**columns)
    row.created_at = row.changed_at = now = engine.now()
    row.next_run_at = timetable_of(row).next_after(now)
    row.save(using=engine.database, force_insert=True)
    inserted: Schedule = schedules(engine).get(pk=row.pk)
    return inserted


def _write(engine: Engine, row: Schedule, columns: dict[str, Any]) -> bool:
    """Write columns to a locked row, and compute its next run again if they affect it."""
    changes = {name: value for name, value in columns.items() if getattr(row, name) != value}
    now = engine.now()
    for name, value in changes.items():
        setattr(row, name, value)
    if row.removed:
        changes |= {"broken": ""}
    elif row.broken or WHEN & set(changes):
        changes |= restarted(row, now)
    written = schedules(engine).filter(pk=row.pk, is_enabled=row.is_enabled, removed=row.removed)
    return bool(written.update(**changes, changed_at=now))


def _locked(engine: Engine, schedule: int) -> Schedule:
    row: Schedule = schedules(engine).select_for_update().get(pk=schedule)
    return row
