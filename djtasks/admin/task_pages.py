"""What the pages about tasks take from their ModelAdmin, which a project may extend."""

from collections.abc import Sequence

from djtasks.admin.pages import OperationsAdmin
from djtasks.admin.task_actions import TaskAction


class TaskPages(OperationsAdmin):
    """The tables that a project adds to: `TaskRecordAdmin` fills them with ours."""

    task_actions: Sequence[TaskAction] = ()
