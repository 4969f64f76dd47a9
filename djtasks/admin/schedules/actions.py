"""The buttons of a schedule: each does one thing and returns the text for the history.

One of them has a form.
"""

from collections.abc import Callable

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from djtasks.admin.forms.storable import StorableForm
from djtasks.admin.schedules.rows import change_in_words, differences
from djtasks.engine import Engine
from djtasks.models import Schedule
from djtasks.operations import pause_schedule, resume_schedule, revert_schedule, run_now

# Performs the action, and returns the text for the history, or "" if there was nothing to do.
Action = Callable[[Engine, Schedule, str], str]


def run(engine: Engine, row: Schedule, by: str) -> str:
    """Enqueue the task of a schedule at once."""
    return _("Run by hand: task %(id)s.") % {"id": run_now(engine, row.pk, by=by)}


def resume(engine: Engine, row: Schedule, _by: str) -> str:
    """Resume a paused schedule from now on."""
    return _("Resumed, from now.") if resume_schedule(engine, row.pk) else ""


def revert(engine: Engine, row: Schedule, _by: str) -> str:
    """Revert a schedule to what the code declares."""
    changed = "; ".join(
        change_in_words(one.column, one.here, one.code) for one in differences(engine, row)
    )
    if not changed or not revert_schedule(engine, row.pk):
        return ""
    return _("Reverted to the code: %(changed)s.") % {"changed": changed}


def pause(engine: Engine, row: Schedule, by: str, reason: str) -> str:
    """Stop a schedule until somebody resumes it."""
    if not pause_schedule(engine, row.pk, by=by, reason=reason):
        return ""
    return _("Paused: %(reason)s") % {"reason": reason} if reason else _("Paused.")


class PauseForm(StorableForm):
    """The reason of a pause, which everybody sees."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Everybody who views this schedule sees the reason."),
    )


ACTIONS: dict[str, Action] = {"run": run, "resume": resume, "revert": revert}
