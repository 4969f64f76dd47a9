"""Tags for chart parts that come in hundreds, where a template would be too slow."""

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()

_BAR = '<rect class="djt-bar {}" x="{}" y="{}" width="{}" height="{}"/>'
_STEP = (
    '<g class="djt-step"><rect x="{{}}" width="{{}}" y="{top}" height="{height}"/>'
    '<foreignObject width="100%" y="{over}" height="{height}"><p>{{}}</p></foreignObject></g>'
)


@register.simple_tag
def draw_bars(bars: Iterable[Any]) -> SafeString:
    """Draw the bars of a plot."""
    return format_html_join("", _BAR, ((b.css, b.x, b.y, b.width, b.height) for b in bars))


@register.simple_tag
def draw_steps(plot: Any) -> SafeString:
    """Draw the strips of a plot that show their values while the pointer is on them."""
    step = _STEP.format(top=plot.top, height=plot.inner, over=plot.top - 18)
    return format_html_join("", step, ((s.x, s.width, s.text) for s in plot.steps))
