"""The buttons and forms of actions on one task; each action is reported and logged."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from djtasks.admin.project_actions import run_on_one
from djtasks.admin.task_actions import ActionResult, One, TaskAction
from djtasks.admin.tasks.access import TasksAdmin, TaskView, require_verb
from djtasks.inspection import TaskFacts
from djtasks.models import TaskRecord
from djtasks.protocol.states import State

LIST = "djtasks_taskrecord_changelist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button on the page of a task; if `posts`, pressing it performs the action."""

    label: str
    url: str
    posts: bool
    css: str = ""
    value: str = ""


def act(
    admin: TasksAdmin, request: HttpRequest, view: TaskView, *, action: TaskAction
) -> HttpResponse:
    """Show the form of an action; on a valid POST, perform the action."""
    row, engine, face = view.row, view.engine, action.one or One()
    if face.handler is None:
        require_verb(admin, request, "view", row)
    require_verb(admin, request, action.name, row)
    posted = request.POST if request.method == "POST" else None
    form = face.form(posted, engine=engine, row=row, now=engine.store.now())
    if posted is None or not form.is_valid():
        return admin.show(
            request,
            "djtasks/task_act.html",
            LIST,
            title=face.title or action.label,
            action=action,
            form=form,
            row=row,
            is_running=row.state == State.RUNNING,
            back=task_address(admin, row),
        )
    if face.handler is None:
        result = run_on_one(action, engine, row, request)
    else:
        result = face.handler(engine, row, form.cleaned_data)
    _report(request, row, result, destroys=action.is_destroying)
    is_gone = action.is_destroying and result.change
    return HttpResponseRedirect(_list(admin) if is_gone else task_address(admin, row))


def _report(request: HttpRequest, row: TaskRecord, result: ActionResult, *, destroys: bool) -> None:
    name = row.task_path.rpartition(".")[2]
    if result.refusal:
        said = {"name": name, "why": result.refusal}
        messages.warning(request, _("Task %(name)s: nothing was done. %(why)s") % said)
        return
    log_task(request, row, result.change, flag=DELETION if destroys else CHANGE)
    said = {"name": name, "change": result.change}
    messages.success(request, _("Task %(name)s: %(change)s") % said)


def log_task(request: HttpRequest, row: TaskRecord, change: str, *, flag: int) -> None:
    """Write to the admin log who did what to a task, as old → new."""
    user: Any = request.user
    LogEntry.objects.log_actions(
        user_id=user.pk,
        queryset=[row],
        action_flag=flag,
        change_message=change,
        single_object=True,
    )


def buttons_of(admin: TasksAdmin, request: HttpRequest, facts: TaskFacts) -> list[Button]:
    """Return the buttons for what this user may do to the task, the most likely first."""
    row = TaskRecord(pk=facts.id, backend=facts.backend, task_path=facts.task_path)
    row.state, row.queue = int(facts.state), facts.queue
    found: list[Button] = []
    for action in admin.task_actions:
        face = action.one
        if face is None or not _is_offered(action, facts):
            continue
        if not admin.has_task_permission(request, action.name, row):
            continue
        url = action_address(admin, row, action.name)
        if face.at_once and (action.name != "reschedule" or facts.run_after > facts.now):
            value = "now" if action.name == "reschedule" else ""
            css = "primary" if not found else ""
            found.append(Button(label=str(face.at_once), url=url, posts=True, css=css, value=value))
        css = "danger" if face.is_danger or action.is_destroying else ""
        asks = str(face.asks or f"{action.label}…")
        found.append(Button(label=asks, url=url, posts=False, css=css))
    return found


def _is_offered(action: TaskAction, facts: TaskFacts) -> bool:
    is_asked = action.name == "cancel" and facts.cancel_requested
    return facts.state in action.states and not is_asked


def task_address(admin: TasksAdmin, row: TaskRecord) -> str:
    """Return the address of the page of a task."""
    return reverse(
        "admin:djtasks_taskrecord_change", args=[row.pk], current_app=admin.admin_site.name
    )


def action_address(admin: TasksAdmin, row: TaskRecord, verb: str) -> str:
    """Return the address of an action on a task."""
    name = f"admin:djtasks_taskrecord_{verb}"
    return reverse(name, args=[row.pk], current_app=admin.admin_site.name)


def _list(admin: TasksAdmin) -> str:
    return reverse(f"admin:{LIST}", current_app=admin.admin_site.name)
