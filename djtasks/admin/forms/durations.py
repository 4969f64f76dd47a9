"""A form field for a duration, as people write it."""

import re
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from djtasks.formats.durations import LONGEST
from djtasks.schedules.rules.base import duration_in_words

_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_NAME = "s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|w|weeks?|"
_PART = re.compile(rf"\s*(\d{{1,12}}(?:\.\d{{1,6}})?)\s*({_NAME})(?![a-z])[\s,]*", re.ASCII)


class HumanDurationField(forms.Field):
    """Turn `90`, `5 minutes` or `1 h 30 min` into a timedelta; a bare number is seconds."""

    widget = forms.TextInput

    def to_python(self, value: Any) -> timedelta | None:
        """Return the duration, or None for an empty field."""
        text = str(value or "").strip()
        return _duration_of(text.lower()) if text else None

    def prepare_value(self, value: Any) -> Any:
        """Return a duration as text that the field accepts again."""
        if not isinstance(value, timedelta):
            return value
        whole = value % timedelta(seconds=1) == timedelta(0)
        return duration_in_words(value) if whole else f"{value.total_seconds():f} seconds"


def _duration_of(text: str) -> timedelta:
    seconds, place = 0.0, 0
    while found := _PART.match(text, place):
        unit = _UNITS[found[2][:1] or "s"]
        seconds += float(found[1]) * unit.total_seconds()
        place = found.end()
    if not place or place != len(text):
        raise forms.ValidationError(
            _(
                "“%(text)s” is not a duration. "
                "Write one such as “90 seconds” or “1 hour 30 minutes”."
            )
            % {"text": text}
        )
    if seconds > LONGEST.total_seconds():
        raise forms.ValidationError(
            _("This duration is too long. The maximum is %(days)s days.") % {"days": LONGEST.days}
        )
    return timedelta(seconds=seconds)
