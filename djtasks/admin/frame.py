"""The frame around every page: its tabs, the TASKS alias it shows, and the template it extends."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import django
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from djtasks.admin.live import is_live
from djtasks.engine import Engine, engine_of, our_aliases


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One tab: its URL name and the permission to see it."""

    label: str | Promise
    url: str
    permission: str


TABS = (
    Tab(label=_("Overview"), url="djtasks_overview", permission="view_taskrecord"),
    Tab(label=_("Tasks"), url="djtasks_taskrecord_changelist", permission="view_taskrecord"),
    Tab(label=_("Failures"), url="djtasks_failures", permission="view_taskrecord"),
    Tab(label=_("Workflows"), url="djtasks_workflowrecord_changelist", permission="view_workflow"),
    Tab(label=_("Queues"), url="djtasks_queues", permission="view_queuecontrol"),
    Tab(label=_("Workers"), url="djtasks_workerrecord_changelist", permission="view_workerrecord"),
    Tab(label=_("Schedules"), url="djtasks_schedule_changelist", permission="view_schedule"),
    Tab(label=_("New task"), url="djtasks_new_task", permission="enqueue_taskrecord"),
    Tab(label=_("Registered"), url="djtasks_registered", permission="view_taskrecord"),
)


def engine_shown(request: HttpRequest) -> Engine:
    """Return the engine of `?backend=`, or else of the first TASKS alias that uses djtasks.

    Raises NoBackend if no TASKS alias uses djtasks.
    """
    aliases = our_aliases()
    if not aliases:
        raise NoBackend
    asked = request.GET.get("backend")
    return engine_of(asked if asked in aliases else aliases[0])


class NoBackend(Exception):
    """No TASKS alias uses djtasks: there is nothing to show."""


def frame_context(site: AdminSite, request: HttpRequest, *, tab: str = "") -> dict[str, Any]:
    """Return what djtasks/base.html needs on every page; `tab` is the URL name of this page."""
    aliases = our_aliases()
    asked = request.GET.get("backend")
    return {
        **site.each_context(request),
        "base": "djtasks/live.html" if is_live(request) else "djtasks/base.html",
        "tabs": _tabs(site, request, tab),
        "tab": tab,
        "aliases": aliases,
        "backend": asked if asked in aliases else next(iter(aliases), None),
        "alias_query": alias_query(request),
        "home": page_address(site, "djtasks_overview"),
        # Django 6 draws breadcrumbs as a list.
        "lists_breadcrumbs": django.VERSION >= (6, 0),
    }


def _tabs(site: AdminSite, request: HttpRequest, current: str) -> list[dict[str, Any]]:
    query = alias_query(request)
    return [
        {
            "label": tab.label,
            "url": url + query,
            "current": tab.url == current,
            "searches": tab.url == "djtasks_taskrecord_changelist",
        }
        for tab in TABS
        if (url := page_address(site, tab.url))
        and request.user.has_perm(f"djtasks.{tab.permission}")
    ]


def alias_query(request: HttpRequest) -> str:
    """Return the query string that keeps the requested alias, or "" if none was requested."""
    asked = request.GET.get("backend")
    return f"?{urlencode({'backend': asked})}" if asked in our_aliases() else ""


def page_address(site: AdminSite, name: str) -> str | None:
    """Return the address of a page on this site, or None if the site does not have it."""
    try:
        return reverse(f"admin:{name}", current_app=site.name)
    except NoReverseMatch:
        return None
