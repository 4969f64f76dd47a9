"""The admin pages from which people operate tasks, queues, workers and schedules."""

from django.contrib import admin

from djtasks.admin.queues.admin import QueueControlAdmin
from djtasks.admin.schedules.admin import ScheduleAdmin
from djtasks.admin.site import register
from djtasks.admin.task_actions import TaskAction
from djtasks.admin.task_admin import TaskRecordAdmin
from djtasks.admin.tasks.columns import Column, ListedTask
from djtasks.admin.tasks.history import TaskHistoryInline
from djtasks.admin.workers.admin import WorkerRecordAdmin
from djtasks.admin.workflows.admin import WorkflowRecordAdmin
from djtasks.inspection.search.keys import SearchKey
from djtasks.inspection.search.values import NotUnderstood

register(admin.site)

__all__ = [
    "Column",
    "ListedTask",
    "NotUnderstood",
    "QueueControlAdmin",
    "ScheduleAdmin",
    "SearchKey",
    "TaskAction",
    "TaskHistoryInline",
    "TaskRecordAdmin",
    "WorkerRecordAdmin",
    "WorkflowRecordAdmin",
    "register",
]
