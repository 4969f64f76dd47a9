"""The workflows on the overview: at most three that are not over, those in trouble first."""

from dataclasses import dataclass

from django.http import HttpRequest

from djtasks.admin.workflows.rows import WorkflowLine, workflow_lines
from djtasks.engine import Engine
from djtasks.inspection import workflow_page

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Flows:
    """A few workflows, and how many are not over; at least so many if `has_more`."""

    lines: list[WorkflowLine]
    count: int
    has_more: bool


def flows_seen(request: HttpRequest, engine: Engine) -> Flows | None:
    """Return the panel, or None if nothing is under way or the user may not see workflows."""
    if not request.user.has_perm("djtasks.view_workflow"):
        return None
    page = workflow_page(engine)
    under_way = [row for row in page.rows if row.finished_at is None]
    if not under_way:
        return None
    lines = sorted(workflow_lines(under_way), key=lambda line: not line.is_bad)
    return Flows(lines[:_SHOWN], len(under_way), page.has_more and len(under_way) == len(page.rows))
