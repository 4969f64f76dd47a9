"""The overview: must something be done, how much waits, runs and fails, and since when."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from djtasks import inspection
from djtasks.admin.overview_charts import charts_of
from djtasks.admin.pages import OperationsAdmin
from djtasks.admin.queue_rows import queue_rows
from djtasks.engine import Engine


def overview(admin: OperationsAdmin, request: HttpRequest, engine: Engine) -> HttpResponse:
    """Draw the overview of one TASKS alias over `?span=`."""
    facts = inspection.overview(engine, request.GET.get("span", inspection.DEFAULT_SPAN))
    return admin.show(
        request,
        "djtasks/overview.html",
        "djtasks_overview",
        title=_("Overview"),
        now=facts.now,
        facts=facts,
        live=facts.live,
        spans=[(name, f"{name[:-1]} {name[-1]}") for name in inspection.SPANS],
        charts=charts_of(facts),
        queues=queue_rows(facts.queues),
        slowest_seconds=max((task.run_p95 or 0 for task in facts.slowest), default=0),
        most_failed=max((task.failed for task in facts.most_failing), default=0),
    )
