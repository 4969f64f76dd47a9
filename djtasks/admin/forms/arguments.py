"""A form field for one argument of a task: its type, its default and what it accepts.

Values are in the JSON form in which they are stored; a typed task receives their types.
"""

import json
import types
from datetime import date, time
from inspect import Parameter
from typing import Any, Union, get_args, get_origin

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.translation import gettext as _

from djtasks.admin.forms.kinds import AS_JSON, TEXT, kind_of
from djtasks.errors import InvalidArguments
from djtasks.formats.json_values import encode
from djtasks.formats.placeholders import ENCRYPTED, Hidden, has_placeholder


class _LeftOut:
    """The value of an empty field: the function's own default applies."""

    def __repr__(self) -> str:
        return "LEFT_OUT"


LEFT_OUT = _LeftOut()
_LONGEST_TYPE = 60


class ArgumentField(forms.Field):
    """Return the value to pass, or LEFT_OUT.

    `shown_default`: the default without what is sensitive in it; a placeholder if all of it is.
    """

    def __init__(
        self, parameter: Parameter, annotation: Any, *, shown_default: Any, is_typed: bool = False
    ) -> None:
        self.parameter = parameter
        # None if values of this argument may be shown.
        self.placeholder = shown_default if isinstance(shown_default, Hidden) else None
        # What is hidden inside must not come back as the word that stands for it.
        self.hides_default = has_placeholder(shown_default)
        plain, takes_none = _without_none(annotation)
        self.plain = plain
        self.takes_none = takes_none or parameter.default is None
        self.kind = kind_of(plain, is_typed=is_typed)
        super().__init__(
            required=parameter.default is Parameter.empty and not _is_open(parameter),
            label=_shown_name(parameter),
            widget=_widget(self),
            help_text=_help(self),
        )
        shown = Parameter.empty if self.placeholder else shown_default
        self.type_words = _type_words(parameter.replace(default=shown))

    def to_python(self, value: Any) -> Any:
        """Return the value; an empty field means the default."""
        if self.plain is bool and not self.takes_none:
            return bool(value)
        text = "" if value is None else str(value)
        if text == "" or (self.kind is not TEXT and not text.strip()):
            return self._of_nothing()
        read = self._read(text)
        try:
            encode(read, _shown_name(self.parameter))
        except InvalidArguments as error:
            raise ValidationError(str(error)) from None
        return read

    def validate(self, value: Any) -> None:
        """Accept everything: an empty list is a value too."""

    def _of_nothing(self) -> Any:
        # A text that is preset can be emptied; any other field cannot say "empty".
        if isinstance(self.parameter.default, str) and not self.placeholder:
            return ""
        if self.required:
            raise ValidationError(self.error_messages["required"], code="required")
        return LEFT_OUT

    def _read(self, text: str) -> Any:
        if self.plain is bool:
            return {"true": True, "false": False}.get(text)
        if self.kind.options:
            return self._chosen(text)
        try:
            value = self.kind.read(text)
        except (ValueError, RecursionError):
            said = {"text": "" if self.placeholder else f" “{text[:60]}”"}
            raise ValidationError(
                _("The value%(text)s is not valid. Enter %(expected)s.")
                % (said | {"expected": self.kind.expected()})
            ) from None
        if self.parameter.kind is Parameter.VAR_POSITIONAL and not isinstance(value, list):
            raise ValidationError(_("Enter a JSON list, such as [1, 2]."))
        if self.parameter.kind is Parameter.VAR_KEYWORD and not isinstance(value, dict):
            raise ValidationError(_('Enter a JSON object, such as {"name": 1}.'))
        return value

    def _chosen(self, text: str) -> Any:
        for one, _label in self.kind.options:
            if str(one) == text:
                return one
        raise ValidationError(_("Choose one of the listed values."))

    def shown(self, value: Any) -> Any:
        """Return a value as the field shows it, or None if the field cannot show it."""
        if value is None or (self.plain is bool and not self.takes_none):
            return value
        if self.kind.options:
            return str(getattr(value, "value", value))
        if isinstance(value, str) and self.kind is not AS_JSON:
            return value
        if self.kind is AS_JSON or isinstance(value, list):
            try:
                return json.dumps(value, ensure_ascii=False)
            except (TypeError, ValueError):
                return None
        return str(value).lower() if self.plain is bool else str(value)


