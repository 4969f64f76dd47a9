"""Run a project's own action on one task, or on all tasks that a search finds."""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from djtasks.admin.task_actions import ActionResult, TaskAction
from djtasks.engine import Engine
from djtasks.models import BulkAction, TaskRecord
from djtasks.operations import Refusal, Selection
from djtasks.operations.bulk.here import LEFT_ALONE, RAISED, Change, run_bulk_here, run_here
from djtasks.protocol.states import State


def run_on_one(
    action: TaskAction, engine: Engine, row: TaskRecord, request: HttpRequest
) -> ActionResult:
    """Run an action on one task, unless its state does not allow that."""
    if row.state not in action.states:
        return ActionResult(
            refusal=Refusal("It is %(state)s.", state=State(row.state).name).translated
        )
    count = run_here(engine, change_of(action, engine, request), [row.pk])
    if count:
        return ActionResult(change=str(action.label))
    return ActionResult(refusal=_(RAISED) if count is None else _(LEFT_ALONE))


def run_on_many(
    action: TaskAction, engine: Engine, selection: Selection, request: HttpRequest
) -> BulkAction:
    """Run an action on all tasks that match, and return the result. Raises InvalidBulkAction."""
    change = change_of(action, engine, request)
    return run_bulk_here(engine, change, selection, by=request.user.get_username())


def change_of(action: TaskAction, engine: Engine, request: HttpRequest) -> Change:
    """Return the action as a Change for operations to run. Raises TypeError without `run`."""
    run = action.run
    if run is None:
        raise TypeError(f"The action {action.name!r} has no `run`.")
    return Change(name=action.name, states=action.states, run=lambda ids: run(engine, ids, request))
