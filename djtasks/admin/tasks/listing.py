"""The list of tasks: the count of each state, the tasks that match, and the actions.

It is in pages of a keyset, the newest first; or sorted by a duration, in pages of a bounded set.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from djtasks.admin.pages import page_number
from djtasks.admin.search import (
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
from djtasks.admin.tasks.columns import Column, cells_of, needed_by
from djtasks.engine import Engine
from djtasks.inspection.listing import Reading, TaskPage
from djtasks.inspection.search.values import id_of
from djtasks.inspection.sorting import (
    MOST_PAGES,
    MOST_SORTED,
    SORTS,
    SortedPage,
    sorted_page,
)
from djtasks.searching import SearchResult, page_found

TAB = "djtasks_taskrecord_changelist"
# The columns whose heads sort the list, and how.
_SORTED_BY = {"waited": "wait", "ran": "run"}


def task_list(admin: TaskPages, request: HttpRequest, engine: Engine) -> HttpResponse:
    """List the tasks that a search finds, newest first or sorted by `?sort=`."""
    found = find(admin, request, engine, asked_for(request))
    search = found.search
    asked = _asked(admin, request)
    page = _sorted(engine, found, asked) if asked.sort else _page(engine, found, asked)
    total, limit = found.total(engine)
    return admin.show(
        request,
        "djtasks/tasks.html",
        TAB,
        title=_("Tasks"),
        now=found.context.now,
        search=search,
        chips=chips_of(engine, search),
        state_tabs=tabs_of(engine, found),
        total=total,
        total_limit=limit,
        is_bounded=found.is_bounded,
        scope=found.scope,
        narrow=narrowings(engine, found, page.rows),
        suggestions=suggestions(engine, page.rows, found.context),
        may_view_arguments=found.context.visibility.arguments,
        first_page=query(engine, search.text) if asked.is_beyond_first else "",
        sort=asked.sort,
        most_sorted=MOST_SORTED,
        **_table(admin, request, page, found),
    )


def _table(
    admin: TaskPages, request: HttpRequest, page: TaskPage | SortedPage, found: SearchResult
) -> dict[str, Any]:
    """Return the columns, the rows with their cells, and the actions for them."""
    columns = admin.columns_for(request)
    tasks = admin.listed_tasks(request, page.rows, found.context.now)
    return {
        "page": page,
        "heads": [(column, _SORTED_BY.get(column.name, "")) for column in columns],
        "listed": list(zip(page.rows, cells_of(columns, tasks), strict=True)),
        "verbs": actions_for_many(admin, request, found.search.phases),
    }


def _cursor(request: HttpRequest, name: str) -> UUID | None:
    """Return the id at which a page begins, or None for the newest if it is not a valid id."""
    return id_of(request.GET.get(name, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """The requested page and its columns."""

    older: UUID | None
    newer: UUID | None
    columns: Sequence[Column]
    sort: str
    number: int

    @property
    def is_beyond_first(self) -> bool:
        """Return whether there are pages before this one, if it is not the first by chance."""
        return self.number > 1 if self.sort else bool(self.older or self.newer)

    def reading(self, found: SearchResult) -> Reading:
        """Return what to read of the tasks."""
        return Reading(visibility=found.context.visibility, fields=needed_by(self.columns))


def _asked(admin: TaskPages, request: HttpRequest) -> _Asked:
    sort = request.GET.get("sort", "")
    return _Asked(
        older=_cursor(request, "older"),
        newer=_cursor(request, "newer"),
        columns=admin.columns_for(request),
        sort=sort if sort in SORTS else "",
        number=page_number(request, most=MOST_PAGES),
    )


def _sorted(engine: Engine, found: SearchResult, asked: _Asked) -> SortedPage:
    return sorted_page(
        engine, found.records, sort=asked.sort, number=asked.number, reading=asked.reading(found)
    )


def _page(engine: Engine, found: SearchResult, asked: _Asked) -> TaskPage:
    return page_found(
        engine, found, older=asked.older, newer=asked.newer, reading=asked.reading(found)
    )
