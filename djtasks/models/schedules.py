"""The table of schedules."""

from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from djtasks.models.fields import DatabaseNow


def default_missed_policy() -> dict[str, str]:
    """Return the default policy for missed runs, as a row stores it."""
    return {"policy": "coalesce"}


class Schedule(models.Model):
    """When to enqueue which task.

    `next_run_at` is NULL if the schedule never runs again, is paused, or is gone from the code.
    `declared` is what the code declares, NULL for a schedule created by hand; a column that
    differs from it is an override. `declared_at` is when a scheduler last had the schedule in its
    code; some may have code without it. `last_due_at` only grows, so that no due time fires twice.
    `broken` says why it cannot fire; empty means that it can.
    """

    backend = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    task_path = models.CharField(max_length=255)
    rule = models.JSONField()
    args = models.JSONField(default=list, blank=True)
    kwargs = models.JSONField(default=dict, blank=True)
    missed = models.JSONField(default=default_missed_policy)
    overlap = models.CharField(max_length=16, db_default="allow", default="allow")
    jitter = models.DurationField(default=timedelta(0))
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    next_run_at = models.DateTimeField(null=True, editable=False)
    last_due_at = models.DateTimeField(null=True, editable=False)
    last_run = models.UUIDField(null=True, editable=False)
    declared = models.JSONField(null=True, editable=False)
    declared_at = models.DateTimeField(null=True, editable=False)
    removed = models.BooleanField(db_default=False, default=False, editable=False)
    is_enabled = models.BooleanField(db_default=True, default=True)
    paused_by = models.CharField(max_length=150, blank=True, db_default="")
    paused_at = models.DateTimeField(null=True, editable=False)
    paused_reason = models.CharField(max_length=500, blank=True, db_default="")
    broken = models.TextField(blank=True, db_default="", default="", editable=False)
    created_at = models.DateTimeField(db_default=DatabaseNow(), editable=False)
    changed_at = models.DateTimeField(db_default=DatabaseNow(), editable=False)

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        indexes = (models.Index(name="djtasks_next_run", fields=("backend", "next_run_at")),)
        constraints = (
            models.UniqueConstraint(fields=("backend", "name"), name="djtasks_one_schedule"),
        )

    def __str__(self) -> str:
        return self.name
