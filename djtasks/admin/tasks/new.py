"""Enqueue a task by hand: pick it, fill in a form built from its signature, check, enqueue."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import ADDITION
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from djtasks.admin.forms.call import CallForm
from djtasks.admin.frame import alias_query
from djtasks.admin.refusals import is_refused_text
from djtasks.admin.task_code import help_of, import_known, known_tasks, summary_of
from djtasks.admin.tasks.access import TasksAdmin, record_of, require_verb
from djtasks.admin.tasks.actions import log_task, task_address
from djtasks.admin.tasks.dry_run import DryRun, dry_run, record_meant, refusal_of
from djtasks.admin.tasks.registered import options_of
from djtasks.definitions import registry
from djtasks.definitions.task import Task
from djtasks.engine import Engine, engine_of, our_aliases
from djtasks.models import TaskRecord

TAB = "djtasks_new_task"
PAGE_SIZE = 50


def new_task(admin: TasksAdmin, request: HttpRequest, engine: Engine) -> HttpResponse:
    """Show the tasks to pick from, or the form of `?task=`; on POST, check it or enqueue it."""
    problem = import_known(engine)
    path = request.GET.get("task", "")
    task = registry.find(path)
    if task is None or registry.is_internal(task) or task.backend not in our_aliases():
        return _pick(admin, request, engine, unknown=path, problem=problem)
    now = engine.store.now()
    posted = request.POST if request.method == "POST" else None
    own = engine_of(task.backend)
    form = CallForm(posted, task=own.with_policy(task), engine=own, now=now)
    checked = None
    if posted is None:
        _resemble(admin, request, form)
    elif "_check" in posted:
        checked = dry_run(form, now)
    elif form.is_valid() and (record := _enqueued(admin, request, form, now)):
        return _onward(admin, request, record)
    return _form_page(admin, request, form, checked)


def _form_page(
    admin: TasksAdmin, request: HttpRequest, form: CallForm, checked: DryRun | None
) -> HttpResponse:
    task = form.task
    return admin.show(
        request,
        "djtasks/new_task.html",
        TAB,
        title=_("New task"),
        aliases=[],
        backend=task.backend,
        task=task,
        path=task.module_path,
        help=help_of(task),
        options=options_of(task),
        form=form,
        checked=checked,
        count=len(known_tasks(form.engine)),
    )


def _pick(
    admin: TasksAdmin, request: HttpRequest, engine: Engine, *, unknown: str, problem: str
) -> HttpResponse:
    search = request.GET.get("find", "")[:200]
    found = known_tasks(engine, search=search)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    return admin.show(
        request,
        "djtasks/pick_task.html",
        TAB,
        title=_("New task"),
        page=page,
        rows=[(task.module_path, task.queue_name, summary_of(task)) for task in page],
        search=search,
        unknown=unknown[:255],
        problem=problem,
    )


def _resemble(admin: TasksAdmin, request: HttpRequest, form: CallForm) -> None:
    """Fill in the arguments of the record that `?like=` names, if the user may see them."""
    asked = request.GET.get("like")
    if not asked:
        return
    row = record_of(asked)
    if row is None or row.task_path != form.task.module_path:
        messages.warning(request, _("The task to copy was not found, so the fields are empty."))
    elif not admin.has_task_permission(request, "view_arguments", row):
        messages.info(
            request, _("You do not have permission to view arguments, so the fields are empty.")
        )
    elif not form.resemble(row):
        text = _("The arguments of that task no longer match its code, so the fields are empty.")
        messages.warning(request, text)


def _enqueued(
    admin: TasksAdmin, request: HttpRequest, form: CallForm, now: datetime
) -> TaskRecord | None:
    """Enqueue the call of a valid form; if it is refused, add an error and return None."""
    require_verb(admin, request, "enqueue", record_meant(form, now))
    call = form.call()
    task: Task[..., Any] = form.task.using(**form.using())
    try:
        result = task.enqueue(*call.args, **call.kwargs)
    except Exception as error:
        # Anything from the project's own function for the unique key; but a character that the
        # database lacks is said at the field.
        if is_refused_text(request, error):
            raise
        form.add_error(None, refusal_of(error))
        return None
    record = TaskRecord(pk=result.id, task_path=form.task.module_path)
    name = record.task_path.rpartition(".")[2]
    if result.enqueued_at is not None and result.enqueued_at < now:
        text = _("No task was added: this live task %(name)s has the same unique key.")
        messages.info(request, text % {"name": name})
    else:
        log_task(request, record, _("enqueued by hand"), flag=ADDITION)
        messages.success(request, _("Task %(name)s was enqueued.") % {"name": name})
    return record


def _onward(admin: TasksAdmin, request: HttpRequest, record: TaskRecord) -> HttpResponse:
    if admin.has_task_permission(request, "view", record):
        return HttpResponseRedirect(task_address(admin, record))
    page = reverse(f"admin:{TAB}", current_app=admin.admin_site.name)
    return HttpResponseRedirect(page + alias_query(request))
