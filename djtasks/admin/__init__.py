"""Django's admin, as the place from which tasks, queues and workers are operated."""

from django.contrib import admin

from djtasks.admin.history import TaskHistoryInline
from djtasks.admin.queues import QueueControlAdmin
from djtasks.admin.schedules import ScheduleAdmin
from djtasks.admin.site import register
from djtasks.admin.tasks import TaskRecordAdmin
from djtasks.admin.workers import WorkerRecordAdmin

register(admin.site)

__all__ = [
    "QueueControlAdmin",
    "ScheduleAdmin",
    "TaskHistoryInline",
    "TaskRecordAdmin",
    "WorkerRecordAdmin",
    "register",
]
