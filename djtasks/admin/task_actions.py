"""The actions that people can take on tasks in the admin: built-in ones and a project's."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from django import forms
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from djtasks.admin.forms.storable import StorableForm
from djtasks.admin.forms.task import TaskForm
from djtasks.engine import Engine
from djtasks.inspection.search.phases import phases_of
from djtasks.models import TaskRecord
from djtasks.protocol.states import State

Words = str | Promise
Run = Callable[[Engine, Sequence[UUID], HttpRequest], int]


@dataclass(frozen=True, slots=True)
class ActionResult:
    """The result of an action on one task: `change` for the log and the user, or `refusal`."""

    change: str = ""
    refusal: str = ""


Handler = Callable[[Engine, TaskRecord, dict[str, Any]], ActionResult]


class ManyForm(StorableForm):
    """The form of an action on many tasks; this one has a reason only, which the log keeps."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        required=False,
        help_text=_("The log keeps the reason and your name."),
    )

    def __init__(self, data: Any, *, queues: list[str]) -> None:
        super().__init__(data)
        self.build(queues)

    def build(self, queues: list[str]) -> None:
        """Add the fields."""

    def options(self) -> dict[str, Any]:
        """Return the options for `operations.start_bulk`."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """How an action looks where it is for all that a search finds.

    `effect` goes on behind their number. `phases`: the states in which its button stands, none
    for all that it is possible from. `is_likely`: it is what is mostly meant.
    """

    effect: Words = ""
    phases: tuple[str, ...] = ()
    form: type[ManyForm] = ManyForm
    is_likely: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """How an action looks on the page of a task.

    `title`: of its own page, and on the button there. `at_once`: a button that does it, `value`
    its due time; `asks`: one that leads to the form. `handler` does ours.
    """

    title: Words = ""
    asks: Words = ""
    at_once: Words = ""
    form: type[TaskForm] = TaskForm
    handler: Handler | None = None
    is_danger: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAction:
    """One thing people can do to tasks.

    `name` is its part of addresses. `permission` is what `user.has_perm` takes. `effect` says
    what happens to a task, in a sentence; people read it before. `run(engine, ids, request)` does
    it to tasks that were in `states` just now, at most 1,000 at a time in a transaction, and
    returns how many it changed. `is_destroying`: it cannot be undone. `one`, `many`: None where
    it is not for a single task, or not for all that match. `operation`: ours have one instead of
    `run`, the name of a bulk action.
    """

    name: str
    label: Words
    permission: str
    states: Collection[State]
    effect: Words
    run: Run | None = None
    is_destroying: bool = False
    one: One | None = field(default_factory=One)
    many: Many | None = field(default_factory=Many)
    operation: str = ""

    @property
    def phases(self) -> tuple[str, ...]:
        """Return the phases in which the action is offered for many tasks."""
        many = self.many or Many()
        return many.phases or phases_of(self.states)

    def allows(self, request: HttpRequest) -> bool:
        """Return whether a user has its permission."""
        return request.user.has_perm(self.permission)


class HasTaskActions(Protocol):
    """The part of a ModelAdmin that pages need to offer its actions."""

    task_actions: Sequence[TaskAction]


def action_named(admin: HasTaskActions, name: str) -> TaskAction | None:
    """Return the action with this name, or None."""
    return next((action for action in admin.task_actions if action.name == name), None)


def actions_for_many(
    admin: HasTaskActions, request: HttpRequest, phases: Sequence[str]
) -> list[TaskAction]:
    """Return the actions that a user may take on tasks in these phases (none: in any phase)."""
    return [
        action
        for action in admin.task_actions
        if action.many is not None
        and action.allows(request)
        and (not phases or set(phases) & set(action.phases))
    ]
