"""What a page answers if the user lacks a permission, in the frame of the admin."""

from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext as _


class Refused(PermissionDenied):
    """The user lacks a permission, which is given with its app label."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission


def require(request: HttpRequest, permission: str) -> None:
    """Raise Refused unless the user has this permission; a bare codename is djtasks'."""
    name = permission if "." in permission else f"djtasks.{permission}"
    if not request.user.has_perm(name):
        raise Refused(name)


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
