"""Put the operations pages on an admin site."""

from django.contrib.admin import AdminSite

from djtasks.admin.queues.admin import QueueControlAdmin
from djtasks.admin.schedules.admin import ScheduleAdmin
from djtasks.admin.task_admin import TaskRecordAdmin
from djtasks.admin.workers.admin import WorkerRecordAdmin
from djtasks.models import QueueControl, Schedule, TaskRecord, WorkerRecord

ADMINS = {
    TaskRecord: TaskRecordAdmin,
    QueueControl: QueueControlAdmin,
    WorkerRecord: WorkerRecordAdmin,
    Schedule: ScheduleAdmin,
}


def register(site: AdminSite) -> None:
    """Mount the pages on an admin site; on Django's default one they already are.

    A table that is registered there, perhaps with an admin of yours, is left alone.
    """
    for model, model_admin in ADMINS.items():
        if not site.is_registered(model):
            site.register(model, model_admin)
