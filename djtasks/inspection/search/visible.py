"""Refuse a search by what its user may not see: the number of matches would tell it."""

from typing import Any

from django.utils.translation import gettext as _

from djtasks.inspection.search.context import SearchContext
from djtasks.inspection.search.values import NotVisible, short


def require_visible(key: str, selection: dict[str, Any], context: SearchContext) -> None:
    """Raise NotVisible if what a key selects compares a column that the user may not see."""
    if not context.visibility.hidden.isdisjoint(columns_of(selection)):
        raise NotVisible(
            _("You may not see what “%(key)s:” searches, so you cannot search by it.")
            % {"key": short(key)}
        )


def columns_of(selection: dict[str, Any]) -> set[str]:
    """Return the columns that a selection compares."""
    found: set[str] = set()
    for key, value in selection.items():
        if key in ("any", "all"):
            found.update(*(columns_of(one) for one in value))
        elif key == "not":
            found |= columns_of(value)
        elif key != "search":
            found.add(key.partition("__")[0])
    return found
