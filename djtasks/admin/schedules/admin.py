"""The admin of schedules: next runs, last results, pauses, and a preview of every change."""

from functools import partial
from typing import Any
from zoneinfo import available_timezones

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http import HttpResponseRedirect as Redirect
from django.shortcuts import render
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _

from djtasks.admin.pages import OperationsAdmin
from djtasks.admin.refusals import require
from djtasks.admin.schedules.actions import ACTIONS, PauseForm, pause
from djtasks.admin.schedules.form import ScheduleForm
from djtasks.admin.schedules.preview import preview_of
from djtasks.admin.schedules.rows import changes_between, schedule_row, schedule_rows
from djtasks.admin.visibility import visibility_for
from djtasks.compat import InvalidTask
from djtasks.engine import Engine, engine_of
from djtasks.errors import DjtasksError, InvalidSchedule
from djtasks.inspection.rows import stored_schedule, stored_schedules
from djtasks.models import Schedule
from djtasks.operations import delete_schedule, run_now, save_schedule

PAGE_SIZE = 50
LIST = "djtasks_schedule_changelist"


class ScheduleAdmin(OperationsAdmin):
    """The pages about schedules; `change_schedule` is also for pause, resume, run and revert."""

    # Django's own permissions, unlike the other tables': people make and change these rows.
    has_add_permission = admin.ModelAdmin.has_add_permission
    has_change_permission = admin.ModelAdmin.has_change_permission
    has_delete_permission = admin.ModelAdmin.has_delete_permission

    def get_urls(self) -> list[URLPattern]:
        see, change = "view_schedule", "change_schedule"
        return [
            self.page("", self.schedules, LIST, permission=see),
            self.page("add/", self.edit, "djtasks_schedule_add", permission="add_schedule"),
            self.page("preview/", self.preview, "djtasks_schedule_preview", permission=see),
            self.page("<int:pk>/change/", self.edit, "djtasks_schedule_change", permission=see),
            self.page("<int:pk>/pause/", self.pause, "djtasks_schedule_pause", permission=change),
            self.page(
                "<int:pk>/delete/",
                self.delete,
                "djtasks_schedule_delete",
                permission="delete_schedule",
            ),
            *(
                self.page(
                    f"<int:pk>/{name}/",
                    partial(self.act, action=name),
                    f"djtasks_schedule_{name}",
                    permission=change,
                )
                for name in ACTIONS
            ),
            # Django's form of a row checks nothing that ours does, so its pages are left out.
            *(url for url in super().get_urls() if url.name == "djtasks_schedule_history"),
        ]

    def schedules(self, request: HttpRequest, engine: Engine) -> HttpResponse:
        """List the schedules of one TASKS alias, by name."""
        now = engine.store.now()
        page = Paginator(stored_schedules(engine), PAGE_SIZE).get_page(request.GET.get("page"))
        return self.show(
            request,
            "djtasks/schedules.html",
            LIST,
            title=_("Schedules"),
            now=now,
            page=page,
            rows=schedule_rows(engine, list(page), now),
            may_change=self.has_change_permission(request),
            may_add=self.has_add_permission(request),
        )

    def edit(self, request: HttpRequest, engine: Engine, pk: int | None = None) -> HttpResponse:
        """Show and save the form of a new or existing schedule; "Preview" saves nothing."""
        row = None if pk is None else self._row(engine, pk)
        engine = engine if row is None else engine_of(row.backend)
        visibility = visibility_for(request, engine)
        form = ScheduleForm(request.POST or None, engine=engine, visibility=visibility, row=row)
        if request.method == "POST" and "_preview" not in request.POST:
            require(request, "add_schedule" if row is None else "change_schedule")
            if form.is_valid() and (saved := self._save(request, form, row)):
                return self._back(request, saved)
        return self._form_page(request, engine, form, row)

    def _form_page(
        self, request: HttpRequest, engine: Engine, form: ScheduleForm, row: Schedule | None
    ) -> HttpResponse:
        now = engine.store.now()
        facts = schedule_row(engine, row, now, visibility_for(request, engine)) if row else None
        may_change = row is None or self.has_change_permission(request)
        if not may_change:
            for field in form.fields.values():
                field.disabled = True
        return self.show(
            request,
            "djtasks/schedule_form.html",
            LIST,
            title=row.name if row else _("New schedule"),
            now=now,
            form=form,
            schedule=facts,
            code_says={one.column: one.code for one in facts.overrides} if facts else {},
            preview=preview_of(form, now),
            zones=sorted(available_timezones()),
            may_change=may_change,
            may_delete=row is not None and self.has_delete_permission(request),
        )

    def _save(
        self, request: HttpRequest, form: ScheduleForm, row: Schedule | None
    ) -> Schedule | None:
        try:
            saved = save_schedule(form.engine, form.draft(), schedule=row.pk if row else None)
        except (DjtasksError, InvalidTask) as error:
            form.add_error("name" if isinstance(error, InvalidSchedule) else None, str(error))
            return None
        if row is None:
            self.log_addition(request, saved, _("Created: %(rule)s.") % {"rule": form.rule})
        elif changed := changes_between(row, saved):
            self.log_change(request, saved, changed)
        if "_save_run" in request.POST:
            run_id = run_now(form.engine, saved.pk, by=request.user.get_username())
            self.log_change(request, saved, _("Run by hand: task %(id)s.") % {"id": run_id})
        messages.success(request, _("The schedule “%(name)s” was saved.") % {"name": saved.name})
        return saved

    def preview(self, request: HttpRequest, engine: Engine) -> HttpResponse:
        """Return the panel with the next ten runs of the submitted form, without saving it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        now = engine.store.now()
        form = ScheduleForm(request.POST, engine=engine, visibility=visibility_for(request, engine))
        context = {"preview": preview_of(form, now), "now": now}
        return render(request, "djtasks/schedule_preview.html", context)

    def pause(self, request: HttpRequest, engine: Engine, pk: int) -> HttpResponse:
        """Ask for the reason, then pause."""
        row = self._row(engine, pk)
        form = PauseForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            done = pause(engine, row, request.user.get_username(), form.cleaned_data["reason"])
            return self._report(request, row, done)
        context = {
            "title": _("Pause “%(name)s”") % {"name": row.name},
            "schedule": schedule_row(engine, row, engine.store.now()),
            "form": form,
        }
        return self.show(request, "djtasks/schedule_pause.html", LIST, **context)

    def act(self, request: HttpRequest, engine: Engine, pk: int, action: str) -> HttpResponse:
        """Run, resume or revert a schedule. Reject anything but POST."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        row = self._row(engine, pk)
        try:
            done = ACTIONS[action](engine, row, request.user.get_username())
        except DjtasksError as error:
            messages.error(request, str(error))
            return self._back(request, row)
        return self._report(request, row, done)

    def delete(self, request: HttpRequest, engine: Engine, pk: int) -> HttpResponse:
        """Ask for confirmation, then delete a schedule; its task records stay."""
        row = self._row(engine, pk)
        if request.method != "POST":
            title = _("Delete “%(name)s”?") % {"name": row.name}
            return self.show(request, "djtasks/schedule_delete.html", LIST, title=title, row=row)
        try:
            delete_schedule(engine, pk)
        except DjtasksError as error:
            messages.error(request, str(error))
            return self._back(request, row)
        self.log_deletions(request, [row])  # type: ignore[arg-type] # gone already
        messages.success(request, _("The schedule “%(name)s” was deleted.") % {"name": row.name})
        return Redirect(self._address(LIST, row))

    def _report(self, request: HttpRequest, row: Schedule, done: str) -> HttpResponse:
        """Report what was done, to the user and in the history."""
        if done:
            self.log_change(request, row, done)
            messages.success(request, f"{row.name}: {done}")
        else:
            messages.warning(request, _("Nothing to do: somebody was faster."))
        return self._back(request, row)

    def _back(self, request: HttpRequest, row: Schedule) -> HttpResponse:
        if "back" in request.POST:
            return Redirect(self._address(LIST, row))
        return Redirect(self._address("djtasks_schedule_change", row, pk=row.pk))

    def _address(self, name: str, row: Schedule, **captured: Any) -> str:
        address = reverse(f"admin:{name}", kwargs=captured, current_app=self.admin_site.name)
        return f"{address}?backend={row.backend}"

    def _row(self, engine: Engine, pk: int) -> Schedule:
        row = stored_schedule(engine, pk)
        if row is None:
            raise Http404(_("There is no such schedule: it was deleted, or never existed."))
        return row
