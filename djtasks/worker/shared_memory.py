"""The memory that a child shares with its supervisor: its progress counters, then its board."""

from typing import Any

from djtasks.worker.attempts.board import Board
from djtasks.worker.child.child import PROGRESS_COUNTERS

_COUNTERS = 8 * len(PROGRESS_COUNTERS)


def size_for(slots: int) -> int:
    """Return how many bytes a child with this number of slots needs."""
    return _COUNTERS + Board.size(slots)


def parts_of(memory: Any) -> tuple[Any, Board]:
    """Return the progress counters and the board that a writable buffer holds."""
    places = memoryview(memory).cast("B")
    return places[:_COUNTERS].cast("Q"), Board(places[_COUNTERS:])
