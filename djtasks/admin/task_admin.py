"""The admin of tasks: overview, list and search, task page, bulk actions and failures."""

from collections.abc import Sequence
from functools import partial

from django.http import HttpRequest
from django.urls import URLPattern

from djtasks.admin.built_in_actions import BUILT_IN
from djtasks.admin.bulk.views import bulk, bulk_logged, bulk_new
from djtasks.admin.checks import TaskPagesChecks
from djtasks.admin.overview import overview
from djtasks.admin.task_actions import TaskAction
from djtasks.admin.task_pages import TaskPages
from djtasks.admin.tasks.access import permission_of
from djtasks.admin.tasks.built_in_columns import COLUMNS
from djtasks.admin.tasks.columns import Column
from djtasks.admin.tasks.detail import task_urls
from djtasks.admin.tasks.export import export
from djtasks.admin.tasks.failures import failures, retry_failures
from djtasks.admin.tasks.listing import TAB, task_list
from djtasks.admin.tasks.new import new_task
from djtasks.admin.tasks.registered import registered
from djtasks.inspection.search.keys import SEARCH_KEYS, SearchKey
from djtasks.models import TaskRecord


class TaskRecordAdmin(TaskPages):
    """The pages about tasks; add yours to `columns`, `search_keys` and `task_actions`."""

    checks_class = TaskPagesChecks
    columns: Sequence[Column] = COLUMNS
    search_keys: Sequence[SearchKey] = SEARCH_KEYS
    task_actions: Sequence[TaskAction] = BUILT_IN

    def get_urls(self) -> list[URLPattern]:
        see, retry, enqueue = "view_taskrecord", "retry_taskrecord", "enqueue_taskrecord"
        pages = (
            ("", task_list, TAB, see),
            ("overview/", overview, "djtasks_overview", see),
            ("export/", export, "djtasks_export", see),
            ("bulk/new/", bulk_new, "djtasks_bulk_new", see),
            ("bulk/<uuid:action_id>/", bulk, "djtasks_bulk", see),
            ("bulk/<uuid:action_id>/change/", bulk_logged, "djtasks_bulkaction_change", see),
            ("failures/", failures, "djtasks_failures", see),
            ("failures/retry/", retry_failures, "djtasks_failures_retry", retry),
            ("new/", new_task, "djtasks_new_task", enqueue),
            ("registered/", registered, "djtasks_registered", see),
        )
        return [
            *(
                self.page(route, partial(view, self), name, permission=permission)
                for route, view, name, permission in pages
            ),
            *task_urls(self),
            *super().get_urls(),
        ]

    def has_task_permission(self, request: HttpRequest, verb: str, record: TaskRecord) -> bool:
        """Return whether a user may do something to one task; override it to decide task by task.

        `verb` is view, view_arguments, retry, reschedule, cancel, discard, enqueue, or the name
        of an action of yours. Asked besides the permission that the page of the verb takes: it
        can only narrow that. For enqueue the record is one that would be made, and is not stored.
        """
        return request.user.has_perm(permission_of(self, verb))
