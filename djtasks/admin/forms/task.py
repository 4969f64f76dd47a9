"""The forms of a task: its queue, priority and due time."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from djtasks.admin.forms.moments import HELP, MomentField
from djtasks.admin.forms.storable import StorableForm
from djtasks.definitions.options import LONGEST_QUEUE, is_queue
from djtasks.engine import Engine
from djtasks.models import TaskRecord
from djtasks.protocol.hints import MAX_PRIORITY, MIN_PRIORITY


def queue_field(engine: Engine, current: str) -> forms.Field:
    """Return a choice of the alias's queues, or a text field if the alias takes any queue."""
    if not engine.queues:
        return forms.CharField(
            label=_("Queue"), max_length=LONGEST_QUEUE, validators=[_check_queue], required=False
        )
    names = sorted({*engine.queues, current})
    return forms.ChoiceField(
        label=_("Queue"), choices=[(name, name) for name in names], required=False
    )


def _check_queue(name: str) -> None:
    if not is_queue(name):
        raise forms.ValidationError(gettext("A queue name must have only printable characters."))


def priority_field() -> forms.IntegerField:
    """Return a field for a priority."""
    return forms.IntegerField(
        label=_("Priority"),
        required=False,
        min_value=MIN_PRIORITY,
        max_value=MAX_PRIORITY,
        widget=forms.NumberInput(attrs={"class": "short"}),
        help_text=_("From %(least)s to %(most)s. Higher priorities run first.")
        % {"least": MIN_PRIORITY, "most": MAX_PRIORITY},
    )


def moment_field(now: datetime, *, required: bool = False) -> MomentField:
    """Return a field for a due time; durations count from `now`."""
    zone = timezone.get_current_timezone_name()
    field = MomentField(
        label=_("Run after"),
        required=required,
        help_text=HELP % {"zone": zone},
        widget=forms.TextInput(attrs={"placeholder": "" if required else gettext("at once")}),
    )
    field.now = now
    return field


class TaskForm(StorableForm):
    """The form of an action on one record; this one has no fields."""

    def __init__(self, data: Any, *, engine: Engine, row: TaskRecord, now: datetime) -> None:
        super().__init__(data, initial={"queue": row.queue, "priority": row.priority})
        self.build(engine, row, now)

    def build(self, engine: Engine, row: TaskRecord, now: datetime) -> None:
        """Add the fields."""


class RetryForm(TaskForm):
    """The options of a retry: queue, priority and due time; each may stay empty."""

    def build(self, engine: Engine, row: TaskRecord, now: datetime) -> None:
        self.fields["queue"] = queue_field(engine, row.queue)
        self.fields["priority"] = priority_field()
        self.fields["run_after"] = moment_field(now)


class RescheduleForm(TaskForm):
    """The new due time of a task."""

    def build(self, engine: Engine, row: TaskRecord, now: datetime) -> None:
        self.fields["run_after"] = moment_field(now, required=True)
