"""The admin of workflows: the list, the page of one, and what people do to it."""

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _

from djtasks.admin.audit import people_on
from djtasks.admin.live import is_live
from djtasks.admin.pages import OperationsAdmin, page_number
from djtasks.admin.refusals import require
from djtasks.admin.targets import target_link
from djtasks.admin.visibility import visibility_for
from djtasks.admin.workflows import changes
from djtasks.admin.workflows.changes import CHANGES, WorkflowChange
from djtasks.admin.workflows.picture import picture_of
from djtasks.admin.workflows.rows import (
    checks_of,
    failures_seen,
    node_rows,
    workflow_lines,
)
from djtasks.admin.workflows.timeline import timeline_of
from djtasks.admin.workflows.words import WORKFLOWS, parts_of, standing_of
from djtasks.engine import Engine, engine_of, our_aliases
from djtasks.inspection import (
    WORKFLOW_PHASES,
    WorkflowFacts,
    facts_seen,
    failures_in,
    has_workflows,
    phase_counts,
    workflow_facts_of,
    workflow_page,
)
from djtasks.inspection.workflows.listing import PAGE_SIZE
from djtasks.inspection.workflows.reading import stored_workflow
from djtasks.models import WorkflowRecord

TAB = "djtasks_workflowrecord_changelist"
SEE = "view_workflow"
_MOST_PAGES = 400
_LONGEST_TEXT = 255


class WorkflowRecordAdmin(OperationsAdmin):
    """The pages about workflows."""

    list_display = ("name", "backend", "state", "enqueued_at", "finished_at")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(f"djtasks.{SEE}")

    def get_urls(self) -> list[URLPattern]:
        one = "<path:object_id>/"
        return [
            self.page("", self.workflows, TAB, permission=SEE),
            self.page(
                f"{one}change/", self.workflow, "djtasks_workflowrecord_change", permission=SEE
            ),
            *(
                self.page(
                    f"{one}{change.name}/",
                    partial(self.act, change=change),
                    f"djtasks_workflowrecord_{change.name}",
                    permission=change.permission,
                )
                for change in CHANGES.values()
            ),
            *super().get_urls(),
        ]

    def workflows(self, request: HttpRequest, engine: Engine) -> HttpResponse:
        """List the workflows of one TASKS alias, of `?state=` and with `?q=`."""
        phase = request.GET.get("state", "")
        phase = phase if phase in WORKFLOW_PHASES else ""
        text = request.GET.get("q", "").replace("\x00", "").strip()[:_LONGEST_TEXT]
        number = page_number(request, most=_MOST_PAGES)
        found = workflow_page(engine, phase=phase, text=text, start=PAGE_SIZE * (number - 1))
        counts = phase_counts(engine)
        return self.show(
            request,
            "djtasks/workflows.html",
            TAB,
            title=_("Workflows"),
            now=engine.store.now(),
            rows=workflow_lines(found.rows),
            phase=phase,
            text=text,
            page=number,
            has_more=found.has_more,
            tabs_of_states=[(name, WORKFLOWS[name][2], counts[name]) for name in WORKFLOW_PHASES],
            is_empty=not found.rows and not has_workflows(engine),
        )

    def workflow(self, request: HttpRequest, engine: Engine, object_id: str) -> HttpResponse:
        """Show everything about one workflow."""
        row = _row_of(object_id)
        if request.method == "POST":
            raise PermissionDenied  # a workflow is operated, and never edited
        if row is None:
            return self._gone(request, object_id)
        engine = _own(engine, row)
        visibility = visibility_for(request, engine)
        facts = facts_seen(workflow_facts_of(engine, row), visibility)
        return self.show(
            request,
            "djtasks/workflow.html",
            TAB,
            **_shown(facts),
            failures=failures_seen(failures_in(engine, facts), visibility),
            buttons=changes.offered(request, facts),
            missing=changes.missing_of(request, facts),
            about=target_link(self.admin_site, facts.target),
            trail=people_on(WorkflowRecord, row.pk),
        )

    def act(
        self, request: HttpRequest, engine: Engine, object_id: str, *, change: WorkflowChange
    ) -> HttpResponse:
        """Show what a change does; on POST, do it, and log it."""
        require(request, SEE)
        row = _row_of(object_id)
        if row is None:
            return self._gone(request, object_id)
        engine = _own(engine, row)
        facts = workflow_facts_of(engine, row)
        back = _address(self.admin_site, row.pk)
        if request.method == "POST":
            self._perform(request, change, facts)
            return HttpResponseRedirect(back)
        return self.show(
            request,
            "djtasks/workflow_act.html",
            TAB,
            title=change.label,
            change=change,
            facts=facts,
            effects=changes.effects_of(change, facts),
            is_possible=changes.is_possible(change, facts),
            back=back,
        )

    def _perform(self, request: HttpRequest, change: WorkflowChange, facts: WorkflowFacts) -> None:
        is_done, text = changes.perform(engine_of(facts.backend), change, facts)
        said = {"name": facts.name, "text": text}
        if is_done:
            self.log_change(request, WorkflowRecord(pk=facts.id, name=facts.name), change.change)
            messages.success(request, _("Workflow %(name)s: %(text)s") % said)
            return
        if change.name != "retry":
            said["text"] = _("It has changed meanwhile.")
        messages.warning(request, _("Workflow %(name)s: nothing was done. %(text)s") % said)

    def _gone(self, request: HttpRequest, asked: str) -> HttpResponse:
        page = self.show(
            request,
            "djtasks/workflow_gone.html",
            TAB,
            title=_("No such workflow"),
            asked=asked[:100],
            trail=people_on(WorkflowRecord, asked),
        )
        # The script of a page that stood open shows what came, unless it is an error.
        if page.status_code == 200 and not is_live(request):
            page.status_code = 404
        return page


def _shown(facts: WorkflowFacts) -> dict[str, Any]:
    """Return what the facts tell."""
    rows = node_rows(facts)
    return {
        "title": facts.name,
        # A workflow has one alias, whichever the other pages show.
        "aliases": [],
        "backend": facts.backend,
        "now": facts.now,
        "facts": facts,
        "standing": standing_of(WORKFLOWS[facts.phase]),
        "parts": parts_of(facts.counts) if facts.counts is not None else [],
        "checks": checks_of(facts),
        "picture": picture_of(facts),
        "timeline": timeline_of(facts),
        "rows": rows,
        "left_out": len(facts.nodes) - len(rows),
        "before": next((one for one in facts.before if one.took is not None), None),
    }


def _row_of(text: str) -> WorkflowRecord | None:
    try:
        return stored_workflow(UUID(text))
    except ValueError:
        return None


def _own(engine: Engine, row: WorkflowRecord) -> Engine:
    return engine_of(row.backend) if row.backend in our_aliases() else engine


def _address(site: AdminSite, pk: UUID) -> str:
    return reverse("admin:djtasks_workflowrecord_change", args=[pk], current_app=site.name)
