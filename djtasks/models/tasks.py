"""The tables. The row of TaskRecord is the task; everything else is about running it."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from djtasks.formats.ids import new_id
from djtasks.models.bulk import BulkAction
from djtasks.models.fields import DatabaseNow, ExactCharField, UniqueWhenSet, WhereIndex
from djtasks.models.schedules import Schedule
from djtasks.models.statistics import (
    FailureCount,
    FailureGroup,
    QueueSample,
    StatisticsMark,
    TaskStatistics,
)
from djtasks.protocol.states import State

__all__ = [
    "BulkAction",
    "FailureCount",
    "FailureGroup",
    "Lease",
    "Namespace",
    "QueueControl",
    "QueueSample",
    "Schedule",
    "StatisticsMark",
    "TaskRecord",
    "TaskState",
    "TaskStatistics",
    "WorkerRecord",
]


class TaskState(models.IntegerChoices):
    """The states as people read them."""

    READY = State.READY, _("Ready")
    RUNNING = State.RUNNING, _("Running")
    SUCCESSFUL = State.SUCCESSFUL, _("Successful")
    FAILED = State.FAILED, _("Failed")
    CANCELLED = State.CANCELLED, _("Cancelled")
    EXPIRED = State.EXPIRED, _("Expired")
    WAITING = State.WAITING, _("Waiting")


class TaskRecord(models.Model):
    """One enqueued task: outbox, lock and result in one row.

    `worker` is set exactly while RUNNING. `fence` is moved by claims only, upwards only.
    `unique_key` is `key` while the record is not final. `fingerprint` tells failures of one
    kind, `target` is the object a task is about (`shop.order:7`). Columns that most rows leave
    empty are NULL, which costs nothing.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    backend = ExactCharField(max_length=64)
    task_path = ExactCharField(max_length=255)
    queue = ExactCharField(max_length=64)
    priority = models.SmallIntegerField(db_default=0)
    args = models.JSONField(default=list)
    kwargs = models.JSONField(default=dict)
    state = models.SmallIntegerField(choices=TaskState, db_default=int(State.READY))
    run_after = models.DateTimeField(db_default=DatabaseNow())
    expires_at = models.DateTimeField(null=True)
    fence = models.BigIntegerField(db_default=0)
    attempt = models.SmallIntegerField(db_default=0)
    crash_count = models.SmallIntegerField(db_default=0)
    max_attempts = models.SmallIntegerField(db_default=1)
    max_crashes = models.SmallIntegerField(db_default=3)
    timeout = models.DurationField(null=True)
    worker = models.UUIDField(null=True)
    cancel_requested = models.BooleanField(db_default=False)
    key = ExactCharField(max_length=512, null=True)  # NULL is "no key"
    unique_key = ExactCharField(max_length=512, null=True)
    schedule = models.BigIntegerField(null=True)
    due_at = models.DateTimeField(null=True)
    enqueued_at = models.DateTimeField(db_default=DatabaseNow())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    last_attempted_at = models.DateTimeField(null=True)
    return_value = models.JSONField(null=True)
    errors = models.JSONField(null=True)
    worker_ids = models.JSONField(null=True)
    progress = models.JSONField(null=True)
    tags = models.JSONField(null=True)
    metadata = models.JSONField(null=True)
    fingerprint = ExactCharField(max_length=32, null=True)
    target = ExactCharField(max_length=255, null=True)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        permissions = (
            ("view_arguments", _("Can view arguments and results of tasks")),
            ("retry_taskrecord", _("Can retry tasks")),
            ("cancel_taskrecord", _("Can cancel tasks")),
            ("discard_taskrecord", _("Can discard tasks")),
            ("enqueue_taskrecord", _("Can enqueue tasks")),
            ("reschedule_taskrecord", _("Can reschedule tasks")),
        )
        indexes = (
            WhereIndex(
                name="djtasks_ready",
                fields=("queue", "-priority", "run_after", "id"),
                where=Q(state=int(State.READY)),
                elsewhere=("state", "queue", "-priority", "run_after", "id"),
            ),
            WhereIndex(
                name="djtasks_worker",
                fields=("worker",),
                where=Q(worker__isnull=False),
                elsewhere=("worker",),
            ),
            WhereIndex(
                name="djtasks_finished",
                fields=("state", "finished_at"),
                where=Q(finished_at__isnull=False),
                elsewhere=("state", "finished_at"),
            ),
            WhereIndex(
                # Led by the alias, so that a group is counted without a look at its rows.
                name="djtasks_fingerprint",
                fields=("backend", "fingerprint", "id"),
                where=Q(state=int(State.FAILED)),
                elsewhere=("fingerprint", "state", "backend", "id"),
            ),
            WhereIndex(
                name="djtasks_schedule_runs",
                fields=("schedule", "id"),
                where=Q(schedule__isnull=False),
                elsewhere=("schedule", "id"),
            ),
            WhereIndex(
                name="djtasks_target",
                fields=("target", "id"),
                where=Q(target__isnull=False),
                elsewhere=("target", "id"),
            ),
        )
        constraints = (UniqueWhenSet(name="djtasks_unique_key", fields=("unique_key",)),)

    def __str__(self) -> str:
        return f"{self.task_path} {self.id}"


