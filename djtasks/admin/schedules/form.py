"""The form of a schedule: it checks each field, and converts to a ScheduleDraft and back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from djtasks.admin.forms.durations import HumanDurationField
from djtasks.admin.forms.json_texts import json_field
from djtasks.admin.forms.moments import StoredMomentField
from djtasks.admin.forms.storable import StorableForm
from djtasks.admin.schedules.arguments import StoredArguments
from djtasks.definitions import registry
from djtasks.definitions.codecs import encode_call
from djtasks.definitions.signatures import check_call
from djtasks.engine import Engine
from djtasks.enqueueing.encrypting import concealed
from djtasks.errors import InvalidArguments, InvalidSchedule
from djtasks.inspection.visibility import Visibility
from djtasks.models import Schedule
from djtasks.operations import ScheduleDraft
from djtasks.schedules import (
    CatchUp,
    Coalesce,
    Crontab,
    Every,
    MissedPolicy,
    Once,
    Overlap,
    Rule,
    SkipIfOlderThan,
    missed_from,
    rule_from,
)
from djtasks.schedules.rules.policies import MOST_CAUGHT_UP
from djtasks.schedules.rules.wallclock import zone_named

KINDS = ((Crontab.kind, _("Crontab")), (Every.kind, _("Interval")), (Once.kind, _("Once")))
OVERLAPS = (
    (Overlap.ALLOW, _("Run alongside it")),
    (Overlap.SKIP, _("Skip this run")),
    (Overlap.QUEUE_ONE, _("Queue one run")),
)
MISSED = (
    (Coalesce.name, _("Run once for all of them")),
    (CatchUp.name, _("Run each of them, but only the newest")),
    (SkipIfOlderThan.name, _("Run the newest, unless it is later than")),
)


def _moment_field(label: Any, help_text: Any = "") -> StoredMomentField:
    widget = forms.DateTimeInput(
        attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"
    )
    return StoredMomentField(label=label, help_text=help_text, required=False, widget=widget)


class ScheduleForm(StorableForm):
    """The fields of a schedule; use `draft()` once the form is valid."""

    name = forms.CharField(label=_("Name"), max_length=255)
    task_path = forms.ChoiceField(label=_("Task"))
    args = json_field(_("Arguments"), _("A JSON list of positional arguments."))
    kwargs = json_field(_("Keyword arguments"), _("A JSON object of keyword arguments."))
    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS, widget=forms.RadioSelect)
    expression = forms.CharField(
        label=_("Crontab"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false"}),
    )
    seconds = forms.BooleanField(label=_("Six fields, seconds first"), required=False)
    tz = forms.CharField(
        label=_("Time zone"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"list": "djt-zones", "autocomplete": "off"}),
    )
    interval = HumanDurationField(label=_("Every"), required=False)
    anchor = _moment_field(
        _("Counted from"),
        _("Leave empty to count from 1970 in UTC: 5 minutes then means :00, :05, …"),
    )
    at = _moment_field(_("At"))
    overlap = forms.ChoiceField(label=_("If the previous run is still running"), choices=OVERLAPS)
    missed = forms.ChoiceField(label=_("If runs were missed"), choices=MISSED)
    limit = forms.IntegerField(
        label=_("How many"), required=False, min_value=1, max_value=MOST_CAUGHT_UP
    )
    age = HumanDurationField(label=_("How late"), required=False)
    jitter = HumanDurationField(
        label=_("Jitter"),
        required=False,
        help_text=_("Each run starts up to this much later."),
    )
    starts_at = _moment_field(_("Starts"))
    ends_at = _moment_field(_("Ends"))

    def __init__(
        self, data: Any, *, engine: Engine, visibility: Visibility, row: Schedule | None = None
    ) -> None:
        self.arguments = StoredArguments(engine, row)
        initial = initial_of(row) | self.arguments.shown if row else _BLANK
        super().__init__(data, initial=initial)
        self.engine = engine
        self.stored_rule = row.rule if row else {}
        self.rule: Rule | None = None
        self.policy: MissedPolicy | None = None
        ours = (task for task in registry.all_tasks() if task.backend == engine.alias)
        paths = [task.module_path for task in ours if not registry.is_internal(task)]
        if row is not None and row.task_path not in paths:
            paths.append(row.task_path)
        task_path: Any = self.fields["task_path"]
        task_path.choices = [("", "---------"), *((path, path) for path in paths)]
        self.hides_arguments = row is not None and not visibility.arguments
        if self.hides_arguments:
            # They stay as they are, for the task that they are for.
            self.fields["task_path"].disabled = True
            del self.fields["args"], self.fields["kwargs"]
        # The code knows its schedules by their names.
        self.fields["name"].disabled = row is not None and row.declared is not None

    def clean(self) -> dict[str, Any]:
        """Check what depends on several fields; add each error to one of them."""
        given = self.cleaned_data
        self._check_arguments(given)
        if given.get("kind") == Crontab.kind:
            self._check_zone(given)
        if given.get("kind"):
            self.rule = self._made(_RULES[given["kind"]], given)
        if given.get("missed"):
            self.policy = self._made(_POLICIES[given["missed"]], given)
        starts_at, ends_at = given.get("starts_at"), given.get("ends_at")
        if starts_at and ends_at and ends_at < starts_at:
            self.add_error(
                "ends_at", _("The schedule would end before it starts. Choose a later end.")
            )
        return given

    def _check_arguments(self, given: dict[str, Any]) -> None:
        if self.hides_arguments:
            given |= self.arguments.stored
            return
        for field, wanted, empty in (("args", list, []), ("kwargs", dict, {})):
            value = given.get(field)
            given[field] = empty if value is None else value
            self._restore(field, given)
            if not isinstance(given.get(field, empty), wanted):
                self.add_error(field, self.fields[field].help_text)
        task = self.engine.find(given.get("task_path", ""))
        if task is None:
            if "task_path" in given:
                self.add_error("task_path", _("This task is no longer registered."))
            return
        if {"args", "kwargs"} & set(self.errors):
            return
        call = given["args"], given["kwargs"]
        try:
            check_call(task.module_path, task.func, *call, takes_context=task.takes_context)
            limit = self.engine.options.max_arguments
            encode_call(self.engine.with_policy(task), *call, limit=limit)
        except InvalidArguments as error:
            shown = concealed(error, task, *call)
            self.add_error("kwargs" if given["kwargs"] else "args", str(shown))

    def _restore(self, field: str, given: dict[str, Any]) -> None:
        path = given.get("task_path", "")
        try:
            given[field] = self.arguments.restored(field, given[field], task_path=path)
        except forms.ValidationError as error:
            self.add_error(field, error)

    def _check_zone(self, given: dict[str, Any]) -> None:
        try:
            zone_named(given.get("tz") or "")
        except InvalidSchedule as error:
            self.add_error("tz", str(error))
            given["tz"] = "UTC"  # the expression is checked all the same

    def _made(self, parts: "tuple[str, Callable[[dict[str, Any]], Any]]", given: Any) -> Any:
        """Return what a function builds from the fields, or None and add its error to `field`."""
        field, make = parts
        try:
            return make(given) if field not in self.errors else None
        except InvalidSchedule as error:
            self.add_error(field, str(error))
            return None

    def draft(self) -> ScheduleDraft:
        """Return the schedule that the form describes. The form must be valid."""
        assert self.rule is not None, "a valid form has a rule"
        assert self.policy is not None, "a valid form has a policy"
        given = self.cleaned_data
        return ScheduleDraft(
            backend=self.engine.alias,
            rule=self.rule.as_dict(),
            missed=self.policy.as_dict(),
            jitter=given["jitter"] or timedelta(0),
            **{name: given[name] for name in _SAME},
        )


_SAME = ("name", "task_path", "args", "kwargs", "overlap", "starts_at", "ends_at")
_BLANK: dict[str, Any] = {
    "args": [],
    "kwargs": {},
    "kind": Crontab.kind,
    "tz": "UTC",
    "overlap": Overlap.ALLOW,
    "missed": Coalesce.name,
    "limit": 10,
    "age": timedelta(hours=1),
}


def _crontab(given: dict[str, Any]) -> Rule:
    return Crontab(given["expression"], given["tz"], seconds=given["seconds"])


def _every(given: dict[str, Any]) -> Rule:
    if given["interval"] is None:
        raise InvalidSchedule("Enter an interval of at least one second, such as 5 minutes.")
    return Every(given["interval"], given.get("anchor"))


def _once(given: dict[str, Any]) -> Rule:
    if given["at"] is None:
        raise InvalidSchedule("Enter the time at which the task runs.")
    return Once(given["at"])


def _catch_up(given: dict[str, Any]) -> MissedPolicy:
    return CatchUp(given["limit"])


def _skip_if_older(given: dict[str, Any]) -> MissedPolicy:
    return SkipIfOlderThan(given["age"])


# The field where an error belongs, and what is made of the fields.
_RULES: dict[str, tuple[str, Callable[[dict[str, Any]], Rule]]] = {
    Crontab.kind: ("expression", _crontab),
    Every.kind: ("interval", _every),
    Once.kind: ("at", _once),
}
_POLICIES: dict[str, tuple[str, Callable[[dict[str, Any]], MissedPolicy]]] = {
    Coalesce.name: ("missed", lambda _given: Coalesce()),
    CatchUp.name: ("limit", _catch_up),
    SkipIfOlderThan.name: ("age", _skip_if_older),
}


def initial_of(row: Schedule) -> dict[str, Any]:
    """Return the form's initial values for a row; values that cannot be read stay empty."""
    shown = _BLANK | {name: getattr(row, name) for name in (*_SAME, "jitter")}
    shown["jitter"] = row.jitter or None
    for read, stored in ((_rule_initial, row.rule), (_missed_initial, row.missed)):
        try:
            shown |= read(stored)
        except Exception:  # noqa: BLE001, S112 - whatever somebody put into the row
            continue
    return shown


def _rule_initial(stored: Any) -> dict[str, Any]:
    match rule_from(stored):
        case Crontab() as cron:
            values = {"expression": cron.expression, "tz": cron.tz, "seconds": cron.seconds}
        case Every() as every:
            values = {"interval": every.interval, "anchor": every.anchor}
        case Once() as once:
            values = {"at": once.at}
        case _:
            values = {}
    return {"kind": stored["kind"], **values}


def _missed_initial(stored: Any) -> dict[str, Any]:
    policy = missed_from(stored)
    extra = {name: getattr(policy, name) for name in ("limit", "age") if hasattr(policy, name)}
    return {"missed": policy.name, **extra}
