"""The fetch loop of one child: as many claims as there is room for, to where they are run."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from djtasks import registry
from djtasks.claims import Claim
from djtasks.worker.pipeline import Finished, Pipeline, is_coroutine
from djtasks.worker.pools import Pool

MOST_IN_ONE_FETCH = 500
_FULL_PAUSE = 0.05
_HELD_PAUSE = 0.25
_YIELD_SECONDS = 0.00005


class Source(Protocol):
    """Where claims come from."""

    def fetch(self, room: int) -> list[Claim]: ...


class Fetcher:
    """Fetches, and hands each claim to the pool of its kind.

    It never claims what it could not start: while tasks of both kinds are registered, both
    pools need room.
    """

    def __init__(
        self,
        source: Source,
        pipeline: Pipeline,
        *,
        threads: Pool,
        coroutines: Pool,
        done: Callable[[Finished], None],
        hand_over: Callable[[Claim], None],
        is_held_up: Callable[[], bool],
        on_started: Callable[[], None] = lambda: None,
    ) -> None:
        self._source = source
        self._pipeline = pipeline
        self._threads = threads
        self._coroutines = coroutines
        self._done = done
        self._hand_over = hand_over
        self._is_held_up = is_held_up
        self._on_started = on_started
        self._needed: tuple[Pool, ...] = ()
        self.is_paused = False

    def tick(self) -> float:
        """Fetch once; return how long to wait before the next time unless a slot frees."""
        if self.is_paused or self._is_held_up():
            return _HELD_PAUSE
        self._needed = self._needed_pools()
        room = self.room()
        if room <= 0:
            return _FULL_PAUSE
        claims = self._source.fetch(min(room, MOST_IN_ONE_FETCH))
        if claims:
            self.dispatch(claims)
            # The slots need the interpreter now: they start 0.1 ms sooner when we leave it to them.
            time.sleep(_YIELD_SECONDS)
        return 0.0

    def room(self) -> int:
        """How many claims could be started or queued now, whatever their kind."""
        return min([pool.room for pool in self._needed or self._needed_pools()])

    def _needed_pools(self) -> tuple[Pool, ...]:
        """Return the pools of the kinds of task that are registered: of plain ones if none is."""
        kinds = {is_coroutine(task.func) for task in registry.all_tasks()}
        if kinds == {True}:
            return (self._coroutines,)
        return (self._threads, self._coroutines) if True in kinds else (self._threads,)

    def dispatch(self, claims: Sequence[Claim]) -> None:
        """Send each claim where it belongs: refused, alone, to the loop or to a thread."""
        for claim in claims:
            refused = self._pipeline.refuse(claim)
            if refused is not None:
                self._done(refused)
            elif claim.is_suspect:
                self._hand_over(claim)
            else:
                self._on_started()
                self.submit(claim)

    def submit(self, claim: Claim) -> None:
        """Give a claim to the pool of its kind."""
        function = registry.get(claim.task_path).func
        (self._coroutines if is_coroutine(function) else self._threads).submit(claim)
