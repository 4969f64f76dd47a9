"""The objects that a task refers to, with links to their own pages."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import quote
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from djtasks.engine import Engine
from djtasks.inspection import TaskFacts
from djtasks.inspection.references import Reference, references_of


def references(
    site: AdminSite, request: HttpRequest, engine: Engine, facts: TaskFacts
) -> list[tuple[str, str | None]]:
    """Return the words for each object and the address of its page, None if it has none.

    What an object is called is shown to those who may view it on this site.
    """

    def may_view(model: type[Model]) -> bool:
        admin = site._registry.get(model)  # noqa: SLF001 - get_model_admin() raises for others
        return admin is not None and admin.has_view_permission(request)

    path = f"{facts.module}.{facts.function}"
    found = references_of(engine, path, facts.args, facts.kwargs, may_view=may_view)
    return [(_words(one), _address(site, one)) for one in found]


def _words(one: Reference) -> str:
    name = f"{one.model._meta.verbose_name} #{one.pk}"  # noqa: SLF001 - Django's documented Meta API
    if one.exists is False:
        return _("%(name)s, deleted") % {"name": name}
    return f"{name} (“{one.label}”)" if one.label else name


def _address(site: AdminSite, one: Reference) -> str | None:
    meta: Any = one.model._meta  # noqa: SLF001
    if not one.exists:
        return None
    name = f"admin:{meta.app_label}_{meta.model_name}_change"
    try:
        return reverse(name, args=[quote(one.pk)], current_app=site.name)
    except NoReverseMatch:
        return None
