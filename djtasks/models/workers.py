"""The tables of processes: which ones run tasks, and which one holds each duty."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from djtasks.formats.ids import new_id
from djtasks.models.fields import DatabaseNow, ExactCharField


class WorkerRecord(models.Model):
    """One child process. Inserted before its first claim; its id is never used again.

    `threads`: how many of its slots are for plain functions; the others are for coroutines. NULL if
    one slot serves both, and for workers of an older version. `protocol`: what its version can run;
    1 and above run members of workflows, 0 is a version that does not know them.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    supervisor = models.UUIDField()
    backend = ExactCharField(max_length=64)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    version = models.CharField(max_length=64)
    queues = models.JSONField(default=list)
    slots = models.IntegerField()
    threads = models.IntegerField(null=True)
    protocol = models.SmallIntegerField(db_default=0)
    started_at = models.DateTimeField(db_default=DatabaseNow())
    heartbeat = models.BigIntegerField(db_default=0)
    heartbeat_at = models.DateTimeField(db_default=DatabaseNow())
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
    """A duty that one process holds at a time, for efficiency; several holders do no harm."""

    name = ExactCharField(max_length=100, primary_key=True)
    holder = models.UUIDField()
    heartbeat = models.BigIntegerField(db_default=0)

    class Meta:
        verbose_name = _("lease")
        verbose_name_plural = _("leases")

    def __str__(self) -> str:
        return self.name
