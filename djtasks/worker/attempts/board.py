"""Shared memory that shows, even after a crash, which record each slot of a child was running."""

from typing import Any
from uuid import UUID

_WIDTH = 16
_NOTHING = bytes(_WIDTH)


class Board:
    """16 bytes per slot, in memory that outlives the child.

    The child writes them around each execution, without a system call. The supervisor reads them
    once the child is gone. If a kill interrupts a write, it leaves an id that no record has.
    """

    def __init__(self, memory: Any) -> None:
        self._places = memoryview(memory).cast("B")

    @staticmethod
    def size(slots: int) -> int:
        """Return how many bytes this number of slots takes."""
        return _WIDTH * slots

    def show(self, slot: int, record_id: UUID) -> None:
        """Show that a slot (the first is 0) runs this record from now on."""
        self._places[_WIDTH * slot : _WIDTH * (slot + 1)] = record_id.bytes

    def clear(self, slot: int) -> None:
        """Show that a slot runs nothing."""
        self._places[_WIDTH * slot : _WIDTH * (slot + 1)] = _NOTHING

    def running(self) -> frozenset[UUID]:
        """Return the ids of the records that the slots show."""
        places = self._places.tobytes()
        shown = (places[at : at + _WIDTH] for at in range(0, len(places), _WIDTH))
        return frozenset(UUID(bytes=id_) for id_ in shown if id_ != _NOTHING)
