"""The states of tasks in the words of the search."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from djtasks.inspection.search.values import NotUnderstood, short
from djtasks.protocol.states import State

Selection = dict[str, Any]

_SYNONYMS = {"success": "successful", "succeeded": "successful", "canceled": "cancelled"}
FINAL_PHASES = ("successful", "failed", "cancelled", "expired")
READY_PHASES = ("ready", "scheduled", "retrying")
PHASES = (*READY_PHASES, "waiting", "running", *FINAL_PHASES)


def phases_of(states: Iterable[State]) -> tuple[str, ...]:
    """Return the words of the search for these states."""
    asked = set(states)
    found = {phase for phase in READY_PHASES if State.READY in asked}
    found |= {
        phase for phase in (*FINAL_PHASES, "running", "waiting") if State[phase.upper()] in asked
    }
    return tuple(phase for phase in PHASES if phase in found)


def phase_of_word(value: str) -> str:
    """Return the state that a word means; raise NotUnderstood for an unknown word."""
    word = value.strip().lower()
    word = _SYNONYMS.get(word, word)
    if word not in PHASES:
        raise NotUnderstood(
            _("“%(value)s” is not a state. Choose one of %(states)s.")
            % {"value": short(value), "states": ", ".join(PHASES)}
        )
    return word


def in_phase(phase: str, now: datetime) -> Selection:
    """Return the condition of a state, in the shape of its index."""
    if phase == "running":
        return {"state": int(State.RUNNING), "worker__isnull": False}
    if phase == "waiting":
        return {"state": int(State.WAITING)}
    if phase in FINAL_PHASES:
        return {"state": int(State[phase.upper()]), "finished_at__isnull": False}
    ready: Selection = {"state": int(State.READY)}
    if phase == "ready":
        return ready | {"run_after__lte": now}
    tried = {"attempt__gt": 0} if phase == "retrying" else {"attempt": 0}
    return ready | {"run_after__gt": now} | tried
