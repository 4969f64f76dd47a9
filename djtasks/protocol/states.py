"""The states of a record and the moves between them, as data.

The picture is in docs/explanation/lifecycle.md.
"""

from enum import IntEnum

from djtasks.errors import ImpossibleMove


class State(IntEnum):
    """The state of a record. The numbers are stored, so they never change."""

    READY = 0
    RUNNING = 1
    SUCCESSFUL = 2
    FAILED = 3
    CANCELLED = 4
    EXPIRED = 5
    WAITING = 6


MOVES: dict[State, frozenset[State]] = {
    State.READY: frozenset({State.RUNNING, State.CANCELLED}),
    # Back to READY: a retry, a give-back, a record reaped from a dead worker. To WAITING: the
    # verdict of an attempt is that the record waits at a door.
    State.RUNNING: frozenset(State) - {State.RUNNING},
    State.SUCCESSFUL: frozenset(),
    # Back to READY: revived by hand. To WAITING: revived to its door.
    State.FAILED: frozenset({State.READY, State.WAITING}),
    State.CANCELLED: frozenset({State.READY, State.WAITING}),
    State.EXPIRED: frozenset({State.READY, State.WAITING}),
    # At a door. To READY: promoted.
    State.WAITING: frozenset({State.READY, State.CANCELLED, State.FAILED, State.EXPIRED}),
}

FINAL = frozenset({State.SUCCESSFUL, State.FAILED, State.CANCELLED, State.EXPIRED})
LIVE = frozenset(State) - FINAL
REVIVABLE = frozenset(state for state in FINAL if State.READY in MOVES[state])

_DJANGO_NAMES = {
    State.READY: "READY",
    State.WAITING: "READY",
    State.RUNNING: "RUNNING",
    State.SUCCESSFUL: "SUCCESSFUL",
}


def require_move(before: State, after: State) -> None:
    """Raise ImpossibleMove unless a record may go from `before` to `after`."""
    if after not in MOVES[before]:
        raise ImpossibleMove(f"A record cannot move from {before.name} to {after.name}.")


def django_status(state: State) -> str:
    """Return the name of the TaskResultStatus that callers of `django.tasks` see."""
    return _DJANGO_NAMES.get(state, "FAILED")