class WorkerRecord(models.Model):
    """One child process. Inserted before its first claim; its id is never used again."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    supervisor = models.UUIDField()
    backend = ExactCharField(max_length=64)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    version = models.CharField(max_length=64)
    queues = models.JSONField(default=list)
    slots = models.IntegerField()
    started_at = models.DateTimeField(db_default=DatabaseNow())
    beat = models.BigIntegerField(db_default=0)
    beat_at = models.DateTimeField(db_default=DatabaseNow())
    tasks = models.JSONField(default=list)
    rss = models.BigIntegerField(null=True)
    draining = models.BooleanField(db_default=False)
    alone = models.BooleanField(db_default=False)
    order = models.CharField(max_length=16, blank=True, db_default="")
    report = models.TextField(blank=True, db_default="")

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        permissions = (("control_worker", _("Can control workers")),)

    def __str__(self) -> str:
        return f"{self.host} {self.pid}"


class Lease(models.Model):
    """A duty that one process holds at a time, for efficiency; correct with several."""

    name = ExactCharField(max_length=100, primary_key=True)
    holder = models.UUIDField()
    beat = models.BigIntegerField(db_default=0)

    class Meta:
        verbose_name = _("lease")
        verbose_name_plural = _("leases")

    def __str__(self) -> str:
        return self.name


class QueueControl(models.Model):
    """A paused queue: by whom, why, and until when. No row means open."""

    backend = ExactCharField(max_length=64)
    queue = ExactCharField(max_length=64)
    paused = models.BooleanField(default=True)
    paused_by = models.CharField(max_length=150, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    paused_at = models.DateTimeField(db_default=DatabaseNow())
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("queue control")
        verbose_name_plural = _("queue controls")
        permissions = (
            ("pause_queue", _("Can pause and resume queues")),
            ("purge_queue", _("Can purge queues")),
        )
        constraints = (
            models.UniqueConstraint(fields=("backend", "queue"), name="djtasks_one_control"),
        )

    def __str__(self) -> str:
        return f"{self.backend}:{self.queue}"


class Namespace(models.Model):
    """One row with a random name, the same for everybody who uses this database.

    It keeps apart installations that share a Redis (the default of OPTIONS["namespace"]).
    """

    id = models.SmallIntegerField(primary_key=True)
    name = models.CharField(max_length=32)

    class Meta:
        verbose_name = _("namespace")
        verbose_name_plural = _("namespaces")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def obtain(cls, alias: str, name: str) -> str:
        """Return the name stored in database `alias`, storing `name` if there is none."""
        manager: Any = cls._base_manager.using(alias)
        row, _created = manager.get_or_create(id=1, defaults={"name": name})
        stored: str = row.name
        return stored
