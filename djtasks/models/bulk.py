"""The table of bulk actions: what was requested, and the progress."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from djtasks.formats.ids import new_id
from djtasks.models.fields import DatabaseNow, ExactCharField


class BulkAction(models.Model):
    """One action on everything that matches a filter, done by a task in chunks.

    `selection` and `options` are the arguments of `operations.start_bulk`. `upper` is the newest id
    that the action may change, `cursor` the last one that it checked. Only its task updates the
    counts and the cursor, in the transaction of the chunk. `planned` stops at 100,000.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    backend = ExactCharField(max_length=64)
    action = models.CharField(max_length=32)
    selection = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    by = models.CharField(max_length=150, blank=True)
    task = models.UUIDField(null=True)
    upper = models.UUIDField()
    cursor = models.UUIDField(null=True)
    planned = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    refusals = models.JSONField(default=dict)
    stop_requested = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=DatabaseNow())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("bulk action")
        verbose_name_plural = _("bulk actions")

    def __str__(self) -> str:
        return f"{self.action} of {self.planned:,} {'task' if self.planned == 1 else 'tasks'}"
