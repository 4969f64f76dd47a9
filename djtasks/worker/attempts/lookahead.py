"""What a pool holds beyond its slots: how much of it, and for how long."""

import time
from collections import deque

LONGEST_WAIT_SECONDS = 1.0
_LOOKAHEAD_SECONDS = 0.1
_LONGEST_LOOKAHEAD = 300
_SMOOTHING = 0.05


class Lookahead:
    """How many more claims a pool of `size` slots takes, judged by how long its tasks run.

    A guess: when tasks turn out longer, what was claimed ahead would wait here while others
    could run it. So it ends when a claim has waited for LONGEST_WAIT_SECONDS.
    """

    def __init__(self, size: int) -> None:
        self.typical_seconds = _LOOKAHEAD_SECONDS
        self._size = size
        # How many claims had come by when; the claims themselves are too many to note each.
        self._marks: deque[tuple[int, float]] = deque()

    def learn(self, seconds: float) -> None:
        """Take note of how long a task ran."""
        self.typical_seconds += _SMOOTHING * (seconds - self.typical_seconds)

    def room(self, held: int) -> int:
        """Return how many more, next to `held` that wait or run.

        Free slots, and while tasks are short as many more as take a tenth of a second. Not in
        small change: while there is a look-ahead, nothing until half of it is free.
        """
        wanted = int(_LOOKAHEAD_SECONDS / self.typical_seconds * self._size)
        ahead = min(wanted, _LONGEST_LOOKAHEAD) if wanted > self._size else 0
        room = self._size + ahead - held
        return room if room > ahead // 2 else 0

    def has_failed(self, *, came: int, waiting: int) -> bool:
        """Return whether the oldest that waits has waited too long, and then guess anew.

        To be asked after every fetch. `came` is how many claims ever came, of which the newest
        `waiting` have no slot.
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
