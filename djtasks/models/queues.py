"""The tables of queues: which queues are paused, and the namespace of the installation."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from djtasks.compat import DEFAULT_TASK_BACKEND_ALIAS
from djtasks.models.fields import DatabaseNow, ExactCharField


class QueueControl(models.Model):
    """A paused queue: by whom, why, and until when. A queue without a row is not paused."""

    backend = ExactCharField(max_length=64)
    queue = ExactCharField(max_length=64)
    paused = models.BooleanField(default=True)
    paused_by = models.CharField(max_length=150, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    paused_at = models.DateTimeField(db_default=DatabaseNow())
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        permissions = (
            ("pause_queue", _("Can pause and resume queues")),
            ("purge_queue", _("Can purge queues")),
        )
        constraints = (
            models.UniqueConstraint(fields=("backend", "queue"), name="djtasks_one_control"),
        )

    def __str__(self) -> str:
        is_default = self.backend == DEFAULT_TASK_BACKEND_ALIAS
        return self.queue if is_default else f"{self.queue} ({self.backend})"


class Namespace(models.Model):
    """One row with a random name, the same for every process that uses this database.

    It separates installations that share a Redis (the default of OPTIONS["namespace"]).
    """

    id = models.SmallIntegerField(primary_key=True)
    name = models.CharField(max_length=32)

    class Meta:
        verbose_name = _("namespace")
        verbose_name_plural = _("namespaces")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def obtain(cls, database: str, name: str) -> str:
        """Return the name stored in `database`; store `name` if there is none."""
        manager: Any = cls._base_manager.using(database)
        row, _created = manager.get_or_create(id=1, defaults={"name": name})
        stored: str = row.name
        return stored
