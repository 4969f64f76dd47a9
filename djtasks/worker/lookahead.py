"""What a pool holds beyond its slots: how much of it, and for how long."""

import time
from collections import deque
from contextlib import suppress

from djtasks.claims import Claim

LONGEST_WAIT = 1.0
_LOOKAHEAD_SECONDS = 0.1
_LONGEST_LOOKAHEAD = 300
_SMOOTHING = 0.05


class Waiting:
    """Claims that no slot has taken yet, oldest first. Thread-safe."""

    def __init__(self) -> None:
        self._claims: deque[tuple[Claim, float]] = deque()

    def __len__(self) -> int:
        return len(self._claims)

    def put(self, claim: Claim) -> None:
        self._claims.append((claim, time.monotonic()))

    def take(self) -> Claim | None:
        """Return the oldest, or None when there is none any more."""
        with suppress(IndexError):
            return self._claims.popleft()[0]
        return None

    def take_all(self) -> list[Claim]:
        """Return everything, and leave nothing."""
        taken: list[Claim] = []
        while (claim := self.take()) is not None:
            taken.append(claim)
        return taken

    @property
    def seconds(self) -> float:
        """How long the oldest has waited."""
        with suppress(IndexError):
            return time.monotonic() - self._claims[0][1]
        return 0.0


class Lookahead:
    """How many more claims a pool of `size` slots takes, judged by how long its tasks run.

    A guess: when tasks turn out longer, what was claimed ahead would wait here while others
    could run it. So it ends when a claim has waited for LONGEST_WAIT seconds.
    """

    def __init__(self, size: int) -> None:
        self.typical_seconds = _LOOKAHEAD_SECONDS
        self._size = size

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

    def end_if_stuck(self, waiting: Waiting) -> list[Claim]:
        """Return all that waits when the oldest of it has waited too long, and guess anew."""
        if waiting.seconds < LONGEST_WAIT:
            return []
        self.typical_seconds = max(self.typical_seconds, _LOOKAHEAD_SECONDS)
        return waiting.take_all()
