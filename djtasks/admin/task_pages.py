"""The parts of the tasks' ModelAdmin that a project may extend."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from djtasks.admin.frame import alias_query, engine_shown
from djtasks.admin.pages import OperationsAdmin
from djtasks.admin.task_actions import TaskAction
from djtasks.admin.tasks.columns import Column, task_fields
from djtasks.admin.visibility import visibility_for
from djtasks.inspection.listing import TaskRow
from djtasks.inspection.search.keys import SearchKey


class TaskPages(OperationsAdmin):
    """The tables that a project adds to; `TaskRecordAdmin` fills them with the built-in entries."""

    columns: Sequence[Column] = ()
    search_keys: Sequence[SearchKey] = ()
    task_actions: Sequence[TaskAction] = ()

    def columns_for(self, request: HttpRequest) -> list[Column]:
        """Return the columns that a user may see."""
        visibility = visibility_for(request, engine_shown(request))
        return [one for one in self.columns if one.allows(request, visibility)]

    def listed_tasks(
        self, request: HttpRequest, rows: Sequence[TaskRow], now: datetime
    ) -> list[dict[str, Any]]:
        """Return rows as columns see them."""
        site, query = self.admin_site.name, alias_query(request)
        addresses = [
            reverse("admin:djtasks_taskrecord_change", args=[row.id], current_app=site) + query
            for row in rows
        ]
        return [
            task_fields(row, url=url, now=now) for row, url in zip(rows, addresses, strict=True)
        ]
