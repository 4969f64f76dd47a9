"""Register the djtasks pages on an admin site."""

from django.contrib.admin import AdminSite

from djtasks.admin.entries import list_pages
from djtasks.admin.queues.admin import QueueControlAdmin
from djtasks.admin.schedules.admin import ScheduleAdmin
from djtasks.admin.task_admin import TaskRecordAdmin
from djtasks.admin.workers.admin import WorkerRecordAdmin
from djtasks.admin.workflows.admin import WorkflowRecordAdmin
from djtasks.models import QueueControl, Schedule, TaskRecord, WorkerRecord, WorkflowRecord

ADMINS = {
    TaskRecord: TaskRecordAdmin,
    WorkflowRecord: WorkflowRecordAdmin,
    QueueControl: QueueControlAdmin,
    WorkerRecord: WorkerRecordAdmin,
    Schedule: ScheduleAdmin,
}


def register(site: AdminSite) -> None:
    """Register the pages on an admin site; Django's default site already has them.

    A model that is already registered there, perhaps with your own ModelAdmin, is left alone. The
    index of the site and its sidebar list the pages: overview, tasks, failures, queues and so on.
    """
    for model, model_admin in ADMINS.items():
        if not site.is_registered(model):
            site.register(model, model_admin)
    list_pages(site)