def _is_open(parameter: Parameter) -> bool:
    return parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def _without_none(annotation: Any) -> tuple[Any, bool]:
    """Return `str` and True for `str | None`; return other types unchanged."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    members = [one for one in get_args(annotation) if one is not type(None)]
    takes_none = len(members) < len(get_args(annotation))
    return (members[0] if len(members) == 1 else annotation), takes_none


def _shown_name(parameter: Parameter) -> str:
    if parameter.kind is Parameter.VAR_POSITIONAL:
        return f"*{parameter.name}"
    return f"**{parameter.name}" if parameter.kind is Parameter.VAR_KEYWORD else parameter.name


def _type_words(parameter: Parameter) -> str:
    """Return annotation and default as written in the code, or "" if they cannot be printed."""
    plain = parameter.replace(name="x")
    try:
        words = str(plain).lstrip("*").removeprefix("x").removeprefix(":").strip()
        words = words.replace("typing.", "").replace("datetime.date", "date")
    except Exception:  # noqa: BLE001 - the project's own __repr__
        return ""
    return words if len(words) <= _LONGEST_TYPE else f"{words[:_LONGEST_TYPE]}…"


def _help(field: ArgumentField) -> str:
    if field.placeholder:
        return _help_for_hidden(field)
    if field.parameter.kind is Parameter.VAR_POSITIONAL:
        return _("More positional arguments, as a JSON list.")
    if field.parameter.kind is Parameter.VAR_KEYWORD:
        return _("More keyword arguments, as a JSON object.")
    if field.plain in (str, int, float, bool) or field.kind.options:
        return ""  # its type says it
    expected = field.kind.expected()
    words = f"{expected[:1].upper()}{expected[1:]}."
    address = field.kind.address()
    if address is None:
        return words
    return format_html('{} <a href="{}" target="_blank">{}</a>', words, address, _("Find it"))


def _help_for_hidden(field: ArgumentField) -> str:
    if field.placeholder is ENCRYPTED:
        return _("Encrypted: the value is stored encrypted, and only the task gets it.")
    return _("Sensitive: the value is stored but never shown again, not even here.")


def _widget(field: ArgumentField) -> forms.Widget:
    if field.plain is bool:
        choices = [("", "None"), ("true", "True"), ("false", "False")]
        return forms.Select(choices=choices) if field.takes_none else forms.CheckboxInput()
    if field.placeholder:
        return forms.PasswordInput(attrs={"autocomplete": "new-password", "class": "mono"})
    if field.kind.options:
        return _choice(field)
    attrs: dict[str, Any] = {"class": "mono", "autocomplete": "off", "spellcheck": "false"}
    if field.plain in (int, float):
        attrs |= {"inputmode": "decimal" if field.plain is float else "numeric"}
        attrs["class"] = "mono short"
    if field.plain in (date, time):
        attrs |= {"type": "date"} if field.plain is date else {"type": "time", "step": "1"}
    if field.takes_none:
        attrs["placeholder"] = "None"
    if field.kind.rows:
        return forms.Textarea(attrs=attrs | {"rows": field.kind.rows})
    return forms.TextInput(attrs=attrs)


def _choice(field: ArgumentField) -> forms.Select:
    values = [(str(one), label) for one, label in field.kind.options]
    empty = [("", "None" if field.takes_none else "")] if _needs_empty(field) else []
    return forms.Select(choices=[*empty, *values])


def _needs_empty(field: ArgumentField) -> bool:
    return field.takes_none or field.parameter.default is Parameter.empty
