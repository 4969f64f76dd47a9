"""The look-ahead: how many claims a pool holds beyond its slots, and for how long."""

import time
from collections import deque

LONGEST_WAIT_SECONDS = 1.0
_LOOKAHEAD_SECONDS = 0.1
_LONGEST_LOOKAHEAD = 300
_SMOOTHING = 0.05


class Lookahead:
    """Estimates how many claims a pool of `size` slots can take, by how long its tasks run.

    If tasks take longer than estimated, claims wait here while other workers could run them.
    So the look-ahead ends once a claim has waited for LONGEST_WAIT_SECONDS.
    """

    def __init__(self, size: int) -> None:
        self.typical_seconds = _LOOKAHEAD_SECONDS
        self._size = size
        # How many claims had come by which time; there are too many claims to record each.
        self._marks: deque[tuple[int, float]] = deque()

    def learn(self, seconds: float) -> None:
        """Update the typical duration with that of a task."""
        self.typical_seconds += _SMOOTHING * (seconds - self.typical_seconds)

    def room(self, held: int) -> int:
        """Return how many more claims to take, if `held` wait or run already.

        These are the free slots and, while tasks are short, work for a tenth of a second more. To
        keep batches large, return 0 until at least half of the look-ahead is free.
        """
        wanted = int(_LOOKAHEAD_SECONDS / self.typical_seconds * self._size)
        ahead = min(wanted, _LONGEST_LOOKAHEAD) if wanted > self._size else 0
        room = self._size + ahead - held
        return room if room > ahead // 2 else 0

    def has_failed(self, *, came: int, waiting: int) -> bool:
        """Return whether the oldest claim has waited too long; if so, lower the estimate.

        Call it after every fetch. `came` is how many claims ever came; the newest `waiting` of
        them have no slot.
        """
        now = time.monotonic()
        if not self._marks or self._marks[-1][0] < came:
            self._marks.append((came, now))
        while self._marks and self._marks[0][0] <= came - waiting:
            self._marks.popleft()
        if not self._marks or now - self._marks[0][1] < LONGEST_WAIT_SECONDS:
            return False
        self._marks.clear()
        self.typical_seconds = max(self.typical_seconds, _LOOKAHEAD_SECONDS)
        return True
