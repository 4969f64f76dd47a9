"""The admin of queues: see which are stuck, growing or paused; pause, resume or purge them."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from djtasks import operations
from djtasks.admin.frame import alias_query
from djtasks.admin.pages import OperationsAdmin, posted
from djtasks.admin.queues.forms import PauseForm, PurgeForm
from djtasks.admin.queues.rows import queue_rows
from djtasks.definitions.options import LONGEST_QUEUE
from djtasks.engine import Engine, our_aliases
from djtasks.inspection import (
    CHART_RANGES,
    QueueFacts,
    live_counts,
    queue_figures,
    queues_of,
    series_in,
    workers_of,
)
from djtasks.inspection.rows import stored_control
from djtasks.models import QueueControl

TAB = "djtasks_queues"


class QueueControlAdmin(OperationsAdmin):
    """The pages about queues."""

    list_display = ("queue", "backend", "paused", "paused_by", "reason", "paused_at", "until")

    def get_urls(self) -> list[URLPattern]:
        see, pause, purge = "view_queuecontrol", "pause_queue", "purge_queue"
        return [
            self.page("", self.queues, "djtasks_queuecontrol_changelist", permission=see),
            self.page("", self.queues, TAB, permission=see),
            self.page("pause/", self.pause, "djtasks_queue_pause", permission=pause),
            self.page("resume/", self.resume, "djtasks_queue_resume", permission=pause),
            self.page("purge/", self.purge, "djtasks_queue_purge", permission=purge),
            *super().get_urls(),
        ]

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Return a queue by its name in the log, paused or not, or a row by its key."""
        alias, _colon, queue = object_id.partition(":")
        if queue and alias in our_aliases():
            return named(alias, queue)
        return super().get_object(request, object_id, from_field)

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Redirect from the log of the admin to the page of queues."""
        return self.redirect_to_list(request, object_id, TAB)

    def queues(self, request: HttpRequest, engine: Engine) -> HttpResponse:
        """List the queues of one TASKS alias."""
        snapshot = engine.store.scan()
        now = snapshot.now
        workers = workers_of(engine, now)
        facts = queues_of(engine, workers, snapshot)
        hour = series_in(engine, CHART_RANGES["1h"], now)
        return self.show(
            request,
            "djtasks/queues.html",
            TAB,
            title=_("Queues"),
            now=now,
            live=live_counts(engine, facts, workers, now, hour=hour),
            queues=queue_rows(engine, queue_figures(engine, facts, now, hour), now),
            may_pause=request.user.has_perm("djtasks.pause_queue"),
            may_purge=request.user.has_perm("djtasks.purge_queue"),
        )

    def pause(self, request: HttpRequest, engine: Engine) -> HttpResponse:
        """Ask for a reason and an end, then pause a queue."""
        facts = _asked_for(request, engine)
        form = PauseForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            return self._form(request, "djtasks/queue_pause.html", form, facts)
        operations.pause_queue(
            engine,
            facts.name,
            by=request.user.get_username(),
            reason=form.cleaned_data["reason"],
            until=form.until(engine.store.now()),
        )
        before = f"paused {facts.paused}" if facts.paused else "open"
        if control := stored_control(engine, facts.name):
            until = "" if control.until is None else f" until {control.until:%Y-%m-%d %H:%M %Z}"
            change = f"{before} → paused{until}: {control.reason}"
            self.log_change(request, named(engine.alias, facts.name), change)
        messages.success(request, _("Queue %(queue)s is paused.") % {"queue": facts.name})
        return self._back(request)

    @posted
    def resume(self, request: HttpRequest, engine: Engine) -> HttpResponse:
        """Resume a queue."""
        queue = request.POST.get("queue", "")
        control = stored_control(engine, queue)
        said = {"queue": queue[:LONGEST_QUEUE]}
        if control is not None and operations.resume_queue(engine, queue):
            change = f"paused by {control.paused_by} → open"
            self.log_change(request, named(engine.alias, queue), change)
            messages.success(request, _("Queue %(queue)s is open again.") % said)
        else:
            messages.info(request, _("Queue %(queue)s was already open.") % said)
        return self._back(request)

    def purge(self, request: HttpRequest, engine: Engine) -> HttpResponse:
        """Ask for the queue's name, then delete the tasks that wait in it."""
        facts = _asked_for(request, engine)
        form = PurgeForm(request.POST or None, queue=facts.name)
        if request.method != "POST" or not form.is_valid():
            return self._form(request, "djtasks/queue_purge.html", form, facts)
        count = operations.purge_queue(engine, facts.name)
        reason = form.cleaned_data["reason"]
        change = f"purged: {count} ready tasks → 0" + (f": {reason}" if reason else "")
        self.log_change(request, named(engine.alias, facts.name), change)
        text = ngettext(
            "%(n)s task of queue %(queue)s was deleted.",
            "%(n)s tasks of queue %(queue)s were deleted.",
            count,
        )
        messages.success(request, text % {"n": f"{count:,}", "queue": facts.name})
        return self._back(request)

    def _form(
        self, request: HttpRequest, template: str, form: forms.Form, facts: QueueFacts
    ) -> HttpResponse:
        title = _("Pause %(queue)s") if isinstance(form, PauseForm) else _("Purge %(queue)s")
        title = title % {"queue": facts.name}
        waiting = facts.due + facts.delayed
        return self.show(
            request, template, TAB, title=title, form=form, facts=facts, waiting=waiting
        )

    def _back(self, request: HttpRequest) -> HttpResponse:
        page = reverse(f"admin:{TAB}", current_app=self.admin_site.name)
        return HttpResponseRedirect(page + alias_query(request))


def named(alias: str, queue: str) -> QueueControl:
    """Return a queue as the log names it: its row goes when the queue is resumed."""
    return QueueControl(pk=f"{alias}:{queue}", backend=alias, queue=queue)


def _asked_for(request: HttpRequest, engine: Engine) -> QueueFacts:
    """Return the queue that `?queue=` names. Raise Http404 if there is none."""
    name = request.GET.get("queue", "")
    for facts in queues_of(engine, workers_of(engine)):
        if facts.name == name:
            return facts
    raise Http404(f"TASKS[{engine.alias!r}] has no queue {name[:LONGEST_QUEUE]!r}.")
