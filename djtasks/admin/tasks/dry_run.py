"""A dry run of a call: would it be accepted, and when would it start? It writes nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from djtasks.admin.forms.call import CallForm
from djtasks.admin.tasks.attempts import Check, checks_of
from djtasks.compat import InvalidTask
from djtasks.definitions.redaction import redacted
from djtasks.definitions.task import Task
from djtasks.enqueueing.building import build_record
from djtasks.errors import InvalidArguments
from djtasks.inspection import Piece, why_facts_of, why_not_running
from djtasks.inspection.display.calls import call_of
from djtasks.inspection.tasks import holder_of
from djtasks.models import TaskRecord
from djtasks.protocol.records import NewRecord
from djtasks.protocol.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """The answer to "Check only": a sentence, the checks behind it, and the call.

    `holder` is the live record with the same unique key, which enqueueing would return.
    """

    answer: str
    is_refused: bool
    checks: list[Check]
    call: list[Piece]
    holder: UUID | None = None


def record_meant(form: CallForm, now: datetime) -> TaskRecord:
    """Return the record that a valid form would create, unsaved and without a unique key."""
    call, given, task = form.call(), form.cleaned_data, form.task
    return TaskRecord(
        backend=form.engine.alias,
        task_path=task.module_path,
        queue=given["queue"] or task.queue_name,
        priority=task.priority if given["priority"] is None else given["priority"],
        args=call.args,
        kwargs=call.kwargs,
        state=int(State.READY),
        run_after=given["run_after"] or now,
        enqueued_at=now,
        attempt=0,
        max_attempts=task.max_attempts,
    )


def dry_run(form: CallForm, now: datetime) -> DryRun:
    """Return what submitting a bound form would do; a form with errors is refused."""
    if not form.is_valid():
        return _refused(form)
    row = record_meant(form, now)
    try:
        record = _built(form)
    except Exception as error:  # noqa: BLE001 - the project's own function for the unique key
        form.add_error(None, refusal_of(error))
        return _refused(form)
    holder = _holder(form, record)
    reasons = why_not_running(why_facts_of(form.engine, row, now))
    answer = _("The call would be accepted.")
    if holder is not None:
        answer = _("A live task has the same unique key: enqueueing would return that task.")
    return DryRun(
        answer=answer,
        is_refused=False,
        checks=_fits(form, record, is_free=holder is None) + checks_of(reasons),
        call=_call(form, row),
        holder=holder,
    )


def _fits(form: CallForm, record: NewRecord, *, is_free: bool) -> list[Check]:
    size = _("The arguments take %(size)s of at most %(limit)s bytes.") % {
        "size": f"{len(record.args) + len(record.kwargs):,}",
        "limit": f"{form.engine.options.max_arguments:,}",
    }
    fits = [
        Check(css="yes", symbol="ok", text=_("The arguments match the task.")),
        Check(css="yes", symbol="ok", text=size),
    ]
    if record.unique_key is not None and is_free:
        fits.append(Check(css="yes", symbol="ok", text=_("The unique key is free.")))
    return fits


def refusal_of(error: Exception) -> str:
    """Return why a call is refused, in a sentence."""
    if isinstance(error, InvalidArguments | InvalidTask):
        return str(error)
    said = {"kind": type(error).__name__, "text": error}
    return _("The task's own code rejects the call: %(kind)s: %(text)s") % said


def _refused(form: CallForm) -> DryRun:
    checks = [
        Check(css="bad", symbol="failed", text=_said(form, name, str(text)))
        for name, texts in form.errors.items()
        for text in texts
    ]
    return DryRun(answer=_("The call would be refused."), is_refused=True, checks=checks, call=[])


def _said(form: CallForm, name: str, text: str) -> str:
    return f"{form[name].label}: {text}" if name in form.fields else text


def _built(form: CallForm) -> NewRecord:
    call = form.call()
    task: Task[..., Any] = form.task.using(**form.using())
    task.get_backend().validate_task(task)
    return build_record(
        task,
        call.args,
        call.kwargs,
        backend=form.engine.alias,
        limit=form.engine.options.max_arguments,
        cipher=form.engine.cipher,
    )


def _holder(form: CallForm, record: NewRecord) -> UUID | None:
    if record.unique_key is None:
        return None
    return holder_of(form.engine, record.unique_key, *record.earlier_keys)


def _call(form: CallForm, row: TaskRecord) -> list[Piece]:
    pattern = form.engine.options.redact or ""
    return call_of(row, *redacted(row.args, row.kwargs, form.task, pattern=pattern))
