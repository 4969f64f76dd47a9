"""The tasks about an object, for that object's own admin page."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.checks import InlineModelAdminChecks
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property

from djtasks.admin.queues.rows import Standing
from djtasks.admin.tasks.attempts import standing_of
from djtasks.compat import InvalidTask
from djtasks.definitions.options import target_of
from djtasks.inspection.history import PastTask, tasks_about
from djtasks.models import TaskRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One task, its badge and the address of its page, None if this site has none."""

    facts: PastTask
    standing: Standing
    url: str | None


class _NoForeignKey(InlineModelAdminChecks):
    """Checks of an inline without a foreign key: task records name their object as text."""

    def check(self, *_given: Any, **_options: Any) -> list[Any]:
        return []


class _History(forms.BaseModelFormSet):  # type: ignore[type-arg]
    """A read-only formset: it has no forms and is always valid."""

    inline: "TaskHistoryInline"

    def __init__(self, *args: Any, instance: Any = None, **options: Any) -> None:
        options.pop("save_as_new", None)
        super().__init__(*args, **options)
        self.instance = instance

    @classmethod
    def get_default_prefix(cls) -> str:
        return "djtasks-history"

    def total_form_count(self) -> int:
        return 0

    def initial_form_count(self) -> int:
        return 0

    def full_clean(self) -> None:
        self._errors: list[Any] = []
        self._non_form_errors = self.error_class()

    @cached_property
    def found(self) -> list[HistoryRow]:
        """Return the rows, one more than the page shows."""
        return self.inline.history(self.instance)

    @property
    def rows(self) -> list[HistoryRow]:
        """Return the rows that the page shows."""
        return self.found[: self.inline.most]

    @property
    def has_more(self) -> bool:
        """Return whether there are more rows than the page shows."""
        return len(self.found) > self.inline.most

    def save(self, commit: bool = True) -> list[Any]:  # noqa: FBT001, FBT002 - Django's
        self.new_objects: list[Any] = []
        self.changed_objects: list[Any] = []
        self.deleted_objects: list[Any] = []
        return []


class TaskHistoryInline(admin.options.InlineModelAdmin):  # type: ignore[type-arg]
    """List the newest tasks enqueued with `using(target=obj)`, for users who may view tasks.

    Put it among the `inlines` of any ModelAdmin. `most` is how many it shows. One query, on an
    index; nothing can be changed from here.
    """

    model = TaskRecord
    formset = _History  # type: ignore[assignment] # not of a foreign key
    checks_class = _NoForeignKey
    template = "djtasks/history.html"
    fields = ()
    extra = 0
    max_num = 0
    can_delete = False
    most = 20

    class Media:
        css: ClassVar = {
            "all": [f"djtasks/{name}.css" for name in ("tokens", "frame", "tables", "media")]
        }

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_formset(self, request: HttpRequest, obj: Any = None, **_kwargs: Any) -> Any:
        """Return the formset, with the rows for the page."""
        made: Any = forms.modelformset_factory(
            TaskRecord, formset=self.formset, fields=(), extra=0, max_num=0
        )
        made.inline = self
        return made

    def history(self, instance: Any) -> list[HistoryRow]:
        """Return the newest tasks about an object as rows; none if the object is not saved."""
        try:
            target = target_of(instance)
        except InvalidTask:
            return []
        return [
            HistoryRow(facts=facts, standing=standing_of(facts.phase), url=self._url(facts.id))
            for facts in tasks_about(target, limit=self.most + 1)
        ]

    def _url(self, pk: Any) -> str | None:
        name = "admin:djtasks_taskrecord_change"
        try:
            return reverse(name, args=[pk], current_app=self.admin_site.name)
        except NoReverseMatch:
            return None
