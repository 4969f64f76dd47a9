"""Template tags and filters of the admin pages: icons, states, times, durations and numbers."""

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from djtasks.formats import tracebacks
from djtasks.formats.durations import in_words
from djtasks.formats.moments import in_zone
from djtasks.inspection.search.tokens import quoted
from djtasks.models import TaskState

register = template.Library()

register.filter("shown_file", tracebacks.shown_file)

_BREAKS = re.compile(r"(?<=[_./:-])")
NOTHING = "\N{EN DASH}"
# The states in the words of people: tint, symbol and word of each.
PHASES: dict[str, tuple[str, str, str | Promise]] = {
    "ready": ("wait", "ready", gettext_lazy("Ready")),
    "scheduled": ("wait", "scheduled", gettext_lazy("Scheduled")),
    "retrying": ("retrying", "retrying", gettext_lazy("Retrying")),
    "running": ("running", "running", gettext_lazy("Running")),
    "successful": ("ok", "ok", gettext_lazy("Successful")),
    "failed": ("failed", "failed", gettext_lazy("Failed")),
    "cancelled": ("off", "cancelled", gettext_lazy("Cancelled")),
    "expired": ("off", "expired", gettext_lazy("Expired")),
    "waiting": ("wait", "ready", gettext_lazy("Waiting")),
}
JUST_NOW = timedelta(seconds=1)


@register.simple_tag(takes_context=True)
def stylesheet(context: template.Context, name: str) -> SafeString:
    """Link a djtasks stylesheet, with the page's nonce if the site uses nonces."""
    return format_html(
        '<link rel="stylesheet" href="{}"{}>', static(f"djtasks/{name}.css"), _nonce(context)
    )


@register.simple_tag(takes_context=True)
def script(context: template.Context, name: str) -> SafeString:
    """Load a djtasks script after the page, with the page's nonce if the site uses nonces."""
    return format_html(
        '<script src="{}" defer{}></script>', static(f"djtasks/{name}.js"), _nonce(context)
    )


def _nonce(context: template.Context) -> str | SafeString:
    nonce = context.get("csp_nonce")
    return format_html(' nonce="{}"', nonce) if nonce else ""


@register.simple_tag
def own_language() -> SafeString | str:
    """Return the attributes for text in English on a page whose language djtasks does not have."""
    english = "Background tasks"
    is_english = (get_language() or "en").startswith("en")
    if is_english or _(english) != english:
        return ""
    return format_html(' lang="{}" dir="{}"', "en", "ltr")


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """Draw a symbol of `djtasks/icons.html`; it repeats what words beside it say."""
    return format_html(
        '<svg class="djt-icon {}" aria-hidden="true"><use href="#djt-i-{}"/></svg>', css, name
    )


@register.simple_tag
def badge(css: str, symbol: str, word: str) -> SafeString:
    """Draw a state: a tint, a symbol and a word, since colour alone says nothing."""
    return format_html('<span class="djt-state djt-state--{}">{}{}</span>', css, icon(symbol), word)


@register.simple_tag
def phase_badge(phase: str) -> SafeString:
    """Draw the state of a task as a badge."""
    css, symbol, word = PHASES[phase]
    return badge(css, symbol, str(word))


@register.filter
def breakable(text: object) -> SafeString:
    """Let a long name break after `_ . / : -`."""
    return format_html_join("", "{}<wbr>", ((part,) for part in _BREAKS.split(str(text))))


@register.filter
def state_word(state: int) -> str:
    """Return the label of a state."""
    return str(TaskState(state).label)


@register.filter
def short_name(path: str) -> str:
    """Return the function of a task's path."""
    return path.rpartition(".")[2]


@register.filter
def module_of(path: str) -> str:
    """Return the module of a task's path."""
    return path.rpartition(".")[0]


@register.filter
def duration(length: timedelta | float | None) -> str:
    """Return a duration in at most two parts: `40 ms`, `0.8 s`, `2 min 48 s`; None is a dash."""
    if length is None:
        return NOTHING
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    if 0 < seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    if 0 < seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    return in_words(timedelta(seconds=round(max(seconds, 0))))


@register.filter
def number(count: float | None) -> str:
    """Return a number with separators, with one decimal below ten if needed; None is a dash."""
    if count is None:
        return NOTHING
    return str(intcomma(round(count) if count >= 10 else round(count, 1) or 0))


@register.filter
def count(found: int | None, limit: int = 100_000) -> str:
    """Return a count, with a plus if it stopped at `limit`."""
    return f"{number(found)}+" if found is not None and found >= limit else number(found)


@register.filter
def percent(share: float | None) -> str:
    """Return a share (0 to 1) as a percentage for people."""
    if share is None:
        return NOTHING
    shown = 100 * share
    if 0 < shown < 0.1:
        return "< 0.1 %"
    return f"{shown:.1f} %" if 0 < shown < 10 else f"{shown:.0f} %"


