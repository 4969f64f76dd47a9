"""The fetch loop of one child: fetches as many claims as there is room for, and dispatches them."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from djtasks.definitions import registry
from djtasks.protocol.records import Claim
from djtasks.worker.attempts.calling import is_coroutine
from djtasks.worker.attempts.pipeline import Finished, Pipeline
from djtasks.worker.attempts.pool import Pool
from djtasks.worker.attempts.running import Work

MOST_IN_ONE_FETCH = 500
_FULL_PAUSE = 0.05
_HELD_PAUSE = 0.25
_YIELD_SECONDS = 0.00005
_CLAIMS_REMEMBERED = 100
_LEAST_SHARE = 0.05


class Source(Protocol):
    """A source of claims."""

    def fetch(self, room: int) -> list[Work]: ...


class Fetcher:
    """Fetches claims and passes each to the pool of its kind.

    An id does not reveal the kind of its task. So while tasks of both kinds are registered, both
    pools need room for their usual share. This is an estimate, see `Lookahead`: claims that wait
    too long are given back.
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
        give_back: Callable[[Sequence[Claim]], None],
        is_held_up: Callable[[], bool],
    ) -> None:
        self._source = source
        self._pipeline = pipeline
        self._threads = threads
        self._coroutines = coroutines
        self._done = done
        self._hand_over = hand_over
        self._give_back = give_back
        self._is_held_up = is_held_up
        self._submitted = 0
        self._most: int | None = None
        self._on_most: Callable[[], None] = lambda: None
        self._shares: dict[Pool, float] = {}
        self.is_paused = False

    def limit_to(self, most: int | None, on_most: Callable[[], None]) -> None:
        """Stop fetching and call `on_most` once `most` claims went to slots; None: never."""
        self._most, self._on_most = most, on_most

    def tick(self) -> float:
        """Fetch once; return how many seconds to wait unless a slot becomes free."""
        self._take_back([*self._threads.take_back_stuck(), *self._coroutines.take_back_stuck()])
        if self.is_paused or self._is_held_up():
            return _HELD_PAUSE
        self._check_kinds()
        room = self.room()
        if room <= 0:
            return _FULL_PAUSE
        batch = self._source.fetch(min(room, MOST_IN_ONE_FETCH))
        if batch:
            self.dispatch(batch)
            # Yield to the slots, which need the interpreter now: they start 0.1 ms sooner.
            time.sleep(_YIELD_SECONDS)
        return 0.0

    def room(self) -> int:
        """Return how many claims could start or queue now, for the usual mix of kinds."""
        return min(
            (int(pool.room / max(share, _LEAST_SHARE)) for pool, share in self._shares.items()),
            default=0,
        )

    def _check_kinds(self) -> None:
        """Update the pools that are needed; without registered tasks, the one for plain tasks."""
        kinds = {is_coroutine(task.func) for task in registry.all_tasks()} or {False}
        pools = [self._coroutines if kind else self._threads for kind in sorted(kinds)]
        if self._shares.keys() != set(pools):
            self._shares = dict.fromkeys(pools, 1.0)

    def _learn_shares(self, submitted: Sequence[Pool]) -> None:
        """Move the shares towards those of the newest claims, weighted by their number."""
        weight = min(len(submitted) / _CLAIMS_REMEMBERED, 1.0)
        for pool, share in self._shares.items():
            newest = submitted.count(pool) / len(submitted)
            self._shares[pool] = share + weight * (newest - share)

    def dispatch(self, batch: Sequence[Work]) -> None:
        """Refuse each claim, hand it over to run alone, or submit it to its pool."""
        submitted: list[Pool] = []
        for work in batch:
            refused = self._pipeline.refuse(work)
            if refused is not None:
                self._done(refused)
            elif work.claim.must_run_isolated:
                self._hand_over(work.claim)
            else:
                submitted.append(self.submit(work))
                self._count()
        if submitted:
            self._learn_shares(submitted)

    def submit(self, work: Work) -> Pool:
        """Submit a claim to the pool of its kind, and return the pool."""
        pool = self._coroutines if work.is_async else self._threads
        pool.submit(work)
        return pool

    def give_back_waiting(self) -> None:
        """Give back all that has not started."""
        self._take_back([*self._threads.take_back(), *self._coroutines.take_back()])

    def _take_back(self, claims: Sequence[Claim]) -> None:
        if claims:
            self._submitted -= len(claims)
            self._give_back(claims)

    def _count(self) -> None:
        self._submitted += 1
        if self._submitted == self._most:
            self.is_paused = True
            self._on_most()
