"""The entries of djtasks on the index of the admin and in its sidebar: pages, not tables."""

from collections.abc import Collection
from functools import wraps
from typing import Any
from weakref import WeakSet

from django.contrib.admin import AdminSite
from django.http import HttpRequest

from djtasks.admin.frame import TABS, page_address
from djtasks.models import QueueControl, Schedule, TaskRecord, WorkerRecord, WorkflowRecord

Entry = dict[str, Any]

# The pages that take the place of a table, and what tells their entries apart. Each takes the
# permission to view the table.
_PAGES: dict[type, dict[str, str]] = {
    TaskRecord: {
        "djtasks_overview": "Overview",
        "djtasks_taskrecord_changelist": "TaskRecord",
        "djtasks_failures": "Failures",
    },
    WorkflowRecord: {"djtasks_workflowrecord_changelist": "WorkflowRecord"},
    QueueControl: {"djtasks_queues": "QueueControl"},
    WorkerRecord: {"djtasks_workerrecord_changelist": "WorkerRecord"},
    Schedule: {"djtasks_schedule_changelist": "Schedule"},
}
_sites: WeakSet[AdminSite] = WeakSet()


def list_pages(site: AdminSite) -> None:
    """List the pages of djtasks where this site lists the tables, in the order of the tabs.

    The site's own `get_app_list()` decides which tables there are, and in which groups.
    """
    if site in _sites:
        return
    _sites.add(site)
    get_app_list = site.get_app_list

    @wraps(get_app_list)
    def with_pages(request: HttpRequest, *args: Any, **kwargs: Any) -> list[Entry]:
        apps = get_app_list(request, *args, **kwargs)
        return [{**app, "models": _models(site, request, app.get("models", []))} for app in apps]

    site.get_app_list = with_pages  # type: ignore[method-assign]


def _models(site: AdminSite, request: HttpRequest, models: list[Entry]) -> list[Entry]:
    tables = [one for one in models if one.get("model") in _PAGES]
    if not tables:
        return models
    pages = {page: entry for one in tables for page, entry in _pages(site, request, one).items()}
    place = models.index(tables[0])
    return [
        *models[:place],
        *(pages[tab.url] for tab in TABS if tab.url in pages),
        *(one for one in models[place:] if one not in tables),
    ]


def _pages(site: AdminSite, request: HttpRequest, table: Entry) -> dict[str, Entry]:
    names = {tab.url: tab.label for tab in TABS}
    objects = _PAGES[table["model"]]
    found = {page: address for page in objects if (address := page_address(site, page))}
    return {
        page: {
            **table,
            "name": names[page],
            "object_name": objects[page],
            "admin_url": _unmarked(address, request, found.values()),
        }
        for page, address in found.items()
    }


def _unmarked(address: str, request: HttpRequest, others: Collection[str]) -> str:
    """Return the address of an entry, spelled otherwise on a page below it that has its own.

    Django marks each entry whose address is a part of that of the page, so both would be marked.
    """
    below = [one for one in others if one != address and one.startswith(address)]
    return f"{address}?" if any(request.path.startswith(one) for one in below) else address
