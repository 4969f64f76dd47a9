"""The admin of workers: their versions, heartbeats, slots and running tasks, and their orders."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _

from djtasks import operations
from djtasks.admin.frame import alias_query
from djtasks.admin.pages import OperationsAdmin, posted
from djtasks.admin.workers.rows import worker_rows
from djtasks.engine import Engine
from djtasks.inspection import alerts_of, live_counts, queues_of, workers_of
from djtasks.inspection.rows import stored_worker
from djtasks.models import WorkerRecord

TAB = "djtasks_workerrecord_changelist"


class WorkerRecordAdmin(OperationsAdmin):
    """The pages about workers."""

    list_display = ("host", "pid", "backend", "slots", "draining", "heartbeat_at", "started_at")

    def get_urls(self) -> list[URLPattern]:
        see, control = "view_workerrecord", "control_worker"
        return [
            self.page("", self.workers, TAB, permission=see),
            self.page("order/", self.order, "djtasks_worker_order", permission=control),
            *super().get_urls(),
        ]

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Redirect from the log of the admin to the page of workers."""
        return self.redirect_to_list(request, object_id, TAB)

    def workers(self, request: HttpRequest, engine: Engine) -> HttpResponse:
        """List the workers of one TASKS alias, with the stacks of `?stacks=`, if asked for."""
        now = engine.store.now()
        workers = workers_of(engine, now)
        queues = queues_of(engine, workers)
        alerts = alerts_of(engine, queues, workers, now)
        return self.show(
            request,
            "djtasks/workers.html",
            TAB,
            title=_("Workers"),
            now=now,
            live=live_counts(engine, queues, workers, now),
            # Queues and schedules have pages of their own.
            alerts=[one for one in alerts if not {"queues", "schedules"}.intersection(one.links)],
            workers=worker_rows(engine, workers, now),
            stacks=_find(engine, request.GET.get("stacks", "")),
            may_control=request.user.has_perm("djtasks.control_worker"),
        )

    @posted
    def order(self, request: HttpRequest, engine: Engine) -> HttpResponse:
        """Give one order to one worker; its button has the value `ORDER ID`."""
        order, _space, asked = request.POST.get("order", "").partition(" ")
        worker = _find(engine, asked)
        if worker is None or not _give(engine, worker, order):
            messages.error(request, _("That worker is gone; nothing was done."))
            return self._back(request)
        before = "draining" if worker.draining else "live"
        self.log_change(request, worker, f"{before} → asked to {order}")
        said = {"worker": f"{worker.host}:{worker.pid}", "order": order}
        messages.success(
            request,
            _("Worker %(worker)s was asked to %(order)s; it obeys at its next heartbeat.") % said,
        )
        return self._back(request, stacks=worker.pk if order == "dump" else None)

    def _back(self, request: HttpRequest, *, stacks: UUID | None = None) -> HttpResponse:
        page = reverse(f"admin:{TAB}", current_app=self.admin_site.name) + alias_query(request)
        asked = f"{'&' if '?' in page else '?'}stacks={stacks}#stacks" if stacks else ""
        return HttpResponseRedirect(page + asked)


def _give(engine: Engine, worker: WorkerRecord, order: str) -> bool:
    return order in operations.ORDERS and operations.order_worker(engine, worker.pk, order)


def _find(engine: Engine, asked: str) -> WorkerRecord | None:
    """Return the worker of this alias with this id, or None."""
    try:
        return stored_worker(engine, UUID(asked))
    except ValueError:
        return None
