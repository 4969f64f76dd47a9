"""The base ModelAdmin of the djtasks tables: rows are read-only, and pages share one frame."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from djtasks.admin.frame import NoBackend, engine_shown, frame_context
from djtasks.admin.live import live_response
from djtasks.admin.refusals import UnstorableText, answer_of, reason_of, require
from djtasks.admin.task_code import import_known
from djtasks.engine import Engine

Page = Callable[..., HttpResponseBase]


class OperationsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The admin of a table whose rows people view and operate, but never add, edit or delete."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user has the view permission; Django lets change_… suffice."""
        return request.user.has_perm(f"djtasks.view_{self.opts.model_name}")

    def has_view_or_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in self.model._meta.fields]  # noqa: SLF001

    def get_urls(self) -> list[URLPattern]:
        urls = super().get_urls()
        for url in urls:
            url.callback = self._in_frame(url.callback)
        return urls

    def redirect_to_list(self, request: HttpRequest, object_id: str, page: str) -> HttpResponse:
        """Redirect to the page that shows this row, or say there that the row is gone."""
        require(request, f"view_{self.opts.model_name}")
        if request.method == "POST":
            raise PermissionDenied  # a row is operated, and never edited
        row: Any = self.get_object(request, unquote(object_id))
        address = reverse(f"admin:{page}", current_app=self.admin_site.name)
        if row is None:
            messages.info(request, _("The %(kind)s is gone.") % {"kind": self.opts.verbose_name})
            return HttpResponseRedirect(address)
        return HttpResponseRedirect(f"{address}?{urlencode({'backend': row.backend})}")

    def page(self, route: str, view: Page, name: str, *, permission: str) -> URLPattern:
        """Return the URL pattern of a page under this table's address that requires a permission.

        The view receives the engine of the TASKS alias that the page shows.
        """

        def guarded(request: HttpRequest, **captured: Any) -> HttpResponseBase:
            require(request, permission)
            try:
                engine = engine_shown(request)
            except NoBackend:
                return self._no_backend(request)
            import_known(engine)  # before anything is shown: they name what is sensitive
            return view(request, engine, **captured)

        return path(route, self.admin_site.admin_view(self._in_frame(guarded)), name=name)

    def show(self, request: HttpRequest, template: str, tab: str, **context: Any) -> HttpResponse:
        """Draw a page, or only its live region when the page's script asks for it."""
        request.current_app = self.admin_site.name
        frame = frame_context(self.admin_site, request, tab=tab)
        return live_response(request, template, {**frame, "opts": self.opts, **context})

    def _in_frame(self, view: Page) -> Page:
        """Show in the frame of the pages why a view refuses, or that it found nothing."""

        @wraps(view)
        def framed(request: HttpRequest, *args: Any, **captured: Any) -> HttpResponseBase:
            try:
                return answer_of(view, request, *args, **captured)
            except PermissionDenied as error:
                reason = reason_of(error, is_order=request.method == "POST")
                return self._refusal(request, 403, _("You may not do this"), reason)
            except Http404 as error:
                return self._refusal(request, 404, _("Not found"), str(error))
            except UnstorableText:
                reason = _(
                    "It has no place for a character of what you entered, such as an emoji. Go "
                    "back, and leave that character out."
                )
                return self._refusal(request, 400, _("The database cannot take this text"), reason)

        return framed

    def _refusal(self, request: HttpRequest, status: int, title: str, reason: str) -> HttpResponse:
        page = self.show(
            request,
            "djtasks/refused.html",
            "",
            title=title,
            reason=reason,
            is_refused=status == HTTPStatus.FORBIDDEN,
            is_order=request.method == "POST",
        )
        page.status_code = status
        return page

    def _no_backend(self, request: HttpRequest) -> HttpResponse:
        """Show a page that says that no TASKS alias uses djtasks."""
        return self.show(request, "djtasks/no_backend.html", "", title=_("Background tasks"))


def page_number(request: HttpRequest, *, most: int) -> int:
    """Return the number of `?page=`, from 1 to `most`, or 1 if it is not valid."""
    text = request.GET.get("page", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 1
    return min(max(number, 1), most)


def posted(view: Page) -> Page:
    """Reject anything but POST."""

    @wraps(view)
    def guarded(admin: OperationsAdmin, request: HttpRequest, engine: Engine) -> HttpResponseBase:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return view(admin, request, engine)

    return guarded
