"""The table of tasks: the row is the task."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from djtasks.formats.ids import new_id
from djtasks.models.fields import DatabaseNow, ExactCharField, UniqueWhenSet, WhereIndex
from djtasks.protocol.states import State


class TaskState(models.IntegerChoices):
    """The states with their labels."""

    READY = State.READY, _("Ready")
    RUNNING = State.RUNNING, _("Running")
    SUCCESSFUL = State.SUCCESSFUL, _("Successful")
    FAILED = State.FAILED, _("Failed")
    CANCELLED = State.CANCELLED, _("Cancelled")
    EXPIRED = State.EXPIRED, _("Expired")
    WAITING = State.WAITING, _("Waiting")


class TaskRecord(models.Model):
    """One enqueued task: outbox, lock and result in one row.

    `worker` is set exactly while RUNNING. Only claims change `fence`, and only upwards.
    `unique_key` is `key` while the record is not final. `fingerprint` identifies failures of one
    kind. `target` is the object that a task is about (`shop.order:7`), `parent` the task that
    enqueued it. Columns that most rows leave empty are NULL, which costs nothing.

    A member of a workflow names its `workflow`, its `node`, and its `place` among the members of
    that node, from 0. `inputs` are the arguments that are results of other nodes: a position or
    keyword to the number of the node. `waits_for` is set exactly while WAITING: `node:<id>`.
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
    parent = models.UUIDField(null=True)
    workflow = models.UUIDField(null=True)
    node = models.BigIntegerField(null=True)
    place = models.IntegerField(null=True)
    inputs = models.JSONField(null=True)
    waits_for = ExactCharField(max_length=512, null=True)

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
            # Without partial indexes, these two are such that a plain task's moves never touch
            # them.
            WhereIndex(
                name="djtasks_doors",
                fields=("waits_for", "-priority", "run_after", "id"),
                where=Q(state=int(State.WAITING)),
                elsewhere=("waits_for", "priority", "run_after", "id"),
            ),
            WhereIndex(
                # By place, not by id: at `id >= cursor` the planner takes the primary key.
                name="djtasks_members",
                fields=("node", "state", "place"),
                where=Q(node__isnull=False),
                elsewhere=("node", "place"),
            ),
        )
        constraints = (UniqueWhenSet(name="djtasks_unique_key", fields=("unique_key",)),)

    def __str__(self) -> str:
        return f"{self.task_path} {self.id}"
