"""A preview of a schedule form: the rule in words, its next ten runs, and the call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from inspect import Signature

from django.utils.translation import gettext as _

from djtasks.admin.schedules.form import ScheduleForm
from djtasks.admin.schedules.rows import Due, on_its_clock, translated
from djtasks.definitions.redaction import redacted_signature
from djtasks.engine import Engine
from djtasks.inspection.schedules import runs_after
from djtasks.scheduler.planning import Timetable
from djtasks.schedules import Coalesce, Crontab, Overlap, Rule, rule_from

RUNS = 10
_OF_THE_RULE = ("kind", "expression", "tz", "interval", "anchor", "at", "starts_at", "ends_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A preview; `words` is empty if there is no valid rule, and `errors` says why.

    `note` is about a rule that is valid and perhaps not meant, and is usually empty.
    """

    words: str
    note: str
    runs: Sequence[Due]
    errors: Sequence[str]
    call: str


def preview_of(form: ScheduleForm, now: datetime) -> Preview:
    """Return the preview of a form, or the errors in its rule."""
    errors: list[str] = []
    if form.is_bound:
        errors = [str(text) for name in _OF_THE_RULE for text in form.errors.get(name, [])]
    rule = None if errors else _rule_of(form)
    return Preview(
        words=rule.in_words(translated) if rule else "",
        note=note_of(rule),
        runs=_runs_of(form, rule, now) if rule else (),
        errors=errors,
        call=call_of(form.engine, str(form["task_path"].value() or "")),
    )


def _rule_of(form: ScheduleForm) -> Rule | None:
    if form.is_bound:
        return form.rule
    try:
        return rule_from(form.stored_rule)
    except Exception:  # noqa: BLE001 - whatever somebody put into the row
        return None


def note_of(rule: Rule | None) -> str:
    """Return what somebody may not have meant by a rule, or ""."""
    if not isinstance(rule, Crontab) or not rule.is_dense:
        return ""
    return _("It runs in every minute of these hours. For once an hour, enter 0 for the minute.")


def _runs_of(form: ScheduleForm, rule: Rule, now: datetime) -> list[Due]:
    table = Timetable(
        rule=rule,
        missed=Coalesce(),
        overlap=Overlap.ALLOW,
        jitter=timedelta(0),
        starts_at=_value_of(form, "starts_at"),
        ends_at=_value_of(form, "ends_at"),
    )
    return on_its_clock(rule, runs_after(table, RUNS, now))


def _value_of(form: ScheduleForm, name: str) -> datetime | None:
    values = form.cleaned_data if form.is_bound else form.initial
    return values.get(name)


def call_of(engine: Engine, path: str) -> str:
    """Return the signature of a task, such as `report(month=None)`, or "" if it is unknown.

    Sensitive defaults are hidden.
    """
    task = engine.find(path)
    if task is None:
        return ""
    signature = redacted_signature(task, pattern=engine.options.redact or "")
    shown = signature.replace(return_annotation=Signature.empty)
    return f"{path.rpartition('.')[2]}{shown}"
