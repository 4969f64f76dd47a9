"""The list of tasks: how many in each state, which match, and what the buttons would do."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from djtasks.admin.search import (
    Found,
    asked_for,
    chips_of,
    find,
    narrowings,
    query,
    suggestions,
    tabs_of,
)
from djtasks.admin.task_actions import actions_for_many
from djtasks.admin.task_pages import TaskPages
from djtasks.engine import Engine
from djtasks.inspection.listing import TaskPage, filled_up, page_of
from djtasks.inspection.search.values import id_of
from djtasks.operations import selected

TAB = "djtasks_taskrecord_changelist"


def task_list(admin: TaskPages, request: HttpRequest, engine: Engine) -> HttpResponse:
    """List the tasks that a search finds, newest first."""
    found = find(admin, request, engine, asked_for(request))
    search = found.search
    older, newer = (_cursor(request, name) for name in ("older", "newer"))
    page = _page(engine, found, older, newer)
    tabs = tabs_of(engine, found)
    total, limit = found.total(engine)
    return admin.show(
        request,
        "djtasks/tasks.html",
        TAB,
        title=_("Tasks"),
        now=found.known.now,
        search=search,
        chips=chips_of(engine, search),
        state_tabs=tabs,
        has_tasks=any(tab.count for tab in tabs),
        page=page,
        total=total,
        total_limit=limit,
        is_bounded=found.is_bounded,
        scope=found.scope,
        narrow=narrowings(engine, search, page.rows),
        suggestions=suggestions(engine, page.rows),
        verbs=actions_for_many(admin, request, search.phases),
        may_view_arguments=found.known.may_view_arguments,
        first_page=query(engine, search.text) if older or newer else "",
    )


def _cursor(request: HttpRequest, name: str) -> UUID | None:
    """Return where a page begins; what is no id begins at the newest."""
    return id_of(request.GET.get(name, ""))


def _page(engine: Engine, found: Found, older: UUID | None, newer: UUID | None) -> TaskPage:
    search, may_view = found.search, found.known.may_view_arguments
    page = page_of(
        engine, found.records, found.scope, older=older, newer=newer, with_arguments=may_view
    )
    is_short = not (older or newer or page.older) and found.scope.is_partial and search.is_led
    if not is_short:
        return page
    return filled_up(
        engine,
        page,
        selected(engine, search.selection),
        order=search.order,
        with_arguments=may_view,
    )
