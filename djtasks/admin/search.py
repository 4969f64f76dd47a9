"""The search of the tasks page: its terms, its bounds, and the links around it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from djtasks.admin.search_keys import keys_for
from djtasks.admin.task_pages import TaskPages
from djtasks.admin.visibility import visibility_for
from djtasks.definitions import registry
from djtasks.engine import Engine
from djtasks.inspection.figures.batch_counts import counts_of
from djtasks.inspection.listing import TaskRow
from djtasks.inspection.search import keys
from djtasks.inspection.search.context import SearchContext, search_context
from djtasks.inspection.search.phases import PHASES, in_phase
from djtasks.inspection.search.query import Search
from djtasks.inspection.search.tokens import Term
from djtasks.inspection.status import records_to_count
from djtasks.searching import SearchResult, find_tasks
from djtasks.templatetags.djtasks_pages import PHASES as PHASE_BADGES

MOST_SUGGESTED = 300


def asked_for(request: HttpRequest) -> str:
    """Return the text of the search in an address; a form adds terms with a second `q`."""
    return " ".join(request.GET.getlist("q"))


def context_for(admin: TaskPages, request: HttpRequest, engine: Engine) -> SearchContext:
    """Return the context of a user's searches: what they may see, and their search keys."""
    keys = keys_for(admin, request, engine)
    return search_context(engine, visibility=visibility_for(request, engine), keys=keys)


def find(admin: TaskPages, request: HttpRequest, engine: Engine, text: str) -> SearchResult:
    """Return what a search finds for this user, and how far it looks."""
    return find_tasks(engine, text, context_for(admin, request, engine))


def query(engine: Engine, text: str, **more: str) -> str:
    """Return the query string of a search, on the same TASKS alias."""
    given = {"q": text, "backend": engine.alias, **more}
    return "?" + urlencode({name: value for name, value in given.items() if value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One term of the search, and the address of the search without it."""

    key: str
    value: str
    is_bad: bool
    href: str


def chips_of(engine: Engine, search: Search) -> list[Chip]:
    """Return the terms of a search that are valid."""
    return [
        Chip(
            key=term.key,
            value=term.value,
            is_bad=term == Term(key="state", value="failed"),
            href=query(engine, search.without(term)),
        )
        for term in search.chips
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTab:
    """The tab of a state and its number of tasks; from `limit` on, that means "or more"."""

    label: str | Promise
    href: str
    is_current: bool
    count: int | None
    limit: int
    is_bad: bool


def tabs_of(engine: Engine, found: SearchResult) -> list[StateTab]:
    """Return a tab for each state, and one for all states."""
    search = found.search
    now = found.context.now
    conditions = [Q(**in_phase(one, now)) for one in PHASES]
    records, limit = records_to_count(engine)
    counts = counts_of(engine, [records.filter(one) for one in conditions], limit=limit)
    everything = StateTab(
        label=_("All"),
        href=query(engine, search.in_phase("")),
        is_current=not search.phases,
        count=None,
        limit=limit,
        is_bad=False,
    )
    return [everything] + [
        StateTab(
            label=PHASE_BADGES[phase][2],
            href=query(engine, search.in_phase(phase)),
            is_current=search.phases == (phase,),
            count=count,
            limit=limit,
            is_bad=phase == "failed" and count > 0,
        )
        for phase, count in zip(PHASES, counts, strict=True)
    ]


def narrowings(
    engine: Engine, found: SearchResult, rows: Sequence[TaskRow]
) -> list[tuple[str, str]]:
    """Return terms that narrow a search, the most common on the page, as text and address."""
    search = found.search
    asked = {term.key for term in search.chips}
    hidden = () if found.context.visibility.errors else ("error",)
    terms = []
    for key, values in (
        ("task", (row.path for row in rows)),
        ("error", (row.exception for row in rows)),
        ("queue", (row.queue for row in rows)),
        ("worker", (row.worker for row in rows if row.worker and ":" in row.worker)),
    ):
        common = Counter(value for value in values if value).most_common(2)
        if key in hidden or key in asked or len(common) < 2 or common[0][1] < 2:
            continue
        value = common[0][0]
        shown = value.rpartition(".")[2] if key == "task" else value
        terms.append((f"{key}:{shown}", query(engine, search.narrowed(key, value))))
    return terms


def suggestions(engine: Engine, rows: Iterable[TaskRow], context: SearchContext) -> list[str]:
    """Return suggestions for the search box: known keys, states, queues and tasks."""
    rows = list(rows)
    paths = {task.module_path for task in registry.all_tasks()} | {row.path for row in rows}
    queues = {*engine.queues, *(row.queue for row in rows)}
    words = [
        *keys.suggestions(context.keys),
        *(f"state:{phase}" for phase in PHASES),
        *(str(Term(key="queue", value=queue)) for queue in sorted(queues)),
        *(str(Term(key="task", value=path)) for path in sorted(paths)),
    ]
    return words[:MOST_SUGGESTED]
