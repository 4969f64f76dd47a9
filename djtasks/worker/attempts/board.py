"""Which record each slot of a child is running, where its supervisor can read it after a crash."""

from typing import Any
from uuid import UUID

_WIDTH = 16
_NOTHING = bytes(_WIDTH)


class Board:
    """A place of 16 bytes a slot, in memory that outlives the child.

    Written by the child around each execution, without a call to the system, and read by the
    supervisor once the child is gone. A write that a kill cuts short leaves an id that no
    record has.
    """

    def __init__(self, memory: Any) -> None:
        self._places = memoryview(memory).cast("B")

    @staticmethod
    def size(slots: int) -> int:
        """Return how many bytes so many slots take."""
        return _WIDTH * slots

    def show(self, slot: int, record_id: UUID) -> None:
        """Show that a slot, counted from 0, is running this record from now on."""
        self._places[_WIDTH * slot : _WIDTH * (slot + 1)] = record_id.bytes

    def clear(self, slot: int) -> None:
        """Show that a slot is running nothing."""
        self._places[_WIDTH * slot : _WIDTH * (slot + 1)] = _NOTHING

    def running(self) -> frozenset[UUID]:
        """Return the records that were shown last."""
        places = self._places.tobytes()
        shown = (places[at : at + _WIDTH] for at in range(0, len(places), _WIDTH))
        return frozenset(UUID(bytes=id_) for id_ in shown if id_ != _NOTHING)
