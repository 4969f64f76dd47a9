"""What waits to be announced: from the threads that run and settle tasks to the one that tells."""

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class News(Generic[T]):
    """A queue of items that count until they have been dealt with. One thread takes them."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._in_hand = 0
        self._is_waiting = False
        self._wakeups: SimpleQueue[None] = SimpleQueue()

    def __len__(self) -> int:
        return len(self._items) + self._in_hand

    def put(self, items: Iterable[T]) -> None:
        """Add items, and wake the thread that takes them."""
        self._items.extend(items)
        if self._is_waiting:
            self._is_waiting = False
            self._wakeups.put(None)

    def take(self, most: int, *, seconds: float) -> list[T]:
        """Take up to `most` items, which count until done(); wait `seconds` for the first."""
        if not self._items:
            self._wait(seconds)
        # Counted before they are taken, so that at no moment nothing seems to be left.
        self._in_hand = min(len(self._items), most)
        return [self._items.popleft() for _ in range(self._in_hand)]

    def done(self) -> None:
        """Stop counting what was taken."""
        self._in_hand = 0

    def wake(self) -> None:
        """End the current wait for items, or the next one."""
        self._wakeups.put(None)

    def _wait(self, seconds: float) -> None:
        self._is_waiting = True
        # Looked at again after that: what was added before it has woken nobody.
        if not self._items:
            with suppress(Empty):
                self._wakeups.get(timeout=seconds)
        self._is_waiting = False
