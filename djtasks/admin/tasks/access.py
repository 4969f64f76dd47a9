"""Find the record that an address names, and check what the user may do to it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from djtasks.admin.audit import trail_of
from djtasks.admin.live import is_live
from djtasks.admin.refusals import require
from djtasks.admin.task_actions import HasTaskActions, TaskAction, action_named
from djtasks.admin.task_code import import_known
from djtasks.engine import Engine, engine_of, our_aliases
from djtasks.inspection.rows import stored_task
from djtasks.models import TaskRecord
from djtasks.operations import ACTIONS

# What may be done to one task, and the permission it takes.
VERBS = {
    "view": "view_taskrecord",
    "view_arguments": "view_arguments",
    "enqueue": "enqueue_taskrecord",
    **{name: action.permission for name, action in ACTIONS.items()},
}
_LONGEST_ID = 100


class TasksAdmin(Protocol):
    """The part of a ModelAdmin that the pages of a task need."""

    admin_site: AdminSite
    task_actions: Sequence[TaskAction]

    def show(
        self, request: HttpRequest, template: str, tab: str, **context: Any
    ) -> HttpResponse: ...

    def has_task_permission(self, request: HttpRequest, verb: str, record: TaskRecord) -> bool: ...


@dataclass(frozen=True, slots=True)
class TaskView:
    """The requested record, and the engine of its alias."""

    row: TaskRecord
    engine: Engine


def about_one(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Pass the record that the address names to a view, or show that it does not exist."""

    def found(
        admin: TasksAdmin, request: HttpRequest, engine: Engine, object_id: str, **options: Any
    ) -> HttpResponse:
        row = record_of(object_id)
        if row is None:
            return _gone(admin, request, object_id)
        own = engine_of(row.backend) if row.backend in our_aliases() else engine
        import_known(own)
        return view(admin, request, TaskView(row, own), **options)

    return found


def record_of(text: str) -> TaskRecord | None:
    """Return the record with this id, of any alias; None if there is none or the id is invalid."""
    pk = _id_of(text)
    return None if pk is None else stored_task(pk)


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def require_verb(admin: TasksAdmin, request: HttpRequest, verb: str, row: TaskRecord) -> None:
    """Raise PermissionDenied unless the user may do this to this record."""
    if not admin.has_task_permission(request, verb, row):
        require(request, permission_of(admin, verb))
        raise PermissionDenied  # by a rule of the site for single tasks


def permission_of(admin: HasTaskActions, verb: str) -> str:
    """Return the permission to do this to tasks, with its app label."""
    action = None if verb in VERBS else action_named(admin, verb)
    return f"djtasks.{VERBS[verb]}" if action is None else action.permission


def _gone(admin: TasksAdmin, request: HttpRequest, text: str) -> HttpResponse:
    """Show that a record does not exist, with what the log knows about it."""
    answer = admin.show(
        request,
        "djtasks/task_gone.html",
        "djtasks_taskrecord_changelist",
        title=_("No such task"),
        asked=text[:_LONGEST_ID],
        trail=trail_of(pk) if (pk := _id_of(text)) else [],
    )
    # The script of a page that stood open shows what came, unless it is an error.
    if answer.status_code == 200 and not is_live(request):
        answer.status_code = 404
    return answer
