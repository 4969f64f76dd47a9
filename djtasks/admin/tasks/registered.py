"""Registered tasks: what this code can run, its options, and its runs of the last day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from djtasks.admin.schedules.preview import call_of
from djtasks.admin.task_code import help_of, import_known, known_tasks, summary_of
from djtasks.admin.tasks.access import TasksAdmin
from djtasks.definitions.exceptions import ExceptionClass
from djtasks.definitions.task import Task
from djtasks.engine import Engine
from djtasks.inspection import CHART_RANGES, TaskFigures, task_figures
from djtasks.inspection.schedules import schedules_by_task
from djtasks.protocol.retry import Backoff
from djtasks.templatetags.djtasks_pages import duration

TAB = "djtasks_registered"
PAGE_SIZE = 50
MOST_SCHEDULES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredRow:
    """One task. `figures` None: it did not run in the last day."""

    path: str
    call: str
    queue: str
    summary: str
    help: str
    options: list[tuple[str, str]]
    schedules: list[tuple[int, str]]
    more_schedules: int
    figures: TaskFigures | None


def registered(admin: TasksAdmin, request: HttpRequest, engine: Engine) -> HttpResponse:
    """List the tasks of one alias that match `?find=`, by path."""
    problem = import_known(engine)
    now = engine.store.now()
    search = request.GET.get("find", "")[:200]
    found = known_tasks(engine, search=search)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    return admin.show(
        request,
        "djtasks/registered.html",
        TAB,
        title=_("Registered tasks"),
        now=now,
        page=page,
        rows=_rows(engine, list(page), now),
        search=search,
        problem=problem,
        may_enqueue=request.user.has_perm("djtasks.enqueue_taskrecord"),
        may_see_schedules=request.user.has_perm("djtasks.view_schedule"),
    )


def _rows(engine: Engine, tasks: list[Task[..., Any]], now: datetime) -> list[RegisteredRow]:
    paths = [task.module_path for task in tasks]
    figures = {one.task_path: one for one in task_figures(engine, CHART_RANGES["24h"], now)}
    schedules = schedules_by_task(engine, paths)
    return [
        RegisteredRow(
            path=path,
            call=call_of(engine, path),
            queue=task.queue_name,
            summary=summary_of(task),
            help=help_of(task),
            options=[*options_of(task), *_policy_of(engine, path)],
            schedules=schedules.get(path, [])[:MOST_SCHEDULES],
            more_schedules=max(len(schedules.get(path, [])) - MOST_SCHEDULES, 0),
            figures=figures.get(path),
        )
        for path, task in zip(paths, tasks, strict=True)
    ]


def _policy_of(engine: Engine, path: str) -> list[tuple[str, str]]:
    policy = engine.policies.of(path)
    return [(_("Policy"), policy.pattern)] if policy is not None else []


def options_of(task: Task[..., Any]) -> list[tuple[str, str]]:
    """Return the options of a task as labels and words, without those that say nothing."""
    found = [
        (_("Priority"), str(task.priority) if task.priority else ""),
        (_("Attempts"), _attempts(task)),
        (_("Retries on"), _classes(task.retry_on) if task.max_attempts > 1 else ""),
        (_("Gives up on"), _classes(task.give_up_on)),
        (_("Cancels on"), _classes(task.cancel_on)),
        (_("Time limit"), duration(task.timeout) if task.timeout else ""),
        (_("Crashes"), _("at most %(n)s") % {"n": task.max_crashes}),
        (_("Expires"), _expiry(task.expires)),
        (_("Unique"), _unique(task)),
        (_("Kept"), {"errors": _("failures only"), "none": _("nothing")}.get(task.store, "")),
        (_("Sensitive"), ", ".join(task.sensitive)),
        (_("Encrypted"), ", ".join(task.encrypted)),
    ]
    return [(label, words) for label, words in found if words]


def _attempts(task: Task[..., Any]) -> str:
    if task.max_attempts == 1:
        return _("1, no retry")
    backoff = task.backoff
    if not isinstance(backoff, Backoff):
        return str(task.max_attempts)
    said = {"n": f"{task.max_attempts:,}", "delay": duration(backoff.first_delay)}
    return _("%(n)s, the second %(delay)s after the first") % said


def _classes(classes: Iterable[ExceptionClass] | None) -> str:
    return ", ".join(
        one.rpartition(".")[2] if isinstance(one, str) else one.__name__ for one in classes or ()
    )


def _expiry(expires: "timedelta | datetime | None") -> str:
    if isinstance(expires, timedelta):
        return _("after %(duration)s") % {"duration": duration(expires)}
    return f"{expires:%Y-%m-%d %H:%M %Z}" if expires else ""


def _unique(task: Task[..., Any]) -> str:
    if task.unique is True:
        return _("by its arguments")
    if isinstance(task.unique, str):
        return task.unique
    return _("by a function of its arguments") if callable(task.unique) else ""
