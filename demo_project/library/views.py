"""The pages. Plain HTML that works without JavaScript; a small script only makes it live."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from demo_project.library import keys, progress, readings, treemap
from demo_project.library.folders import SPECIMENS, FolderProblem, shown, standard_library
from demo_project.library.forms import FolderForm
from demo_project.library.models import Outcome, Reading, SourceFile
from demo_project.library.pictures import Mosaic, mosaic, rate_chart
from demo_project.library.tasks import write_report
from djtasks import inspection
from djtasks.engine import engine_of

NEWEST_READINGS = 20
MOST_FAILURES = 100
# Nothing on our pages comes from elsewhere or stands in them, so nothing else is allowed.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Show the form and the newest readings; POST orders a reading and goes to its page."""
    form = FolderForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            return redirect(readings.order_reading([form.cleaned_data["folder"]]))
        except FolderProblem as problem:
            form.add_error("folder", str(problem))
    newest = Reading.objects.annotate(
        found=Count("files"),
        parsed=Count("files", filter=Q(files__outcome=Outcome.PARSED)),
        failed=Count("files", filter=Q(files__outcome=Outcome.FAILED)),
    )
    context = {
        "form": form,
        "newest": newest[:NEWEST_READINGS],
        "suggestions": _suggestions(),
        "schedule": _schedule(),
    }
    return _page(request, "library/home.html", context)


@require_GET
def reading(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a reading is, and once it is finished its report."""
    found = get_object_or_404(Reading, pk=pk)
    facts = progress.progress_of(found)
    context: dict[str, Any] = {
        "reading": found,
        "progress": facts,
        "rate_chart": rate_chart(facts.bucket_rates),
        "form": FolderForm(),
        "suggestions": _suggestions(),
        "schedule": _schedule(),
        "admin_tasks": f"{reverse('admin:djtasks_taskrecord_changelist')}?q=demo_project.library",
    }
    if found.report is None:
        context |= {
            "mosaics": _mosaics(facts.cells),
            "recent": progress.recent_files(found),
            "packages": progress.top_packages(found),
        }
        return _page(request, "library/reading.html", context)
    return _page(request, "library/report.html", context | _report(found, facts))


@require_POST
def write_report_again(request: HttpRequest, pk: int) -> HttpResponse:  # noqa: ARG001
    """Enqueue the report of a reading whose report task was cancelled or failed."""
    found = get_object_or_404(Reading, pk=pk)
    write_report.using(target=found).enqueue(found.pk)
    return HttpResponseRedirect(found.get_absolute_url())


@require_GET
def alive(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Tell the launcher that this is the web server which it has started."""
    return HttpResponse(getattr(settings, "DEMO_TOKEN", ""), content_type="text/plain")


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = render(request, template, context)
    response["Content-Security-Policy"] = _POLICY
    response["Cache-Control"] = "no-store"
    return response


def _schedule() -> inspection.ScheduleFacts | None:
    """Return when the newest reading is read again; None before a scheduler has been there."""
    return inspection.schedule_facts(engine_of("default"), keys.READ_AGAIN)


def _suggestions() -> list[tuple[str, str]]:
    return [
        ("The standard library", shown(standard_library())),
        ("Broken specimens", shown(SPECIMENS)),
    ]


def _mosaics(cells: Sequence[int]) -> list[tuple[str, Mosaic]]:
    return [
        ("wide", mosaic(cells, columns=89, size=11)),
        ("narrow", mosaic(cells, columns=48, size=7)),
    ]


def _report(found: Reading, facts: progress.Progress) -> dict[str, Any]:
    files = SourceFile.objects.filter(reading=found)
    drawn = [
        treemap.FileFacts(*row) for row in files.values_list("package", "lines", "comment_lines")
    ]
    failures = files.filter(outcome=Outcome.FAILED)
    report: dict[str, Any] = found.report or {}
    totals = report["totals"]
    documented = totals["code_lines"] + totals["comment_lines"]
    return {
        **report,
        "comment_percent": round(100 * totals["comment_lines"] / (documented or 1)),
        "seconds": facts.elapsed.total_seconds(),
        "rate": facts.done / facts.elapsed.total_seconds(),
        "treemaps": [
            ("wide", treemap.draw(drawn, width=1000, height=520)),
            ("narrow", treemap.draw(drawn, width=360, height=540)),
        ],
        "tints": [label for _, label in treemap.TINTS],
        "failures": failures[:MOST_FAILURES],
        "failure_count": failures.count(),
    }