@register.filter
def megabytes(size: int | None) -> str:
    """Return bytes as megabytes."""
    return NOTHING if size is None else f"{intcomma(round(size / 1024 / 1024))} MB"


@register.simple_tag(takes_context=True)
def when(context: template.Context, moment: datetime | None) -> SafeString | str:
    """Show how long ago or in how long a moment is; the exact time, with zone, on hover."""
    if moment is None:
        return NOTHING
    return clock(moment, _relative(moment - (context.get("now") or timezone.now())))


@register.simple_tag(takes_context=True)
def lasting(context: template.Context, since: datetime) -> SafeString | str:
    """Show how long something has lasted; its exact start on hover."""
    return clock(since, duration((context.get("now") or timezone.now()) - since))


@register.simple_tag
def clock(moment: datetime, text: str = "") -> SafeString:
    """Show a moment as `text` or as a time of the day; the exact time, with zone, on hover."""
    local = in_zone(moment, timezone.get_current_timezone())
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        f"{local:%a} {local.day} {local:%b %Y %H:%M:%S %Z}",
        text or f"{local:%H:%M:%S}",
    )


@register.filter
def moment_words(moment: datetime) -> str:
    """Return a moment as a time of today, or with its day."""
    local = in_zone(moment, timezone.get_current_timezone())
    is_today = local.date() == timezone.localdate()
    return f"{local:%H:%M:%S}" if is_today else f"{date_format(local, 'j M')} {local:%H:%M:%S}"


@register.simple_tag
def run_time(local: datetime) -> SafeString:
    """Show a due time on the clock of its schedule: day, time and the name of the zone."""
    seconds = f":{local:%S}" if local.second else ""
    return format_html(
        '{} &nbsp;<b>{}{}</b> <span class="djt-quiet">{}</span>',
        f"{local:%a} {local.day} {local:%b}",
        f"{local:%H:%M}",
        seconds,
        local.tzname() or "",
    )


@register.simple_tag(takes_context=True)
def near(context: template.Context, local: datetime) -> str:
    """Show a coming moment on its own clock: only the time today, the weekday within six days."""
    days = (
        local.date() - (context.get("now") or timezone.now()).astimezone(local.tzinfo).date()
    ).days
    if days == 0:
        return f"{local:%H:%M}"
    return date_format(local, "D H:i" if 0 < days < 7 else "j M H:i")


def _relative(ahead: timedelta) -> str:
    if abs(ahead) < JUST_NOW:
        return _("now")
    words = in_words(abs(ahead))
    return (
        _("in %(duration)s") % {"duration": words}
        if ahead > JUST_NOW
        else _("%(duration)s ago") % {"duration": words}
    )


@register.simple_tag
def meter(part: float | None, whole: float, css: str) -> SafeString:
    """Draw a part of a whole as a bar; the number stands beside it."""
    share = f"{100 * min((part or 0) / whole, 1):.1f}%" if whole else "0%"
    return format_html(
        '<svg class="djt-meter" width="96" height="6" aria-hidden="true">'
        '<rect class="track" width="100%" height="6"/>'
        '<rect class="djt-bar {}" width="{}" height="6"/></svg>',
        css,
        share,
    )


@register.simple_tag
def change(now: float | None, before: float | None) -> SafeString | str:
    """Show how much a duration grew since before; in red if it at least doubled."""
    if now is None or not before:
        return NOTHING
    if now >= 2 * before:
        return format_html(
            '<span class="djt-bad-text djt-strong">\N{MULTIPLICATION SIGN} {}</span>',
            number(now / before),
        )
    grown = round(100 * (now / before - 1))
    sign = "+" if grown > 0 else "\N{MINUS SIGN}" if grown < 0 else "\N{PLUS-MINUS SIGN}"
    return f"{sign}{abs(grown)} %"


@register.simple_tag(takes_context=True)
def tasks_found(context: template.Context, **terms: str) -> str:
    """Return the address of the list of tasks that a search finds, without its empty terms."""
    found = " ".join(f"{key}:{quoted(value)}" for key, value in terms.items() if value)
    query = {"q": found, "backend": context.get("backend")}
    asked = urlencode({name: value for name, value in query.items() if value})
    list_ = reverse("admin:djtasks_taskrecord_changelist", current_app=_site_of(context))
    return f"{list_}?{asked}"


def _site_of(context: template.Context) -> str | None:
    return getattr(context.get("request"), "current_app", None)


@register.simple_tag(takes_context=True)
def address(context: template.Context, **changes: Any) -> str:
    """Return this page's query string with some parameters changed; None drops one."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = str(value)
    return f"?{query.urlencode()}"
