"""Decide what the user of a request may see of records."""

from django.http import HttpRequest

from djtasks.engine import Engine
from djtasks.inspection.visibility import Visibility


def visibility_for(request: HttpRequest, engine: Engine) -> Visibility:
    """Return what this user may see of the tasks and schedules of a TASKS alias."""
    return visibility_if(engine, may_see=request.user.has_perm("djtasks.view_arguments"))


def visibility_if(engine: Engine, *, may_see: bool) -> Visibility:
    """Return what a user may see who may, or may not, see arguments."""
    return Visibility(arguments=may_see, errors=may_see or not engine.options.private_errors)
