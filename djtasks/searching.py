"""Find what somebody searches for: parse the search, select the tasks, and bound the work.

The search of the admin and that of the command line.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from djtasks.engine import Engine
from djtasks.errors import InvalidSelection
from djtasks.inspection.figures.batch_counts import COUNT_LIMIT, counts_of
from djtasks.inspection.listing import (
    INDEXED_LIMIT,
    Reading,
    Scope,
    TaskPage,
    newest_window,
    page_of,
    scope_of,
    with_older_matches,
)
from djtasks.inspection.search.context import SearchContext
from djtasks.inspection.search.query import Search, SearchProblem, read_search
from djtasks.inspection.search.tokens import Term
from djtasks.operations import selected
from djtasks.protocol.states import State


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

    def count_in(self, engine: Engine, states: Collection[State]) -> int:
        """Return how many matches of a bulk action are in these states, at most COUNT_LIMIT."""
        matching = selected(engine, self.selection).filter(state__in=states)
        return counts_of(engine, [matching])[0]

    def total(self, engine: Engine) -> tuple[int, int]:
        """Return how many match, and the number from which that count means "or more"."""
        if not self.scope.is_partial or self.is_bounded:
            return counts_of(engine, [self.records])[0], COUNT_LIMIT
        return (
            (COUNT_LIMIT, COUNT_LIMIT)
            if self.indexed_count is None
            else (self.indexed_count, INDEXED_LIMIT)
        )


def find_tasks(engine: Engine, text: str, context: SearchContext) -> SearchResult:
    """Return what a search finds in this context, and how far it looks."""
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


def page_found(
    engine: Engine,
    found: SearchResult,
    *,
    older: UUID | None = None,
    newer: UUID | None = None,
    reading: Reading,
) -> TaskPage:
    """Return the newest tasks found, or those just older or newer than an id.

    If few of the newest tasks match, some older ones that an index finds follow them.
    """
    page = page_of(engine, found.records, found.scope, older=older, newer=newer, reading=reading)
    is_first = not (older or newer or page.older)
    if not (is_first and found.scope.is_partial and found.search.uses_index):
        return page
    everything = selected(engine, found.search.selection)
    order = found.search.order
    return with_older_matches(engine, page, everything, order=order, reading=reading)
