"""Filters of the library's templates: names that may break, numbers for SVG, spans as words."""

import re
from datetime import timedelta

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()

_BREAKS = re.compile(r"(?<=[_./-])")


@register.filter
def breakable(text: str) -> SafeString:
    """Let a long name break after `_ . / -`, as well as it is escaped."""
    return format_html_join("", "{}<wbr>", ((part,) for part in _BREAKS.split(str(text))))


@register.filter
def percent(share: float) -> str:
    """Return a share (0 to 1) as a percentage for SVG: two digits, a point, whatever locale."""
    return f"{100 * share:.2f}%"


@register.filter
def percent_of(part: float, whole: float) -> str:
    """Return `part` of `whole` as a percentage for SVG."""
    return percent(part / whole if whole else 0)


@register.filter
def units(number: float) -> str:
    """Return a length for SVG, without a thousands separator."""
    return f"{number:.1f}"


@register.filter
def span(value: timedelta | float) -> str:
    """Return a time span in words of at most two parts: `0.8 s`, `42 s`, `3 min 20 s`, `2 h`."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    parts = [(whole // 3600, "h"), (whole % 3600 // 60, "min"), (whole % 60, "s")]
    first = next(index for index, (number, _) in enumerate(parts) if number)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number)


@register.filter
def rate(per_second: float) -> str:
    """Return a rate: whole from 10 on, one digit below."""
    return f"{per_second:,.0f}" if per_second >= 10 else f"{per_second:.1f}"
