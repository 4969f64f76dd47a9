"""Parse a search into a selection, with a pure function of the text and its context.

`state:failed queue:mail after:1h send_invoice` becomes chips, a selection for
`operations.selected`, and messages about the terms that are not valid. The other terms still
apply.
"""

import unicodedata
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from djtasks.inspection.search.context import SearchContext
from djtasks.inspection.search.indexes import is_indexed
from djtasks.inspection.search.keys import Selection, at, bare, condition
from djtasks.inspection.search.phases import (
    FINAL_PHASES,
    PHASES,
    READY_PHASES,
    in_phase,
    phase_of_word,
)
from djtasks.inspection.search.tokens import Term, terms_of, typed
from djtasks.inspection.search.values import (
    NotUnderstood,
    NotVisible,
    id_of,
    moment_of,
    short,
)
from djtasks.inspection.search.visible import require_visible

LONGEST_SEARCH = 4_000
MOST_TERMS = 60  # a page of ticked ids, and some
_MOMENTS = {"after": "gt", "before": "lt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchProblem:
    """A term of a search that is not valid, and what was expected."""

    term: Term
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A parsed search.

    `selection`: what all chips select together. `index_filter`: the part of it that an index
    serves, or None; `uses_index`: that part is all of it. `led_by`: the keys, other than state,
    that an index serves. `phases`: the states that were asked for; empty means any.
    """

    chips: list[Term] = field(default_factory=list)
    problems: list[SearchProblem] = field(default_factory=list)
    phases: tuple[str, ...] = ()
    selection: Selection = field(default_factory=dict)
    index_filter: Selection | None = None
    led_by: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        """Return the valid terms, as somebody would type them."""
        return typed(self.chips)

    @property
    def uses_index(self) -> bool:
        """Return whether an index serves all of it."""
        return self.index_filter is not None and self.index_filter == self.selection

    @property
    def is_ready(self) -> bool:
        """Return whether it asks only for tasks that wait."""
        return bool(self.phases) and set(self.phases) <= set(READY_PHASES)

    @property
    def order(self) -> tuple[str, ...]:
        """Return the order of the index in use: next in line first, or else newest first."""
        if self.led_by:
            return ("-pk",)
        if self.is_ready:
            return ("queue", "-priority", "run_after", "pk")
        return ("state", "-finished_at")

    @property
    def rest(self) -> str:
        """Return the terms that are not valid, as somebody would type them."""
        return typed([problem.term for problem in self.problems])

    def without(self, term: Term) -> str:
        """Return the search without one of its chips."""
        return typed([chip for chip in self.chips if chip != term])

    def narrowed(self, key: str, value: str) -> str:
        """Return the search with one more chip."""
        term = Term(key=key, value=value)
        return typed(self.chips if term in self.chips else [*self.chips, term])

    def in_phase(self, phase: str) -> str:
        """Return the search in one state, or in any ("")."""
        others = [chip for chip in self.chips if chip.key != "state"]
        return typed([Term(key="state", value=phase), *others] if phase else others)


def read_search(text: str, context: SearchContext) -> Search:
    """Parse a search; the result has a problem for each term that is not valid."""
    chips: list[Term] = []
    problems: list[SearchProblem] = []
    groups: dict[str, list[Selection]] = {}
    phases: list[str] = []
    terms = [_as_id(term) for term in terms_of(text[:LONGEST_SEARCH])]
    for term in dict.fromkeys(terms[:MOST_TERMS]):
        try:
            groups.setdefault(term.key, []).append(_read(term, context, phases))
            chips.append(term)
        except NotUnderstood as error:
            problems.append(SearchProblem(term=term, message=str(error)))
    problems += _too_much(text, terms)
    asked = tuple(phase for phase in PHASES if phase in phases)
    parts = _parts(groups, asked, context)
    return Search(
        chips=chips,
        problems=problems,
        phases=asked,
        selection=_all(list(parts.values())),
        index_filter=_index_filter(parts, asked),
        led_by=_leading(parts),
    )


def _as_id(term: Term) -> Term:
    """Return a term that is a whole id as `id:…`, any other as it is."""
    return Term(key="id", value=term.value) if not term.key and id_of(term.value) else term


def _read(term: Term, context: SearchContext, phases: list[str]) -> Selection:
    """Return what one term selects; states and moments are combined later."""
    if not term.is_whole:
        raise NotUnderstood(
            _("The quote before “%(value)s” is not closed.") % {"value": short(term.value)}
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in f"{term.key}{term.value}"):
        raise NotUnderstood(
            _("It contains a control character, which no stored value can contain.")
        )
    if term.key == "state":
        phases.append(phase_of_word(term.value))
        return {}
    if term.key in _MOMENTS:
        return {"moment": moment_of(term.value, context.now, context.zone)}
    selection = condition(term.key, term.value, context) if term.key else bare(term.value, context)
    require_visible(term.key, selection, context)
    return selection


def _too_much(text: str, terms: list[Term]) -> list[SearchProblem]:
    message = ""
    if len(text) > LONGEST_SEARCH:
        message = _("The search is cut after %(n)s characters.") % {"n": f"{LONGEST_SEARCH:,}"}
    elif len(terms) > MOST_TERMS:
        message = _("Only the first %(n)s parts of the search count.") % {"n": MOST_TERMS}
    return [SearchProblem(term=Term(key="", value="…"), message=message)] if message else []


def _parts(
    groups: dict[str, list[Selection]], phases: tuple[str, ...], context: SearchContext
) -> dict[str, Selection]:
    """Return the condition of each key."""
    parts: dict[str, Selection] = {}
    for key, found in groups.items():
        if not found:
            continue
        if key == "state":
            parts[key] = _states(phases, context)
        elif key in _MOMENTS:
            parts[key] = _all([at(phases, _MOMENTS[key], one["moment"]) for one in found])
        else:
            parts[key] = _either(found) if _widens(key, context) else _all(found)
    return parts


def _states(phases: tuple[str, ...], context: SearchContext) -> Selection:
    finals = [in_phase(phase, context.now) for phase in phases if phase in FINAL_PHASES]
    others = [in_phase(phase, context.now) for phase in phases if phase not in FINAL_PHASES]
    if len(finals) > 1:
        finals = [finals[0] | {"state": [one["state"] for one in finals]}]
    return _either([*others, *finals])


def _either(selections: list[Selection]) -> Selection:
    return selections[0] if len(selections) == 1 else {"any": selections}


def _all(selections: list[Selection]) -> Selection:
    if not selections:
        return {}
    return selections[0] if len(selections) == 1 else {"all": selections}


def _widens(key: str, context: SearchContext) -> bool:
    """Return whether several values of a key mean any of them."""
    return key in context.keys and context.keys[key].widens


def _leading(parts: dict[str, Selection]) -> frozenset[str]:
    """Return the keys, besides the state, whose condition an index serves."""
    return frozenset(key for key, part in parts.items() if is_indexed(part)) - {"state"}


def _index_filter(parts: dict[str, Selection], phases: tuple[str, ...]) -> Selection | None:
    """Return the part that an index serves."""
    served = _leading(parts) | ({"state"} & set(parts))
    if not served:
        return None
    if phases and set(phases) <= set(READY_PHASES):
        served |= {"queue"}
    if phases and set(phases) <= set(FINAL_PHASES):
        served |= set(_MOMENTS)
    return _all([part for key, part in parts.items() if key in served])


def visible(text: str, context: SearchContext) -> tuple[str, int]:
    """Return the terms of somebody's search that this user may see, and how many are left out.

    They may see what they could search for. A bare word may be a unique key; for a user who may
    not see keys, it stays if it is part of the path of a task.
    """
    terms = [_as_id(term) for term in terms_of(text[:LONGEST_SEARCH])]
    shown = [term for term in terms if _is_visible(term, context)]
    return typed(shown), len(terms) - len(shown)


def _is_visible(term: Term, context: SearchContext) -> bool:
    if not term.key and "key" in context.visibility.hidden:
        return any(term.value.lower() in task.module_path.lower() for task in context.tasks)
    if term.key.partition(".")[0] not in (*context.keys, *_MOMENTS, ""):
        return False
    try:
        _read(term, context, [])
    except NotUnderstood as error:
        return not isinstance(error, NotVisible)
    return True
