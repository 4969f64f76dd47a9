"""A search as somebody types it, read into a selection: a pure function over what is known.

`state:failed queue:mail after:1h send_invoice` becomes chips, a selection in the language of
`operations.selected`, and messages about what could not be meant. What is understood holds,
whatever stands beside it.
"""

import unicodedata
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from djtasks.inspection.search.context import SearchContext
from djtasks.inspection.search.indexes import is_indexed
from djtasks.inspection.search.keys import (
    FINAL_PHASES,
    PHASES,
    READY_PHASES,
    Selection,
    at,
    bare,
    condition,
    in_phase,
    phase_of_word,
)
from djtasks.inspection.search.tokens import Term, terms_of, typed
from djtasks.inspection.search.values import NotUnderstood, id_of, moment_of, short

LONGEST_SEARCH = 4_000
MOST_TERMS = 60  # a page of ticked ids, and some
_MOMENTS = {"after": "gt", "before": "lt"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchProblem:
    """A piece of a search that could not be meant, and what was expected."""

    term: Term
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search that was read.

    `selection` is what all chips together select. `index_filter` is the part of it that an index
    serves, None where there is none; `uses_index`: that part is all of it. `led_by` are the keys
    other than state that lead there. `phases`: the states that were asked for, none for any.
    """

    chips: list[Term] = field(default_factory=list)
    problems: list[SearchProblem] = field(default_factory=list)
    phases: tuple[str, ...] = ()
    selection: Selection = field(default_factory=dict)
    index_filter: Selection | None = None
    led_by: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        """Return what was understood, as it would be typed."""
        return typed(self.chips)

    @property
    def uses_index(self) -> bool:
        """Return whether an index serves all of it."""
        return self.index_filter is not None and self.index_filter == self.selection

    @property
    def is_ready(self) -> bool:
        """Return whether it asks for nothing but what waits."""
        return bool(self.phases) and set(self.phases) <= set(READY_PHASES)

    @property
    def order(self) -> tuple[str, ...]:
        """Return the order of the index that leads: the next in line, else the newest, first."""
        if self.led_by:
            return ("-pk",)
        if self.is_ready:
            return ("queue", "-priority", "run_after", "pk")
        return ("state", "-finished_at")

    @property
    def rest(self) -> str:
        """Return what was not understood, as it would be typed."""
        return typed([problem.term for problem in self.problems])

    def without(self, term: Term) -> str:
        """Return the search without one of its chips."""
        return typed([chip for chip in self.chips if chip != term])

    def narrowed(self, key: str, value: str) -> str:
        """Return the search with one chip more."""
        term = Term(key=key, value=value)
        return typed(self.chips if term in self.chips else [*self.chips, term])

    def in_phase(self, phase: str) -> str:
        """Return the search in one state, or in any ("")."""
        others = [chip for chip in self.chips if chip.key != "state"]
        return typed([Term(key="state", value=phase), *others] if phase else others)


def read_search(text: str, context: SearchContext) -> Search:
    """Return what a search means, and what of it could not be meant."""
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
    """Return a bare id as what it is."""
    return Term(key="id", value=term.value) if not term.key and id_of(term.value) else term


def _read(term: Term, context: SearchContext, phases: list[str]) -> Selection:
    """Return what one term selects; states and moments are put together later."""
    if not term.is_whole:
        raise NotUnderstood(
            _("The quote before “%(value)s” is never closed.") % {"value": short(term.value)}
        )
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in f"{term.key}{term.value}"):
        raise NotUnderstood(_("It holds a control character, which nothing stored here can."))
    if term.key == "state":
        phases.append(phase_of_word(term.value))
        return {}
    if term.key in _MOMENTS:
        return {"moment": moment_of(term.value, context.now, context.zone)}
    return condition(term.key, term.value, context) if term.key else bare(term.value)


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
    """Return whether several of a key mean any of them."""
    return key in context.keys and context.keys[key].widens


def _leading(parts: dict[str, Selection]) -> frozenset[str]:
    """Return from which keys, besides the state, an index leads to few records, or in order."""
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
