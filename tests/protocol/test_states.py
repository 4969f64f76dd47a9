"""The table of moves, read as the picture in the docs shows it."""

from itertools import product

import pytest

from djtasks.errors import ImpossibleMove
from djtasks.protocol.states import (
    FINAL,
    LIVE,
    MOVES,
    REVIVABLE,
    State,
    django_status,
    require_move,
)

R, N, S, F, C, E, W = (
    State.READY,
    State.RUNNING,
    State.SUCCESSFUL,
    State.FAILED,
    State.CANCELLED,
    State.EXPIRED,
    State.WAITING,
)
LEGAL = {
    (R, N), (R, C),
    (N, S), (N, F), (N, C), (N, E), (N, R), (N, W),
    (F, R), (C, R), (E, R),
    (F, W), (C, W), (E, W),
    (W, R), (W, C), (W, F), (W, E),
}  # fmt: skip


@pytest.mark.parametrize("move", sorted(LEGAL), ids=lambda m: f"{m[0].name}-{m[1].name}")
def test_a_legal_move_passes(move: tuple[State, State]) -> None:
    require_move(*move)


@pytest.mark.parametrize(
    "move", sorted(set(product(State, State)) - LEGAL), ids=lambda m: f"{m[0].name}-{m[1].name}"
)
def test_every_other_move_is_refused_by_name(move: tuple[State, State]) -> None:
    before, after = move

    with pytest.raises(ImpossibleMove, match=f"from {before.name} to {after.name}"):
        require_move(before, after)


def test_every_state_has_its_moves() -> None:
    assert set(MOVES) == set(State)


def test_a_state_is_final_or_live_and_never_both() -> None:
    assert {S, F, C, E} == FINAL
    assert {R, N, W} == LIVE


def test_only_a_success_cannot_be_revived() -> None:
    assert FINAL - {S} == REVIVABLE


def test_the_stored_numbers_never_change() -> None:
    assert {state.name: int(state) for state in State} == {
        "READY": 0,
        "RUNNING": 1,
        "SUCCESSFUL": 2,
        "FAILED": 3,
        "CANCELLED": 4,
        "EXPIRED": 5,
        "WAITING": 6,
    }


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        (R, "READY"),
        (W, "READY"),
        (N, "RUNNING"),
        (S, "SUCCESSFUL"),
        (F, "FAILED"),
        (C, "FAILED"),
        (E, "FAILED"),
    ],
)
def test_django_sees_four_of_the_seven_states(state: State, seen: str) -> None:
    assert django_status(state) == seen
