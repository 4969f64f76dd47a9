"""Links to what tasks and workflows are about."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.admin import AdminSite
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class Link:
    """The name of something, and the address of its page, or None if it has none."""

    name: str
    url: str | None


def target_link(site: AdminSite, target: str | None) -> Link | None:
    """Return the object that something is about, as `order 7`, and its page on this site if any."""
    if not target:
        return None
    label, _colon, pk = target.partition(":")
    try:
        words = f"{apps.get_model(label)._meta.verbose_name} {pk}"  # noqa: SLF001 - documented
    except (LookupError, ValueError):
        return Link(target, None)
    return Link(words, address_on(site, f"{label.replace('.', '_')}_change", pk))


def address_on(site: AdminSite, name: str, pk: Any) -> str | None:
    """Return the address of a page on this site, or None if the site does not have it."""
    try:
        return reverse(f"admin:{name}", args=[pk], current_app=site.name)
    except NoReverseMatch:
        return None
