"""Every page under /admin/djtasks/: found by walking the URLs, with what is expected of each.

A page that is new has to be described in PAGES, or tests fail that go to all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import Permission
from django.urls import URLPattern, URLResolver, get_resolver, reverse

PREFIX = "admin/djtasks/"
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Page:
    """What one URL is: who may GET and POST it, and how to address a row of `tests.admin.stage`.

    `get` and `post` hold the codenames of which any one suffices; NOBODY refuses superusers too.
    `besides` is needed for `also` ("get", "post") on top of that one.
    `row` is the key of its argument on the stage, `query` may refer to the stage in braces.
    `shows`: it is a page to look at, not a download or an order.
    """

    get: frozenset[str]
    post: frozenset[str]
    row: str = ""
    query: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    shows: bool = True
    is_order: bool = False
    besides: str = ""
    also: tuple[str, ...] = ()

    def opens(self, method: str, codenames: set[str]) -> bool:
        """Return whether somebody with these permissions may do this."""
        needed = {self.besides} if method in self.also else set()
        return bool(codenames & getattr(self, method)) and needed <= codenames


def one(get: str, post: str | None = None, **rest: Any) -> Page:
    """Return a page of ours: one permission for GET, the same or another one for POST."""
    return Page(get=frozenset({get}), post=frozenset({post or get}), **rest)


def order(permission: str, **rest: Any) -> Page:
    """Return a URL that only takes POSTs."""
    return one(permission, shows=False, is_order=True, **rest)


def djangos(model: str, *, row: str) -> dict[str, Page]:
    """Return the pages that Django's admin adds for a table that nobody edits."""
    see = frozenset({f"view_{model}"})
    return {
        f"djtasks_{model}_add": Page(get=NOBODY, post=NOBODY),
        # The log links to it; it redirects.
        f"djtasks_{model}_change": Page(get=see, post=NOBODY, row=row, shows=False),
        f"djtasks_{model}_delete": Page(get=NOBODY, post=NOBODY, row=row),
        f"djtasks_{model}_history": Page(get=see, post=see, row=row),
    }


