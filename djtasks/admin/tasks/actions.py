"""What can be done to one task: each a compare-and-set, told to the person and kept in the log."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from djtasks import operations
from djtasks.admin.forms.task import RescheduleForm, RetryForm, TaskForm
from djtasks.admin.tasks.access import TasksAdmin, TaskView, record_of, require_verb
from djtasks.inspection import TaskFacts
from djtasks.models import TaskRecord
from djtasks.protocol.states import FINAL, LIVE, REVIVABLE, State

LIST = "djtasks_taskrecord_changelist"
# Does it, and returns what the log says, or why it was not done.
Deed = Callable[[TaskRecord, dict[str, Any]], "Told"]


@dataclass(frozen=True, slots=True)
class Told:
    """What came of an action: `change` for the log and the person, or `refusal`."""

    change: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One verb: its form, its words, and the states for which it is offered.

    `at_once`: a button of the task's page does it; `asks`: one that leads to the form.
    """

    verb: str
    deed: Deed
    states: frozenset[State]
    title: str | Promise
    effect: str | Promise
    asks: str | Promise
    form: type[TaskForm] = TaskForm
    at_once: str | Promise = ""
    destroys: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button on the page of a task; `posts`: pressing it does it."""

    label: str
    url: str
    posts: bool
    look: str = ""
    value: str = ""


def act(admin: TasksAdmin, request: HttpRequest, view: TaskView, *, action: Action) -> HttpResponse:
    """Show the form of an action, or take it and act."""
    row, engine = view.row, view.engine
    require_verb(admin, request, action.verb, row)
    posted = request.POST if request.method == "POST" else None
    form = action.form(posted, engine=engine, row=row, now=engine.store.now())
    if posted is None or not form.is_valid():
        return admin.show(
            request,
            "djtasks/task_act.html",
            LIST,
            title=action.title,
            action=action,
            form=form,
            row=row,
            is_running=row.state == State.RUNNING,
            back=task_address(admin, row),
        )
    told = action.deed(row, form.cleaned_data)
    _tell(request, row, told, destroys=action.verb == "discard")
    is_gone = action.verb == "discard" and told.change
    return HttpResponseRedirect(_list(admin) if is_gone else task_address(admin, row))


def _tell(request: HttpRequest, row: TaskRecord, told: Told, *, destroys: bool) -> None:
    name = row.task_path.rpartition(".")[2]
    if told.refusal:
        said = {"name": name, "why": told.refusal}
        messages.warning(request, _("Task %(name)s: nothing was done. %(why)s") % said)
        return
    log_task(request, row, told.change, flag=DELETION if destroys else CHANGE)
    said = {"name": name, "change": told.change}
    messages.success(request, _("Task %(name)s: %(change)s") % said)


def log_task(request: HttpRequest, row: TaskRecord, change: str, *, flag: int) -> None:
    """Put down who did what to a task, as old → new."""
    user: Any = request.user
    LogEntry.objects.log_actions(
        user_id=user.pk,
        queryset=[row],
        action_flag=flag,
        change_message=change,
        single_object=True,
    )


def buttons_of(admin: TasksAdmin, request: HttpRequest, facts: TaskFacts) -> list[Button]:
    """Return what this person can do to a task in its state, the likely thing first."""
    row = TaskRecord(pk=facts.id, backend=facts.backend, task_path=facts.task_path)
    row.state, row.queue = int(facts.state), facts.queue
    found: list[Button] = []
    for action in ACTIONS.values():
        if not _is_offered(action, facts):
            continue
        if not admin.has_task_permission(request, action.verb, row):
            continue
        url = action_address(admin, row, action.verb)
        if action.at_once and (action.verb != "reschedule" or facts.run_after > facts.now):
            value = "now" if action.verb == "reschedule" else ""
            look = "primary" if not found else ""
            found.append(
                Button(label=str(action.at_once), url=url, posts=True, look=look, value=value)
            )
        look = "danger" if action.destroys else ""
        found.append(Button(label=str(action.asks), url=url, posts=False, look=look))
    return found


def _is_offered(action: Action, facts: TaskFacts) -> bool:
    is_asked = action.verb == "cancel" and facts.cancel_requested
    return facts.state in action.states and not is_asked


def task_address(admin: TasksAdmin, row: TaskRecord) -> str:
    """Return where the page of a task is."""
    return reverse(
        "admin:djtasks_taskrecord_change", args=[row.pk], current_app=admin.admin_site.name
    )


def action_address(admin: TasksAdmin, row: TaskRecord, verb: str) -> str:
    """Return where an action on a task is."""
    name = f"admin:djtasks_taskrecord_{verb}"
    return reverse(name, args=[row.pk], current_app=admin.admin_site.name)


def _list(admin: TasksAdmin) -> str:
    return reverse(f"admin:{LIST}", current_app=admin.admin_site.name)


def _retry(row: TaskRecord, given: dict[str, Any]) -> Told:
    run_after = given["run_after"]
    queue, priority = given["queue"] or None, given["priority"]
    done = operations.retry([row.pk], queue=queue, priority=priority, run_after=run_after)
    if not done.changed:
        return Told(refusal=done.refused[row.pk])
    changes = [_word(row.state) + " → " + _("ready")]
    for name, old, new in (
        (_("queue"), row.queue, queue),
        (_("priority"), row.priority, priority),
    ):
        if new is not None and new != old:
            changes.append(f"{name} {old} → {new}")
    if run_after is not None:
        changes.append(_("due %(time)s") % {"time": _exactly(run_after)})
    return Told(change=", ".join(changes))


def _reschedule(row: TaskRecord, given: dict[str, Any]) -> Told:
    if not operations.reschedule([row.pk], given["run_after"]):
        return Told(refusal=_("It waits no longer: look at its state."))
    said = {"old": _exactly(row.run_after), "new": _exactly(given["run_after"])}
    return Told(change=_("due %(old)s → %(new)s") % said)


def _cancel(row: TaskRecord, _given: dict[str, Any]) -> Told:
    if not operations.cancel([row.pk]):
        return Told(refusal=_("It is final already, or gone."))
    after = record_of(str(row.pk))
    before = _word(row.state)
    if after is not None and after.state not in FINAL:
        return Told(change=before + " → " + _("asked to stop"))
    return Told(change=before + " → " + _("cancelled"))


def _discard(row: TaskRecord, _given: dict[str, Any]) -> Told:
    done = operations.discard([row.pk])
    if not done.changed:
        return Told(refusal=done.refused[row.pk])
    return Told(change=_word(row.state) + " → " + _("deleted"))


def _word(state: int) -> str:
    return State(state).name.lower()


def _exactly(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}"


ACTIONS: dict[str, Action] = {
    action.verb: action
    for action in (
        Action(
            verb="retry",
            deed=_retry,
            states=REVIVABLE,
            form=RetryForm,
            title=gettext_lazy("Retry"),
            at_once=gettext_lazy("Retry"),
            asks=gettext_lazy("Retry with changes…"),
            effect=gettext_lazy(
                "It becomes ready again with all its attempts. Its failures so far stay here."
            ),
        ),
        Action(
            verb="reschedule",
            deed=_reschedule,
            states=frozenset({State.READY}),
            form=RescheduleForm,
            title=gettext_lazy("Reschedule"),
            at_once=gettext_lazy("Run now"),
            asks=gettext_lazy("Reschedule…"),
            effect=gettext_lazy("It becomes due at that time; attempts and arguments stay."),
        ),
        Action(
            verb="cancel",
            deed=_cancel,
            states=LIVE,
            title=gettext_lazy("Cancel the task"),
            asks=gettext_lazy("Cancel…"),
            destroys=True,
            effect=gettext_lazy(
                "One that waits never starts. One that runs is told within a heartbeat, and "
                "ends when its code lets it. A cancelled task can be retried."
            ),
        ),
        Action(
            verb="discard",
            deed=_discard,
            states=frozenset(State) - {State.RUNNING},
            title=gettext_lazy("Discard the task"),
            asks=gettext_lazy("Discard…"),
            destroys=True,
            effect=gettext_lazy(
                "Its record is deleted for good, with its arguments, result and failures. What "
                "was done to it stays in the log."
            ),
        ),
    )
}
