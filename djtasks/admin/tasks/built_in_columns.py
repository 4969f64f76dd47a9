"""The built-in columns of the list of tasks."""

from django.template import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from djtasks.admin.tasks.columns import Column, ListedTask
from djtasks.inspection.display.calls import Piece
from djtasks.templatetags.djtasks_pages import (
    NOTHING,
    breakable,
    duration,
    module_of,
    number,
    phase_badge,
    short_name,
    when,
)


def _task(task: ListedTask) -> SafeString:
    module = module_of(task.task_path)
    return format_html(
        '<span class="djt-name"><a class="djt-plain djt-break" href="{}">'
        '<span class="mod">{}</span>{}</a></span>{}',
        task.url,
        format_html("{}.<wbr>", breakable(module)) if module else "",
        breakable(short_name(task.task_path)),
        _call(task.arguments),
    )


def _call(pieces: list[Piece]) -> SafeString | str:
    if not pieces:
        return ""
    shown = (
        format_html('<span class="djt-redacted">{}</span>', _("hidden"))
        if piece.kind == "hidden"
        else piece.text
        for piece in pieces
    )
    joined = format_html_join("", "{}", ((one,) for one in shown))
    return format_html('<code class="djt-args">{}</code>', joined)


def _error(task: ListedTask) -> SafeString:
    if not task.exception:
        return format_html('<span class="djt-quiet">{}</span>', NOTHING)
    name = format_html('<span class="djt-break djt-strong">{}</span>', breakable(task.exception))
    if not task.message:
        return name
    return format_html('{}<span class="second djt-break djt-clamped">{}</span>', name, task.message)


def _clamped(text: str) -> SafeString:
    return format_html('<span class="djt-clamped" title="{}">{}</span>', text, breakable(text))


def _waited(task: ListedTask) -> str:
    return NOTHING if task.phase in ("scheduled", "retrying") else duration(task.waited)


COLUMNS = (
    Column("task", label=gettext_lazy("Task"), value=_task, is_heading=True, queries=False),
    Column(
        "state",
        label=gettext_lazy("State"),
        value=lambda task: phase_badge(task.phase),
        css="",
        queries=False,
    ),
    Column("error", label=gettext_lazy("Error"), value=_error, css="djt-span2", queries=False),
    Column(
        "queue",
        label=gettext_lazy("Queue"),
        value=lambda task: _clamped(task.queue),
        css="djt-break djt-short",
        queries=False,
    ),
    Column(
        "when",
        label=gettext_lazy("When"),
        hint=gettext_lazy("When it ended, else started, else is due"),
        value=lambda task: when(Context({"now": task.now}), task.at),
        css="num",
        queries=False,
    ),
    Column("waited", label=gettext_lazy("Waited"), value=_waited, css="num", queries=False),
    Column(
        "ran",
        label=gettext_lazy("Ran"),
        value=lambda task: duration(task.ran),
        css="num",
        queries=False,
    ),
    Column(
        "attempts",
        label=gettext_lazy("Attempts"),
        value=lambda task: f"{number(task.attempt)}/{number(task.max_attempts)}",
        css="num",
        queries=False,
    ),
    Column(
        "worker",
        label=gettext_lazy("Worker"),
        value=lambda task: _clamped(task.worker_name or NOTHING),
        css="djt-break djt-worker",
        queries=False,
    ),
)
