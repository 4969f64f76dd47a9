"""The views of bulk actions: first their effects, then their progress."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext as _

from djtasks import operations
from djtasks.admin.built_in_actions import BUILT_IN
from djtasks.admin.project_actions import run_on_many
from djtasks.admin.refusals import require
from djtasks.admin.search import chips_of, context_for, find, query
from djtasks.admin.task_actions import TaskAction, action_named
from djtasks.admin.task_pages import TaskPages
from djtasks.engine import Engine
from djtasks.errors import InvalidBulkAction
from djtasks.inspection import BulkFacts, bulk_action, bulk_actions
from djtasks.inspection.figures.batch_counts import COUNT_LIMIT, counts_of
from djtasks.inspection.rows import stored_bulk_action
from djtasks.inspection.search.phases import READY_PHASES
from djtasks.inspection.search.query import visible
from djtasks.models import BulkAction, TaskState
from djtasks.operations.bulk.here import MOST_HERE, RAISED
from djtasks.protocol.states import State
from djtasks.searching import SearchResult
from djtasks.templatetags.djtasks_pages import count as in_figures
from djtasks.templatetags.djtasks_pages import duration

TAB = "djtasks_taskrecord_changelist"
MOST_LOGGED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRequest:
    """A requested bulk action: its admin, request, engine, action and the tasks found."""

    admin: TaskPages
    request: HttpRequest
    engine: Engine
    verb: TaskAction
    found: SearchResult


def bulk_new(admin: TaskPages, request: HttpRequest, engine: Engine) -> HttpResponse:
    """Show what an action would do to how many tasks; on POST, start it."""
    given = request.POST if request.method == "POST" else request.GET
    verb = action_named(admin, given.get("action", ""))
    if verb is None or verb.many is None:
        raise Http404("There is no such bulk action.")
    require(request, verb.permission)
    text = _meant(given)
    found = find(admin, request, engine, text)
    refused = _refusal(given, found)
    if refused:
        messages.error(request, refused)
        return _to_list(admin, " ".join(given.getlist("q")), engine)
    bulk_request = BulkRequest(admin=admin, request=request, engine=engine, verb=verb, found=found)
    posted = request.POST if request.method == "POST" else None
    form = verb.many.form(posted, queues=sorted(engine.queues))
    if posted is not None and form.is_valid():
        return _begin(bulk_request, form.options(), str(form.cleaned_data.get("reason", "")))
    return _confirm(bulk_request, form)


def _meant(given: Any) -> str:
    """Return the requested search: for everything that matches, or for the ticked tasks."""
    if given.get("all"):
        return " ".join(given.getlist("q"))
    return " ".join(f"id:{one}" for one in dict.fromkeys(given.getlist("id")))


def _refusal(given: Any, found: SearchResult) -> str:
    """Return the reason to refuse the action, or ""."""
    if not given.get("all") and not given.getlist("id"):
        return _("Nothing was done. First tick some tasks, or “All … that match”.")
    if found.search.problems:
        return _("Nothing was done because part of the search is not valid: %(why)s") % {
            "why": found.search.problems[0].message
        }
    return ""


def _to_list(admin: TaskPages, text: str, engine: Engine) -> HttpResponse:
    page = reverse(f"admin:{TAB}", current_app=admin.admin_site.name)
    return HttpResponseRedirect(page + query(engine, text))


def _confirm(bulk_request: BulkRequest, form: Any) -> HttpResponse:
    """Render the page of effects: how many tasks are changed or left alone, by state."""
    engine, found, verb = bulk_request.engine, bulk_request.found, bulk_request.verb
    states = _states(found)
    matching = operations.selected(engine, found.selection)
    counts = counts_of(engine, [matching.filter(state=state) for state in states])
    by_state = [
        (str(TaskState(state).label), count, state in verb.states)
        for state, count in zip(states, counts, strict=True)
        if count
    ]
    changed = min(sum(count for _label, count, is_for in by_state if is_for), COUNT_LIMIT)
    ticked = [chip for chip in found.search.chips if chip.key == "id"]
    return bulk_request.admin.show(
        bulk_request.request,
        "djtasks/bulk_confirm.html",
        TAB,
        title=verb.label,
        verb=verb,
        form=form,
        **_limits(verb, changed),
        search=found.search,
        chips=chips_of(engine, found.search),
        ticked=len(ticked) if len(ticked) == len(found.search.chips) else 0,
        is_bounded=found.is_bounded,
        by_state=by_state,
        matching=min(sum(counts), COUNT_LIMIT),
        changed=changed,
        back=query(engine, found.search.text),
    )


def _limits(verb: TaskAction, changed: int) -> dict[str, Any]:
    is_here = verb.run is not None
    return {
        "is_here": is_here,
        "is_too_many": is_here and changed > MOST_HERE,
        "most_here": MOST_HERE,
    }


def _states(found: SearchResult) -> list[State]:
    """Return the states that the found tasks can be in."""
    phases = found.search.phases
    asked = {State.READY if one in READY_PHASES else State[one.upper()] for one in phases}
    return sorted(asked or set(State))


def _begin(bulk_request: BulkRequest, options: dict[str, Any], reason: str) -> HttpResponse:
    try:
        bulk = _started(bulk_request, options)
    except InvalidBulkAction as error:
        messages.error(bulk_request.request, str(error))
        return _to_list(bulk_request.admin, bulk_request.found.search.text, bulk_request.engine)
    change = _in_words(bulk, bulk_request.found.search.text, reason)
    bulk_request.admin.log_change(bulk_request.request, bulk, change)
    if bulk_request.verb.run is not None:
        _tell_of(bulk_request.request, bulk)
        return HttpResponseRedirect(_address(bulk_request.admin, bulk_request.engine, bulk))
    messages.success(
        bulk_request.request,
        ngettext(
            "Started on %(n)s task. You can leave this page; the action continues.",
            "Started on %(n)s tasks. You can leave this page; the action continues.",
            bulk.planned,
        )
        % {"n": in_figures(bulk.planned)},
    )
    return HttpResponseRedirect(_address(bulk_request.admin, bulk_request.engine, bulk))


def _in_words(bulk: BulkAction, search: str, reason: str) -> str:
    """Return what somebody has started, for the log of the admin."""
    said = ", ".join(f"{name} → {value}" for name, value in bulk.options.items())
    text = f"{bulk.action} on {bulk.planned:,} tasks: {(search or 'everything')[:MOST_LOGGED]}"
    text = f"{text} ({said})" if said else text
    return f"{text}: {reason}" if reason else text


def _started(bulk_request: BulkRequest, options: dict[str, Any]) -> BulkAction:
    selection = bulk_request.found.selection
    if bulk_request.verb.run is not None:
        return run_on_many(bulk_request.verb, bulk_request.engine, selection, bulk_request.request)
    by = bulk_request.request.user.get_username()
    return operations.start_bulk(
        bulk_request.engine, bulk_request.verb.operation, selection, by=by, options=options
    )


def _tell_of(request: HttpRequest, bulk: BulkAction) -> None:
    """Tell the user the result of an action that is already over."""
    if RAISED in bulk.refusals:
        messages.error(request, _("The action stopped with an error. See the log."))
    said = {"n": in_figures(bulk.changed)}
    words = ngettext("%(n)s task was changed.", "%(n)s tasks were changed.", bulk.changed) % said
    messages.success(request, words)


def _address(admin: TaskPages, engine: Engine, bulk: BulkAction) -> str:
    page = reverse("admin:djtasks_bulk", args=[bulk.pk], current_app=admin.admin_site.name)
    return page + query(engine, "")


def bulk(admin: TaskPages, request: HttpRequest, engine: Engine, action_id: UUID) -> HttpResponse:
    """Show the progress of an action; on POST, ask it to stop."""
    facts = bulk_action(engine, action_id)
    if facts is None:
        raise Http404(f"TASKS[{engine.alias!r}] has no bulk action {action_id}.")
    permission = _permission(admin, facts)
    if request.method == "POST":
        require(request, permission)
        return _stop(admin, request, engine, facts)
    return admin.show(
        request,
        "djtasks/bulk.html",
        TAB,
        title=_("Bulk action: %(verb)s") % {"verb": word_of(admin, facts)},
        now=engine.store.now(),
        facts=facts,
        width=f"{100 * facts.share:.1f}%",
        options=_options(facts),
        refusals=[(gettext(reason), n) for reason, n in facts.refusals.items() if reason],
        **_words(admin, request, engine, facts),
        recent=[(word_of(admin, one), one) for one in bulk_actions(engine, limit=10)],
        may_stop=request.user.has_perm(permission),
    )


def bulk_logged(
    admin: TaskPages, _request: HttpRequest, engine: Engine, action_id: UUID
) -> HttpResponse:
    """Redirect from the log of the admin to the page of an action, of whatever alias."""
    row = stored_bulk_action(engine, action_id)
    page = reverse("admin:djtasks_bulk", args=[action_id], current_app=admin.admin_site.name)
    alias = engine.alias if row is None else row.backend
    return HttpResponseRedirect(f"{page}?{urlencode({'backend': alias})}")


def _words(
    admin: TaskPages, request: HttpRequest, engine: Engine, facts: BulkFacts
) -> dict[str, Any]:
    """Return the search behind an action, without the terms that this user may not see."""
    typed = str(facts.selection.get("search", ""))
    words, hidden = visible(typed, context_for(admin, request, engine))
    return {"words": words, "words_hidden": hidden, "found": query(engine, words)}


def _stop(admin: TaskPages, request: HttpRequest, engine: Engine, facts: BulkFacts) -> HttpResponse:
    row = BulkAction(pk=facts.id, action=facts.action, planned=facts.planned)
    if operations.stop_bulk(engine, facts.id):
        admin.log_change(request, row, f"going on → asked to stop after {facts.changed:,}")
        messages.success(request, _("The action stops after its current batch of tasks."))
    else:
        messages.info(request, _("The action was already over."))
    return HttpResponseRedirect(_address(admin, engine, row))


def _options(facts: BulkFacts) -> list[tuple[str, str]]:
    """Return the options of the action, in words."""
    words: dict[str, tuple[str, Callable[[Any], str]]] = {
        "queue": (_("Queue"), str),
        "priority": (_("Priority"), str),
        "run_after": (_("Due at"), _exactly),
        "spread": (_("Spread over"), duration),
    }
    given = facts.options
    return [(word, say(given[name])) for name, (word, say) in words.items() if name in given]


def _exactly(moment: str) -> str:
    return f"{timezone.localtime(datetime.fromisoformat(moment)):%Y-%m-%d %H:%M:%S %Z}"


def word_of(admin: TaskPages, facts: BulkFacts) -> str:
    """Return the label of an action."""
    action = _action_of(admin, facts)
    return facts.action if action is None else str(action.label)


def _permission(admin: TaskPages, facts: BulkFacts) -> str:
    """Return the permission to stop an action: the same as to start it."""
    action = _action_of(admin, facts)
    return "djtasks.discard_taskrecord" if action is None else action.permission


def _action_of(admin: TaskPages, facts: BulkFacts) -> TaskAction | None:
    known = (*admin.task_actions, *BUILT_IN)
    named = (one for one in known if facts.action in (one.operation, one.name))
    return next(named, None)
