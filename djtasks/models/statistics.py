"""The tables of statistics: counts, times and failures, kept after the records are pruned.

They are approximate: a killed worker loses up to five seconds of them.
"""

from datetime import timedelta

from django.db import models
from django.utils.translation import gettext_lazy as _

from djtasks.formats.ids import new_id
from djtasks.models.fields import DatabaseNow, ExactCharField

ALL_TASKS = ""
ALL_QUEUES = ""
# The steps that rows are folded to, in seconds, and how long rows of each are kept.
STEPS = {
    60: timedelta(days=1),
    600: timedelta(days=3),
    3_600: timedelta(days=90),
    86_400: timedelta(days=90),
}


class TaskStatistics(models.Model):
    """The results of the attempts of one task in one queue, from `at` for `step` seconds.

    `step` 0 is what one child process wrote about one minute. A duty adds these up over all
    children into minutes, then ten minutes, hours and days. From the minute on, a row with an
    empty `task_path` covers all tasks of the queue. Histograms map a bucket's number to a count;
    see `djtasks.formats.histograms`. Sums are in seconds.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    backend = ExactCharField(max_length=64)
    step = models.IntegerField()
    at = models.DateTimeField()
    task_path = ExactCharField(max_length=255, blank=True)
    queue = ExactCharField(max_length=64)
    worker = models.UUIDField(null=True)
    successful = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    retried = models.BigIntegerField(default=0)
    cancelled = models.BigIntegerField(default=0)
    expired = models.BigIntegerField(default=0)
    wait_sum = models.FloatField(default=0)
    run_sum = models.FloatField(default=0)
    waits = models.JSONField(default=dict)
    runs = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("task statistics")
        verbose_name_plural = _("task statistics")
        indexes = (
            models.Index(fields=("backend", "step", "at", "task_path"), name="djtasks_statistics"),
        )

    def __str__(self) -> str:
        return f"{self.task_path or 'all tasks'} {self.at:%Y-%m-%d %H:%M}"


class QueueSample(models.Model):
    """The state of a queue at one moment of a minute, counted by the coordinator.

    Longer steps have the mean of their minutes, and the longest wait. The row with an empty queue
    covers all queues. `slots` are those of the live children that fetch from the queue. Counts
    stop where they would become slow; see `djtasks.inspection.COUNT_LIMIT`.
    """

    backend = ExactCharField(max_length=64)
    step = models.IntegerField()
    at = models.DateTimeField()
    queue = ExactCharField(max_length=64)
    ready = models.BigIntegerField(default=0)
    delayed = models.BigIntegerField(default=0)
    running = models.FloatField(default=0)
    slots = models.FloatField(default=0)
    oldest_wait = models.FloatField(default=0)

    class Meta:
        verbose_name = _("queue sample")
        verbose_name_plural = _("queue samples")
        constraints = (
            models.UniqueConstraint(
                fields=("backend", "step", "at", "queue"), name="djtasks_one_sample"
            ),
        )

    def __str__(self) -> str:
        return f"{self.queue} {self.at:%Y-%m-%d %H:%M}"


class StatisticsMark(models.Model):
    """The time until which the rows of one step are complete; updated by a compare-and-set."""

    backend = ExactCharField(max_length=64)
    step = models.IntegerField()
    until = models.DateTimeField()

    class Meta:
        verbose_name = _("statistics mark")
        verbose_name_plural = _("statistics marks")
        constraints = (
            models.UniqueConstraint(fields=("backend", "step"), name="djtasks_one_mark"),
        )

    def __str__(self) -> str:
        return f"{self.backend} {self.step} {self.until:%Y-%m-%d %H:%M}"


class FailureGroup(models.Model):
    """Failures of one task with the same exception from the same function.

    `fingerprint` is that of their records. `place` is the innermost frame of the project's own
    code. `message` and `last_record` are those of the latest failure. `failed` counts final
    failures, `retried` counts attempts that are retried.
    """

    backend = ExactCharField(max_length=64)
    fingerprint = ExactCharField(max_length=32)
    task_path = ExactCharField(max_length=255)
    exception = models.CharField(max_length=300)
    place = models.CharField(max_length=500, blank=True)
    message = models.CharField(max_length=500, blank=True)
    first_at = models.DateTimeField(db_default=DatabaseNow())
    last_at = models.DateTimeField(db_default=DatabaseNow())
    failed = models.BigIntegerField(default=0)
    retried = models.BigIntegerField(default=0)
    last_record = models.UUIDField(null=True)

    class Meta:
        verbose_name = _("failure group")
        verbose_name_plural = _("failure groups")
        constraints = (
            models.UniqueConstraint(
                fields=("backend", "fingerprint"), name="djtasks_one_failure_group"
            ),
        )
        indexes = (models.Index(fields=("backend", "last_at"), name="djtasks_failures_by_time"),)

    def __str__(self) -> str:
        return f"{self.exception} in {self.task_path}"


class FailureCount(models.Model):
    """How often one group failed in one hour."""

    backend = ExactCharField(max_length=64)
    fingerprint = ExactCharField(max_length=32)
    at = models.DateTimeField()
    failed = models.BigIntegerField(default=0)
    retried = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("failure count")
        verbose_name_plural = _("failure counts")
        constraints = (
            models.UniqueConstraint(
                fields=("backend", "at", "fingerprint"), name="djtasks_one_failure_count"
            ),
        )

    def __str__(self) -> str:
        return f"{self.fingerprint} {self.at:%Y-%m-%d %H:%M}"
