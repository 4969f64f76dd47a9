"""Readings and files in Django's admin, to look at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from demo_project.library.models import Reading, SourceFile
from djtasks.admin import TaskHistoryInline


class _ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows rows, which are made by tasks and not by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


@admin.register(Reading)
class ReadingAdmin(_ReadOnly):
    """Readings, newest first."""

    list_display = ("title", "started_at", "finished_at")
    inlines = (TaskHistoryInline,)


@admin.register(SourceFile)
class SourceFileAdmin(_ReadOnly):
    """Files with what was found in them."""

    list_display = ("name", "outcome", "lines", "error_class", "finished_at")
    list_filter = ("outcome", "error_class")
    list_select_related = ("reading",)
    search_fields = ("name",)
    exclude = ("location",)
