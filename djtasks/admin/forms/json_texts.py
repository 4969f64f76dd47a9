"""Fields for JSON that somebody types."""

from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext_lazy as _

from djtasks.formats.json_values import MAX_DEPTH


class JSONField(forms.JSONField):
    """A JSONField that answers a text which is nested too deeply, as any other that is not JSON."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except RecursionError:
            raise forms.ValidationError(
                _("This is nested too deeply. The maximum is %(depth)s levels."),
                params={"depth": MAX_DEPTH},
            ) from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return InvalidJSONInput(data)


def json_field(label: Any, help_text: Any) -> JSONField:
    """Return a field of two lines for a list or an object; it may stay empty."""
    widget = forms.Textarea(attrs={"rows": 2, "class": "mono", "spellcheck": "false"})
    return JSONField(label=label, help_text=help_text, required=False, widget=widget)
