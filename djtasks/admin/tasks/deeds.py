"""The actions on one task; each returns its change as old → new, or why it was refused."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from djtasks import operations
from djtasks.admin.task_actions import ActionResult
from djtasks.admin.tasks.access import record_of
from djtasks.engine import Engine
from djtasks.models import TaskRecord
from djtasks.operations import OperationResult, Refusal
from djtasks.protocol.states import FINAL, State


def retry(engine: Engine, row: TaskRecord, given: dict[str, Any]) -> ActionResult:
    """Make a task ready again, perhaps with another queue, priority or due time."""
    run_after = given["run_after"]
    queue, priority = given["queue"] or None, given["priority"]
    done = operations.retry(engine, [row.pk], queue=queue, priority=priority, run_after=run_after)
    if not done.changed:
        return ActionResult(refusal=_why_not(done, row.pk))
    changes = [_word(row.state) + " → " + _("ready")]
    for name, old, new in (
        (_("queue"), row.queue, queue),
        (_("priority"), row.priority, priority),
    ):
        if new is not None and new != old:
            changes.append(f"{name} {old} → {new}")
    if run_after is not None:
        changes.append(_("due %(time)s") % {"time": _exactly(run_after)})
    return ActionResult(change=", ".join(changes))


def reschedule(engine: Engine, row: TaskRecord, given: dict[str, Any]) -> ActionResult:
    """Move the due time of a task."""
    if not operations.reschedule(engine, [row.pk], given["run_after"]):
        return ActionResult(refusal=_("The task no longer waits. Check its state."))
    said = {"old": _exactly(row.run_after), "new": _exactly(given["run_after"])}
    return ActionResult(change=_("due %(old)s → %(new)s") % said)


def cancel(engine: Engine, row: TaskRecord, _given: dict[str, Any]) -> ActionResult:
    """Cancel a task; ask a running one to stop."""
    if not operations.cancel(engine, [row.pk]):
        return ActionResult(refusal=_("The task is already final, or was deleted."))
    after = record_of(str(row.pk))
    before = _word(row.state)
    if after is not None and after.state not in FINAL:
        return ActionResult(change=before + " → " + _("asked to stop"))
    return ActionResult(change=before + " → " + _("cancelled"))


def discard(engine: Engine, row: TaskRecord, _given: dict[str, Any]) -> ActionResult:
    """Delete a task."""
    done = operations.discard(engine, [row.pk])
    if not done.changed:
        return ActionResult(refusal=_why_not(done, row.pk))
    return ActionResult(change=_word(row.state) + " → " + _("deleted"))


def _why_not(done: OperationResult, pk: UUID) -> str:
    refusal = done.refused[pk]
    return refusal.translated if isinstance(refusal, Refusal) else refusal


def _word(state: int) -> str:
    return State(state).name.lower()


def _exactly(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}"
