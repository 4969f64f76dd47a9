"""Decide what the user of a request may see of records."""

from django.http import HttpRequest

from djtasks.inspection.visibility import Visibility


def visibility_for(request: HttpRequest) -> Visibility:
    """Return what this user may see of tasks and schedules."""
    return Visibility(arguments=request.user.has_perm("djtasks.view_arguments"))