TASKS, QUEUES, WORKERS = "view_taskrecord", "view_queuecontrol", "view_workerrecord"
FLOWS = "view_workflow"
PLANS, PLAN = "view_schedule", "change_schedule"
MAIL = {"queue": "mail"}
PAGES: dict[str, Page] = {
    **djangos("taskrecord", row="task"),
    "djtasks_taskrecord_change": Page(get=frozenset({TASKS}), post=NOBODY, row="task"),
    "djtasks_taskrecord_download": one(TASKS, row="task", shows=False),
    "djtasks_taskrecord_retry": one("retry_taskrecord", row="task"),
    "djtasks_taskrecord_reschedule": one("reschedule_taskrecord", row="task"),
    "djtasks_taskrecord_cancel": one("cancel_taskrecord", row="running"),
    "djtasks_taskrecord_discard": one("discard_taskrecord", row="task"),
    **djangos("queuecontrol", row="control"),
    **djangos("workerrecord", row="worker"),
    "djtasks_overview": one(TASKS),
    "djtasks_failures": one(TASKS),
    "djtasks_failures_retry": one(
        "retry_taskrecord",
        query={"group": "{fingerprint}"},
        besides=TASKS,
        also=("get", "post"),
    ),
    "djtasks_taskrecord_changelist": one(TASKS),
    "djtasks_export": one(TASKS, shows=False),
    "djtasks_bulk_new": one(
        TASKS,
        query={"action": "retry", "all": "1"},
        data={"action": "retry", "all": "1"},
        besides="retry_taskrecord",
        also=("get", "post"),
    ),
    "djtasks_bulk": one(TASKS, row="bulk", besides="retry_taskrecord", also=("post",)),
    "djtasks_bulkaction_change": one(TASKS, row="bulk", shows=False),
    "djtasks_new_task": one("enqueue_taskrecord", query={"task": "tests.tasks.add"}),
    "djtasks_registered": one(TASKS),
    **djangos("workflowrecord", row="workflow"),
    "djtasks_workflowrecord_changelist": one(FLOWS),
    "djtasks_workflowrecord_change": Page(get=frozenset({FLOWS}), post=NOBODY, row="workflow"),
    "djtasks_workflowrecord_history": one(FLOWS, row="workflow"),
    **{
        f"djtasks_workflowrecord_{name}": one(
            permission, row="workflow", besides=FLOWS, also=("get", "post")
        )
        for name, permission in (
            ("retry", "retry_workflow"),
            ("cancel", "cancel_workflow"),
            ("pause", "pause_workflow"),
            ("resume", "pause_workflow"),
        )
    },
    "djtasks_queues": one(QUEUES),
    "djtasks_queuecontrol_changelist": one(QUEUES),
    "djtasks_queue_pause": one("pause_queue", query=MAIL),
    "djtasks_queue_resume": order("pause_queue", data=MAIL),
    "djtasks_queue_purge": one("purge_queue", query=MAIL),
    "djtasks_workerrecord_changelist": one(WORKERS, query={"stacks": "{worker}"}),
    "djtasks_worker_order": order("control_worker", data={"order": "drain {worker}"}),
    "djtasks_schedule_changelist": one(PLANS),
    "djtasks_schedule_add": one("add_schedule"),
    "djtasks_schedule_preview": order(PLANS),
    "djtasks_schedule_change": Page(
        get=frozenset({PLANS}), post=frozenset({PLANS}), row="schedule", data={"_preview": "1"}
    ),
    "djtasks_schedule_pause": one(PLAN, row="schedule"),
    "djtasks_schedule_delete": one("delete_schedule", row="schedule"),
    "djtasks_schedule_run": order(PLAN, row="schedule"),
    "djtasks_schedule_resume": order(PLAN, row="schedule"),
    "djtasks_schedule_revert": order(PLAN, row="schedule"),
    "djtasks_schedule_history": one(PLANS, row="schedule"),
}
# Django's redirects from a row's bare address to its page.
REDIRECTS = {
    f"{PREFIX}{model}/<path:object_id>/"
    for model in ("taskrecord", "queuecontrol", "workerrecord", "workflowrecord")
}


@dataclass(frozen=True)
class SearchResult:
    """One URL of the admin: its name and route."""

    name: str | None
    route: str


def walked() -> list[SearchResult]:
    """Return every URL under /admin/djtasks/, once each, as the resolver has them."""
    found = {SearchResult(name, route): None for name, route in _walk(get_resolver(), "")}
    return [one for one in found if one.route.startswith(PREFIX)]


def _walk(part: URLResolver, before: str) -> Iterator[tuple[str | None, str]]:
    for pattern in part.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield pattern.name, route
        else:
            yield from _walk(pattern, route)


def address(name: str, stage: dict[str, str]) -> str:
    """Return where a page is, about the rows of the stage."""
    page = PAGES[name]
    path = reverse(f"admin:{name}", args=[stage[page.row]] if page.row else [])
    query = {key: value.format(**stage) for key, value in page.query.items()}
    return f"{path}?{urlencode(query)}" if query else path


def filled(name: str, stage: dict[str, str]) -> dict[str, str]:
    """Return what is posted to a page, about the rows of the stage."""
    return {key: value.format(**stage) for key, value in PAGES[name].data.items()}


def names(*, shown: bool = False) -> list[str]:
    """Return the names of all pages there are; with `shown` only those to look at."""
    found = sorted({one.name for one in walked() if one.name in PAGES})
    return [name for name in found if not shown or (PAGES[name].shows and PAGES[name].get)]


def every_permission() -> set[str]:
    """Return the codenames of all permissions of djtasks."""
    ours = Permission.objects.filter(content_type__app_label="djtasks")
    return set(ours.values_list("codename", flat=True))
