"""The search keys a user may use: built-in ones and a project's, guarded against its errors."""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from djtasks.admin.savepoints import savepoints
from djtasks.admin.task_pages import TaskPages
from djtasks.engine import Engine
from djtasks.inspection.search.context import SearchContext
from djtasks.inspection.search.keys import SEARCH_KEYS, SearchKey
from djtasks.inspection.search.values import NotUnderstood, short
from djtasks.operations import selected
from djtasks.operations.bulk.selection import as_json

logger = logging.getLogger("djtasks.admin")
_LONGEST_SELECTION = 64_000


def keys_for(admin: TaskPages, request: HttpRequest, engine: Engine) -> dict[str, SearchKey]:
    """Return the keys that a user may search by, by name."""
    return {
        key.name: key if key in SEARCH_KEYS else _guarded(key, engine)
        for key in admin.search_keys
        if not key.permission or request.user.has_perm(key.permission)
    }


def _guarded(key: SearchKey, engine: Engine) -> SearchKey:
    """Return a project's key that reports a problem if its function fails."""

    def select(value: str, known: SearchContext) -> dict[str, Any]:
        with savepoints() as undo:
            try:
                return _checked(engine, key.select(value, known))
            except NotUnderstood:
                raise
            except Exception as error:
                undo()
                logger.warning("Search key failed key=%s", key.name, exc_info=True)
                said = {"value": short(value), "key": key.name}
                message = _("You cannot search for “%(value)s” with “%(key)s:”.") % said
                raise NotUnderstood(message) from error

    return replace(key, select=select)


def _checked(engine: Engine, selection: Any) -> dict[str, Any]:
    """Return a selection in the form that a bulk action stores. Raises if it is not one."""
    if not isinstance(selection, Mapping) or not set(selection) - {"search"}:
        raise TypeError(f"A search key must select something, got {selection!r}.")
    text = json.dumps(as_json(selection))
    if len(text) > _LONGEST_SELECTION:
        raise ValueError(f"The selection takes {len(text):,} characters, which is too long.")
    found: dict[str, Any] = json.loads(text)
    # What the database refuses, such as a regular expression, fails here and not in the page.
    newest = selected(engine, {}).order_by("-pk").values_list("pk", flat=True)[:1]
    selected(engine, found).filter(pk__in=list(newest)).exists()
    return found
