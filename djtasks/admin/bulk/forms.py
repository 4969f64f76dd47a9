"""The forms of bulk actions: queue, priority, due time, and how long to spread them over."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from djtasks.admin.task_actions import ManyForm
from djtasks.protocol.hints import MAX_PRIORITY, MIN_PRIORITY

MOST_MINUTES = 7 * 24 * 60


class _SpreadForm(ManyForm):
    """The number of minutes over which to spread the due times."""

    spread = forms.IntegerField(
        label=_("Spread over"),
        required=False,
        min_value=0,
        max_value=MOST_MINUTES,
        widget=forms.NumberInput(attrs={"class": "short"}),
        help_text=_(
            "Minutes over which to spread the due times evenly. Leave empty to start all at once."
        ),
    )

    def options(self) -> dict[str, Any]:
        """Return the options for `operations.start_bulk`."""
        minutes = self.cleaned_data.get("spread")
        return {"spread": timedelta(minutes=minutes)} if minutes else {}


class ChangesForm(_SpreadForm):
    """The options of a retry: another queue, another priority, spread over time."""

    queue = forms.ChoiceField(label=_("Queue"), required=False)
    priority = forms.IntegerField(
        label=_("Priority"),
        required=False,
        min_value=MIN_PRIORITY,
        max_value=MAX_PRIORITY,
        widget=forms.NumberInput(attrs={"class": "short"}),
        help_text=_(
            "From -100 to 100. Higher priorities run first. Leave empty to keep the priority."
        ),
    )
    field_order = ("queue", "priority", "spread")

    def build(self, queues: list[str]) -> None:
        choices = [("", _("unchanged")), *((name, name) for name in queues)]
        self.fields["queue"] = forms.ChoiceField(label=_("Queue"), required=False, choices=choices)
        self.order_fields(self.field_order)

    def options(self) -> dict[str, Any]:
        """Return the options for `operations.start_bulk`."""
        given = {
            "queue": self.cleaned_data["queue"] or None,
            "priority": self.cleaned_data["priority"],
        }
        changed = {name: value for name, value in given.items() if value is not None}
        return {**changed, **super().options()}


class MoveForm(_SpreadForm):
    """A new due time."""

    run_after = forms.DateTimeField(
        label=_("Due at"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        help_text=_("A time in the past means now."),
    )
    field_order = ("run_after", "spread")

    def options(self) -> dict[str, Any]:
        """Return the options for `operations.start_bulk`."""
        moment: datetime = self.cleaned_data["run_after"]
        return {"run_after": moment, **super().options()}
