"""Why a page refuses a request: a missing permission, or a text that the database does not take."""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from djtasks.admin.forms.storable import cleaned_forms, refused_texts
from djtasks.admin.savepoints import all_or_nothing, savepoints
from djtasks.operations.refused import is_refused

logger = logging.getLogger("djtasks.admin")


class Refused(PermissionDenied):
    """The user lacks a permission, which is given with its app label."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


class UnstorableText(Exception):
    """The database has no such character: an emoji in utf8mb3 of MySQL, or in LATIN1."""


def require(request: HttpRequest, permission: str) -> None:
    """Raise Refused unless the user has this permission; a bare codename is djtasks'."""
    name = permission if "." in permission else f"djtasks.{permission}"
    if not request.user.has_perm(name):
        raise Refused(name)


def answer_of(
    view: Callable[..., HttpResponseBase], request: HttpRequest, *args: Any, **captured: Any
) -> HttpResponseBase:
    """Call a view. If the database refuses a text of the request, let its form say so.

    Raise UnstorableText if the text is in no form, such as that of a search.
    """
    suspects = _suspects(request)
    if not suspects:
        return view(request, *args, **captured)
    with cleaned_forms() as cleaned:
        try:
            return _answer(view, request, *args, **captured)
        except UnstorableText:
            # Only a form that is invalid now keeps the view from acting a second time.
            if not any(form.fields_with(suspects) for form in cleaned):
                raise
    with refused_texts(suspects):
        return _answer(view, request, *args, **captured)


def _answer(
    view: Callable[..., HttpResponseBase], request: HttpRequest, *args: Any, **captured: Any
) -> HttpResponseBase:
    try:
        with savepoints(), all_or_nothing() if request.method == "POST" else nullcontext():
            return view(request, *args, **captured)
    except DatabaseError as error:
        if not is_refused_text(request, error):
            raise
        logger.warning("Text refused by the database path=%s", request.path, exc_info=True)
        raise UnstorableText from error


def is_refused_text(request: HttpRequest, error: Exception) -> bool:
    """Return whether the error may come from a text of the request that the database refuses."""
    is_about_a_value = isinstance(error, DatabaseError) and is_refused(error)
    return is_about_a_value and bool(_suspects(request))


def _suspects(request: HttpRequest) -> set[str]:
    """Return the texts of a request that some database cannot store.

    Those with emoji and the like, if there are any: more databases lack these.
    """
    given = [*request.GET.lists(), *request.POST.lists()]
    texts = {text for _name, texts in given for text in texts} | {request.path}
    rare = {text for text in texts if any(character > "\uffff" for character in text)}
    return rare or {text for text in texts if not text.isascii()}


def reason_of(error: PermissionDenied, *, is_order: bool) -> str:
    """Say which permission is missing, in the words of the admin's page of a user."""
    if not isinstance(error, Refused):
        return _("This is not possible here, or not for you.")
    said = {"permission": _words(error.permission)}
    if is_order:
        return _("You need the permission “%(permission)s” to do this.") % said
    return _("You need the permission “%(permission)s” to open this page.") % said


def _words(name: str) -> str:
    app, _dot, codename = name.partition(".")
    rows = Permission.objects.filter(content_type__app_label=app, codename=codename)
    row = rows.select_related("content_type").first()
    return name if row is None else str(row)
