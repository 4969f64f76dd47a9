"""The form of a call: one field per argument in the task's signature, and its options."""

from dataclasses import dataclass
from datetime import datetime
from inspect import Parameter
from typing import Any, get_type_hints

from django import forms
from django.utils.translation import gettext as _

from djtasks.admin.forms.arguments import LEFT_OUT, ArgumentField
from djtasks.admin.forms.storable import StorableForm
from djtasks.admin.forms.task import moment_field, priority_field, queue_field
from djtasks.definitions.codecs import encode_call
from djtasks.definitions.redaction import redacted
from djtasks.definitions.signatures import check_call, shown_signature
from djtasks.definitions.task import Task
from djtasks.engine import Engine
from djtasks.enqueueing.encrypting import concealed
from djtasks.errors import InvalidArguments
from djtasks.formats.placeholders import has_placeholder
from djtasks.models import TaskRecord

OPTIONS = ("queue", "priority", "run_after")
_PREFIX = "arg-"  # so that an argument may be called `queue`


@dataclass(frozen=True, slots=True)
class Call:
    """The call that a valid form describes."""

    args: list[Any]
    kwargs: dict[str, Any]


class CallForm(StorableForm):
    """The arguments of one task, with errors at their fields; use `call()` once it is valid."""

    def __init__(self, data: Any, *, task: Task[..., Any], engine: Engine, now: datetime) -> None:
        given = {"queue": task.queue_name, "priority": task.priority}
        super().__init__(data, initial=given)
        self.task = task
        self.engine = engine
        for parameter in _parameters(task):
            field = self._argument(parameter)
            self.fields[_PREFIX + parameter.name] = field
            if parameter.default is not Parameter.empty and not field.hides_default:
                self.initial[_PREFIX + parameter.name] = field.shown(parameter.default)
        self.fields["queue"] = queue_field(engine, task.queue_name)
        self.fields["priority"] = priority_field()
        self.fields["run_after"] = moment_field(now)

    def _argument(self, parameter: Parameter) -> ArgumentField:
        # Whether a value of that name would be hidden is asked of what hides it.
        given = {parameter.name: parameter.default}
        _args, shown = redacted([], given, self.task, pattern=self._pattern())
        hint = _hints(self.task).get(parameter.name, parameter.annotation)
        if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
            hint = Parameter.empty
        is_typed = self.engine.with_policy(self.task).typed
        default = shown[parameter.name]
        return ArgumentField(parameter, hint, shown_default=default, is_typed=is_typed)

    def _pattern(self) -> str:
        return self.engine.options.redact or ""

    @property
    def arguments(self) -> list[forms.BoundField]:
        """Return the fields of the arguments, in the order of the signature."""
        return [self[name] for name in self.fields if name.startswith(_PREFIX)]

    def clean(self) -> dict[str, Any]:
        """Check the call as a whole: its signature and the size of its arguments."""
        given: dict[str, Any] = self.cleaned_data
        self._check_more()
        if self.errors:
            return given
        task, call = self.task, self.call()
        try:
            check_call(
                task.module_path,
                task.func,
                call.args,
                call.kwargs,
                takes_context=task.takes_context,
            )
            limit = self.engine.options.max_arguments
            encode_call(self.engine.with_policy(task), call.args, call.kwargs, limit=limit)
        except InvalidArguments as error:
            self.add_error(None, str(concealed(error, task, call.args, call.kwargs)))
        return given

    def _check_more(self) -> None:
        """Reject a key of `**kwargs` that is the name of another argument."""
        names = {p.name for p in _parameters(self.task) if p.kind is not p.VAR_KEYWORD}
        for bound in self.arguments:
            field: Any = bound.field
            value = self.cleaned_data.get(bound.name)
            if field.parameter.kind is Parameter.VAR_KEYWORD and isinstance(value, dict):
                for name in sorted(names & set(value)):
                    text = _("“%(name)s” has its own field above.") % {"name": name}
                    self.add_error(bound.name, text)

    def call(self) -> Call:
        """Return positional and keyword arguments as a person would write the call.

        Required arguments go by place, others by name, and what has the value of its default
        is left out; what stands before `*args` goes by place too, when those are given.
        """
        parameters = _parameters(self.task)
        values = {p.name: self.cleaned_data[_PREFIX + p.name] for p in parameters}
        more = next((values[p.name] for p in parameters if p.kind is p.VAR_POSITIONAL), LEFT_OUT)
        call = Call([], {})
        for parameter in parameters:
            _put(call, parameter, values[parameter.name], by_place=bool(more not in (LEFT_OUT, [])))
        return call

    def using(self) -> dict[str, Any]:
        """Return the options that differ from the task's defaults."""
        given = self.cleaned_data
        return {
            "queue_name": given["queue"] or None,
            "priority": given["priority"],
            "run_after": given["run_after"],
        }

    def resemble(self, row: TaskRecord) -> bool:
        """Fill in a record's arguments, except sensitive ones; return False if they don't fit."""
        args, kwargs = redacted(row.args, row.kwargs, self.task, pattern=self._pattern())
        task = self.task
        try:
            shown = shown_signature(task.func, takes_context=task.takes_context)
            values = shown.bind(*args, **kwargs).arguments
        except TypeError:
            return False
        for name, value in values.items():
            field: Any = self.fields[_PREFIX + name]
            given = list(value) if isinstance(value, tuple) else value
            # What is hidden inside must not come back as the word that stands for it.
            is_whole = not has_placeholder(given)
            self.initial[_PREFIX + name] = field.shown(given) if is_whole else None
        self.initial["priority"] = row.priority
        if not self.engine.queues or row.queue in self.engine.queues:
            self.initial["queue"] = row.queue
        return True


def _put(call: Call, parameter: Parameter, value: Any, *, by_place: bool) -> None:
    match parameter.kind:
        case Parameter.VAR_POSITIONAL:
            call.args.extend(value if value is not LEFT_OUT else [])
        case Parameter.VAR_KEYWORD:
            call.kwargs.update(value if value is not LEFT_OUT else {})
        case Parameter.POSITIONAL_ONLY:
            call.args.append(parameter.default if value is LEFT_OUT else value)
        case Parameter.POSITIONAL_OR_KEYWORD if by_place or parameter.default is Parameter.empty:
            call.args.append(parameter.default if value is LEFT_OUT else value)
        case _ if not _is_default(parameter, value):
            call.kwargs[parameter.name] = value


def _is_default(parameter: Parameter, value: Any) -> bool:
    default = parameter.default
    return value is LEFT_OUT or (type(value) is type(default) and value == default)


def _parameters(task: Task[..., Any]) -> list[Parameter]:
    shown = shown_signature(task.func, takes_context=task.takes_context)
    return list(shown.parameters.values())


def _hints(task: Task[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(task.func)
    except Exception:  # noqa: BLE001 - names that exist for type checkers only, or anything else
        return {}
