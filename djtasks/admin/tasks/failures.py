"""The page of failures: groups by task, exception and place in the code; retry a group."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from djtasks import inspection, operations
from djtasks.admin.forms.storable import StorableForm
from djtasks.admin.frame import alias_query
from djtasks.admin.pages import OperationsAdmin, page_number
from djtasks.admin.refusals import require
from djtasks.admin.tasks.failure_rows import FailureRow, failure_row, failure_rows
from djtasks.admin.visibility import visibility_for
from djtasks.engine import Engine
from djtasks.inspection import (
    CHART_RANGES,
    COUNT_LIMIT,
    FAILURE_ORDERS,
    MOST_GROUPS,
    ChartRange,
    FailureFacts,
    deploys_of,
    live_counts,
)
from djtasks.inspection.failures import FailurePage
from djtasks.inspection.visibility import Visibility
from djtasks.models import BulkAction
from djtasks.protocol.states import State

TAB = "djtasks_failures"
PAGE_RANGES = ("24h", "7d", "30d", "90d")
SPREADS = (
    ("", gettext_lazy("all at once")),
    ("300", gettext_lazy("over 5 minutes")),
    ("1800", gettext_lazy("over 30 minutes")),
    ("7200", gettext_lazy("over 2 hours")),
)
LONGEST_TASK = 255
PAGE_SIZE = 25


class RetryGroupForm(StorableForm):
    """The form to retry a group: over how long to spread the retries."""

    spread = forms.ChoiceField(
        label=gettext_lazy("When"),
        choices=SPREADS,
        required=False,
        help_text=gettext_lazy(
            "Spread the retries so that they do not overload a service that has just recovered."
        ),
    )

    def options(self) -> dict[str, timedelta]:
        """Return the options of the bulk action."""
        seconds = self.cleaned_data["spread"]
        return {"spread": timedelta(seconds=int(seconds))} if seconds else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class _AskedGroups:
    """The groups that an address asks for: parts of their texts, their order, and the page."""

    task: str
    text: str
    order: str
    number: int

    def found(self, engine: Engine, since: datetime, visibility: Visibility) -> FailurePage:
        """Return the groups; messages that a user may not see are not searched."""
        return inspection.failure_page(
            engine,
            since,
            task=self.task,
            text=self.text,
            in_messages=visibility.errors,
            order=self.order,
            start=PAGE_SIZE * (self.number - 1),
            count=PAGE_SIZE,
        )


def _asked_groups(request: HttpRequest) -> _AskedGroups:
    return _AskedGroups(
        task=_part(request, "task"),
        text=_part(request, "find"),
        order=_asked_order(request),
        number=page_number(request, most=MOST_GROUPS // PAGE_SIZE),
    )


def failures(admin: OperationsAdmin, request: HttpRequest, engine: Engine) -> HttpResponse:
    """List the groups within `?span=` that contain `?task=` and `?find=`, sorted by `?sort=`."""
    chart_range, snapshot = _asked_range(request), engine.store.scan()
    asked, now = _asked_groups(request), snapshot.now
    since, workers = now - chart_range.length, inspection.workers_of(engine, now)
    live = live_counts(engine, inspection.queues_of(engine, workers, snapshot), workers, now)
    visibility = visibility_for(request, engine)
    found = asked.found(engine, since, visibility)
    return admin.show(
        request,
        "djtasks/failures.html",
        TAB,
        title=_("Failures"),
        now=now,
        chart_range=chart_range,
        ranges=[(name, _words(name)) for name in PAGE_RANGES],
        length=_words(chart_range.name),
        sorts=[("last", _("last seen")), ("count", _("count")), ("first", _("first seen"))],
        sort=asked.order,
        task=asked.task,
        text=asked.text,
        in_messages=visibility.errors,
        live=live,
        rows=failure_rows(found.groups, deploys_of(workers, since=since), visibility),
        found=found,
        page=asked.number,
        next_page=asked.number + 1 if found.found > PAGE_SIZE * asked.number else None,
        most=MOST_GROUPS,
        may_retry=request.user.has_perm("djtasks.retry_taskrecord"),
    )


def _asked_range(request: HttpRequest) -> ChartRange:
    asked = request.GET.get("span", "")
    return CHART_RANGES[asked if asked in PAGE_RANGES else PAGE_RANGES[0]]


def _asked_order(request: HttpRequest) -> str:
    asked = request.GET.get("sort", "")
    return asked if asked in FAILURE_ORDERS else FAILURE_ORDERS[0]


def retry_failures(admin: OperationsAdmin, request: HttpRequest, engine: Engine) -> HttpResponse:
    """Show how many failed tasks `?group=` has; on POST, retry all of them."""
    require(request, "view_taskrecord")
    row = _asked_for(request, engine)
    selection = {"fingerprint": row.facts.fingerprint, "state": int(State.FAILED)}
    form = RetryGroupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        bulk = operations.start_bulk(
            engine,
            "retry",
            selection,
            by=request.user.get_username(),
            options=form.options(),
        )
        return _begun(admin, request, bulk, row.facts)
    found = operations.selected(engine, selection)[:COUNT_LIMIT].count()
    return admin.show(
        request,
        "djtasks/failures_retry.html",
        TAB,
        title=_("Retry %(exception)s") % {"exception": row.exception},
        row=row,
        form=form,
        found=found,
    )


def _begun(
    admin: OperationsAdmin, request: HttpRequest, bulk: BulkAction, group: FailureFacts
) -> HttpResponse:
    """Log the action that was started, and redirect to its progress page."""
    what = f"{bulk.planned} failed tasks → ready: {group.exception} in {group.task_path}"
    admin.log_change(request, bulk, what)
    text = ngettext("%(n)s task is retried.", "%(n)s tasks are retried.", bulk.planned)
    messages.success(request, text % {"n": f"{bulk.planned:,}"})
    return HttpResponseRedirect(_progress(admin, request, bulk))


def _progress(admin: OperationsAdmin, request: HttpRequest, bulk: BulkAction) -> str:
    page = reverse("admin:djtasks_bulk", args=[bulk.pk], current_app=admin.admin_site.name)
    return page + alias_query(request)


def _words(chart_range: str) -> str:
    """Return the name of a chart range as people read it: `24h` as `24 h`."""
    return f"{chart_range[:-1]} {chart_range[-1]}"


def _part(request: HttpRequest, name: str) -> str:
    """Return a text to look for, without NUL characters."""
    return request.GET.get(name, "").replace("\x00", "").strip()[:LONGEST_TASK]


def _asked_for(request: HttpRequest, engine: Engine) -> FailureRow:
    fingerprint = request.GET.get("group", "").replace("\x00", "")
    since = engine.store.now() - CHART_RANGES[PAGE_RANGES[0]].length
    group = inspection.failure_group(engine, fingerprint, since)
    if group is None:
        raise Http404(_("There is no such group of failures: it is too old, or never existed."))
    return failure_row(group, (), visibility_for(request, engine))
