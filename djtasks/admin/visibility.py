"""Decide what the user of a request may see of records."""

from django.http import HttpRequest

from djtasks.engine import Engine
from djtasks.inspection.visibility import Visibility, visibility_if


def visibility_for(request: HttpRequest, engine: Engine) -> Visibility:
    """Return what this user may see of the tasks and schedules of a TASKS alias."""
    return visibility_if(engine, may_see=request.user.has_perm("djtasks.view_arguments"))
