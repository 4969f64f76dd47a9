"""A form field for a time, as people write it: `10 min`, `tomorrow 08:00`, `2026-10-20 14:30`."""

import re
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from djtasks.admin.forms.durations import HumanDurationField
from djtasks.formats.durations import LONGEST

_CLOCK = re.compile(r"(?:(today|tomorrow)\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_NOW = ("now", "at once")
HELP = gettext_lazy("“10 min”, “tomorrow 08:00”, or a date and time; %(zone)s")


class MomentField(forms.Field):
    """Return an aware datetime, or None if empty; a time without a zone is in the current zone.

    A duration counts from `now`, which the form sets to the database's clock before it validates.
    """

    widget = forms.TextInput

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.now: datetime = timezone.now()

    def to_python(self, value: Any) -> datetime | None:
        """Return the time. Raise ValidationError if it is not a time, or too far away."""
        text = " ".join(str(value or "").lower().split())
        if not text:
            return None
        moment = self.now if text in _NOW else _moment_of(text, self.now)
        if abs(moment - self.now) > LONGEST:
            raise forms.ValidationError(
                _("This is too far away. The maximum is %(days)s days.") % {"days": LONGEST.days}
            )
        return moment


class StoredMomentField(forms.DateTimeField):
    """A DateTimeField that also shows the first and last days of the calendar.

    A stored moment that does not exist in the page's time zone is shown in UTC.
    """

    def prepare_value(self, value: Any) -> Any:
        try:
            return super().prepare_value(value)
        except OverflowError:
            return value.replace(tzinfo=None)


def _moment_of(text: str, now: datetime) -> datetime:
    try:
        if clock := _CLOCK.fullmatch(text):
            return _on_the_clock(clock, now)
        return _stored(text)
    except (ValueError, OverflowError):
        return now + _duration(text)


def _on_the_clock(clock: re.Match[str], now: datetime) -> datetime:
    """Return a time today or tomorrow; without a day, the next time the clock shows it."""
    local = timezone.localtime(now)
    hour, minute, second = (int(part or 0) for part in clock.groups()[1:])
    wall = local.replace(hour=hour, minute=minute, second=second, microsecond=0, tzinfo=None)
    day = timedelta(days=1)
    if clock[1] == "tomorrow":
        return timezone.make_aware(wall + day)
    moment = timezone.make_aware(wall)
    return moment if clock[1] or moment > now else timezone.make_aware(wall + day)


def _stored(text: str) -> datetime:
    moment = datetime.fromisoformat(text.upper())
    return timezone.make_aware(moment) if moment.tzinfo is None else moment


def _duration(text: str) -> timedelta:
    try:
        duration: timedelta = HumanDurationField().clean(text.removeprefix("in "))
    except forms.ValidationError:
        raise forms.ValidationError(
            _(
                "“%(text)s” is not a time. Write a duration such as “10 min”, a time such as "
                "“tomorrow 08:00”, or a date and time such as “2026-10-20 14:30”."
            )
            % {"text": text[:100]}
        ) from None
    return duration
