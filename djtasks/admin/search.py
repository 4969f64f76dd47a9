"""The search of the tasks page: its terms, its bounds, and the links around it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
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
from djtasks.errors import InvalidSelection
from djtasks.inspection.figures.batch_counts import COUNT_LIMIT, counts_of
from djtasks.inspection.listing import (
    INDEXED_LIMIT,
    Scope,
    TaskRow,
    newest_window,
    scope_of,
)
from djtasks.inspection.search import keys
from djtasks.inspection.search.context import SearchContext, search_context
from djtasks.inspection.search.keys import PHASES, in_phase
from djtasks.inspection.search.query import Search, SearchProblem, read_search
from djtasks.inspection.search.tokens import Term
from djtasks.inspection.status import records_to_count
from djtasks.operations import selected
from djtasks.templatetags.djtasks_pages import PHASES as PHASE_BADGES

MOST_SUGGESTED = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """What a search finds. `records`: those of its matches that are listed.

    `indexed_count`: to how many an index leads, at most LED_LIMIT; None where nobody had to ask.
    """

    search: Search
    context: SearchContext
    scope: Scope
    records: Any
    indexed_count: int | None

    @property
    def is_bounded(self) -> bool:
        """Return whether a bulk action on all matches may leave out some of them."""
        whole = self.search.uses_index or not self.search.chips
        return self.scope.is_partial and not whole

    @property
    def selection(self) -> dict[str, Any]:
        """Return all matches as the selection of a bulk action, with the text of the search."""
        parts = [self.search.selection]
        if self.is_bounded:
            parts.append({"pk__gte": str(self.scope.oldest)})
        return {"all": parts, "search": self.search.text}

    def total(self, engine: Engine) -> tuple[int, int]:
        """Return how many match, and the number from which that count means "or more"."""
        if not self.scope.is_partial or self.is_bounded:
            return counts_of(engine, [self.records])[0], COUNT_LIMIT
        return (
            (COUNT_LIMIT, COUNT_LIMIT)
            if self.indexed_count is None
            else (self.indexed_count, INDEXED_LIMIT)
        )


def asked_for(request: HttpRequest) -> str:
    """Return the text of the search in an address; a form adds terms with a second `q`."""
    return " ".join(request.GET.getlist("q"))


def context_for(admin: TaskPages, request: HttpRequest, engine: Engine) -> SearchContext:
    """Return the context of a user's searches: what they may see, and their search keys."""
    keys = keys_for(admin, request, engine)
    return search_context(engine, visibility=visibility_for(request, engine), keys=keys)


def find(admin: TaskPages, request: HttpRequest, engine: Engine, text: str) -> SearchResult:
    """Return what a search finds for this user, and how far it looks."""
    context = context_for(admin, request, engine)
    search = read_search(text, context)
    try:
        records = selected(engine, search.selection)
    except InvalidSelection as error:
        # Every value was looked at; this is for one that a database sees otherwise.
        problem = SearchProblem(term=Term(key="", value=text), message=str(error))
        search = Search(problems=[problem])
        records = selected(engine, {})
    oldest = newest_window(engine)
    indexed_count = None
    if oldest is not None and search.index_filter is not None:
        indexed = selected(engine, search.index_filter)
        if search.is_ready:
            # What waits may be the last of millions of records, to be found only by its index.
            indexed = indexed.order_by(*search.order)
        indexed_count = counts_of(engine, [indexed], limit=INDEXED_LIMIT)[0]
    scope = scope_of(oldest, indexed_count)
    return SearchResult(
        search=search,
        context=context,
        scope=scope,
        records=scope.within(records),
        indexed_count=indexed_count,
    )


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
