"""The page of one task: its call, its history, why it does not run, and its actions."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _

from djtasks.admin.audit import trail_of
from djtasks.admin.targets import Link, address_on, target_link
from djtasks.admin.task_pages import TaskPages
from djtasks.admin.tasks.access import VERBS, TasksAdmin, TaskView, about_one, require_verb
from djtasks.admin.tasks.actions import LIST, act, buttons_of
from djtasks.admin.tasks.attempts import attempt_rows, checks_of, standing_of
from djtasks.admin.tasks.references import references
from djtasks.admin.tasks.timeline import drawing_of
from djtasks.engine import Engine
from djtasks.inspection import (
    Piece,
    Pretty,
    TaskFacts,
    pretty,
    task_facts_of,
    why_facts_of,
    why_not_running,
)
from djtasks.inspection.attempts import without_messages
from djtasks.inspection.rows import stored_schedule
from djtasks.inspection.visibility import visibility_if
from djtasks.protocol.states import FINAL, State

_SHOWN_RELATED = 8
# What only those see who may see arguments; the key of a unique task is made of them.
_PRIVATE = frozenset({"call", "args", "kwargs", "return_value", "progress", "metadata", "key"})


def task_urls(admin: TaskPages) -> list[URLPattern]:
    """Return the URL patterns of one task's pages; its id may be any text."""
    one = "<path:object_id>/"
    see = VERBS["view"]
    return [
        admin.page(
            f"{one}change/",
            partial(about_one(task_page), admin),
            "djtasks_taskrecord_change",
            permission=see,
        ),
        admin.page(
            f"{one}download/",
            partial(about_one(download), admin),
            "djtasks_taskrecord_download",
            permission=see,
        ),
        *(
            admin.page(
                f"{one}{action.name}/",
                partial(about_one(act), admin, action=action),
                f"djtasks_taskrecord_{action.name}",
                permission=action.permission,
            )
            for action in admin.task_actions
            if action.one is not None
        ),
    ]


def task_page(admin: TasksAdmin, request: HttpRequest, view: TaskView) -> HttpResponse:
    """Show everything about one record."""
    row, engine = view.row, view.engine
    require_verb(admin, request, "view", row)
    if request.method == "POST":
        raise PermissionDenied  # a record is operated, and never edited
    now = engine.store.now()
    may_see = admin.has_task_permission(request, "view_arguments", row)
    facts = _facts(view, now, may_see=may_see)
    reasons = why_not_running(why_facts_of(engine, row, now))
    return admin.show(
        request,
        "djtasks/task.html",
        LIST,
        **_shown(facts, may_see=may_see),
        summary=reasons[0].text,
        checks=checks_of(reasons[1:]),
        attempts=attempt_rows(engine, facts),
        buttons=buttons_of(admin, request, facts),
        may_enqueue=facts.is_known and admin.has_task_permission(request, "enqueue", row),
        about=target_link(admin.admin_site, facts.target),
        references=references(admin.admin_site, request, engine, facts) if may_see else [],
        schedule=_schedule(admin.admin_site, engine, facts.schedule),
        related=_related(facts),
        trail=trail_of(facts.id, facts),
    )


def _facts(view: TaskView, now: datetime, *, may_see: bool) -> TaskFacts:
    """Return the facts of a record, without messages of errors that the user may not see."""
    facts = task_facts_of(view.engine, view.row, now)
    if visibility_if(view.engine, may_see=may_see).errors:
        return facts
    return replace(facts, attempts=without_messages(facts.attempts))


def _shown(facts: TaskFacts, *, may_see: bool) -> dict[str, Any]:
    """Return what the facts tell, without arguments and results if the user may not see them."""
    return {
        "title": facts.function,
        # A record has one alias, whichever the other pages show.
        "aliases": [],
        "backend": facts.backend,
        "now": facts.now,
        "facts": facts,
        "is_final": facts.state in FINAL,
        "standing": standing_of(facts.phase),
        "question": _question(facts),
        "attempt_now": facts.attempt + 1,
        "may_see": may_see,
        "call": facts.call if may_see else _call_without_arguments(facts),
        "arguments": pretty({"args": facts.args, "kwargs": facts.kwargs}) if may_see else None,
        "result": _result(facts) if may_see else None,
        "metadata": pretty(facts.metadata) if may_see and facts.metadata is not None else None,
        "progress": _progress(facts),
        "drawing": drawing_of(facts),
    }


def download(admin: TasksAdmin, request: HttpRequest, view: TaskView) -> HttpResponse:
    """Return a record as a JSON file, without what the user may not see."""
    require_verb(admin, request, "view", view.row)
    may_see = admin.has_task_permission(request, "view_arguments", view.row)
    facts = _facts(view, view.engine.store.now(), may_see=may_see)
    left_out = {"timeline", "related", "now"}
    if not may_see:
        left_out |= _PRIVATE
    values = {
        one.name: getattr(facts, one.name) for one in fields(facts) if one.name not in left_out
    }
    if "call" in values:
        values["call"] = "".join(piece.text for piece in facts.call)
    text = msgspec.json.format(msgspec.json.encode(values, enc_hook=str), indent=2)
    answer = HttpResponse(text, content_type="application/json; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="task-{facts.id}.json"'
    return answer


def _question(facts: TaskFacts) -> str:
    if facts.state in FINAL:
        return ""
    if facts.state == State.RUNNING:
        return _("What is it doing?")
    return _("Why is it not running?")


def _call_without_arguments(facts: TaskFacts) -> Sequence[Piece]:
    hidden = Piece("hidden", _("arguments hidden"))
    return [Piece("name", facts.function), Piece("plain", ".enqueue("), hidden, Piece("plain", ")")]


def _result(facts: TaskFacts) -> Pretty | None:
    return pretty(facts.return_value) if facts.state == State.SUCCESSFUL else None


def _progress(facts: TaskFacts) -> dict[str, Any] | None:
    """Return the reported progress, or None if there is none that can be read."""
    values = facts.progress
    if not isinstance(values, dict) or not isinstance(values.get("done"), int | float):
        return None
    total = values.get("total")
    share = None
    if isinstance(total, int | float) and total > 0:
        share = min(max(values["done"] / total, 0.0), 1.0)
    return {
        "done": values["done"],
        "total": total if share is not None else None,
        "share": share,
        "width": f"{100 * (share or 0):.1f}%",
        "note": str(values.get("note") or ""),
    }


def _schedule(site: AdminSite, engine: Engine, pk: int | None) -> Link | None:
    if pk is None:
        return None
    row = stored_schedule(engine, pk)
    if row is None:
        return Link(_("schedule %(pk)s, deleted") % {"pk": pk}, None)
    return Link(row.name, address_on(site, "djtasks_schedule_change", pk))


def _related(facts: TaskFacts) -> list[dict[str, Any]]:
    """Return other tasks of the same object, then tasks that failed the same way."""
    words = {"target": _("About the same object"), "failure": _("Failed the same way")}
    groups = []
    for why, label in words.items():
        found = [one for one in facts.related if one.why == why]
        shown = [(one, standing_of(one.state.name.lower())) for one in found[:_SHOWN_RELATED]]
        if found:
            groups.append({"label": label, "why": why, "shown": shown})
    return groups
