"""Decide when to retry a failed task, without a clock."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from djtasks.errors import Retry
from djtasks.formats.durations import LONGEST, as_duration

# Django's own proposal: f(exception, task_result) -> seconds, or None to give up.
BackoffFunction = Callable[[BaseException, Any], "int | float | timedelta | None"]

_MOST_DOUBLINGS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Growing delays: `first_delay`, then `factor` times longer each time, up to `longest_delay`.

    `jitter` (0 to 1) varies each delay by up to that share in both directions, so that tasks that
    failed together do not retry together.
    """

    first_delay: timedelta = timedelta(seconds=15)
    factor: float = 2.0
    longest_delay: timedelta = timedelta(hours=1)
    jitter: float = 0.2

    def __post_init__(self) -> None:
        if not timedelta(0) <= self.first_delay <= self.longest_delay <= LONGEST:
            raise ValueError(
                f"Backoff needs 0 <= first_delay <= longest_delay <= {LONGEST.days:,} days, "
                f"got {self.first_delay} and {self.longest_delay}."
            )
        # Written so that NaN, which compares with nothing, is refused too.
        if not (1 <= self.factor < math.inf and 0 <= self.jitter <= 1):
            raise ValueError(
                f"Backoff needs a finite factor >= 1 and jitter from 0 to 1, got {self.factor} "
                f"and {self.jitter}."
            )

    def delay_after(self, attempt: int, *, spread: float = 0.0) -> timedelta:
        """Return how long to wait after failed attempt `attempt` (counted from 1).

        `spread`, from -1 to 1, moves the delay within the jitter; 0 means no jitter.
        """
        longest = self.longest_delay.total_seconds()
        first = self.first_delay.total_seconds()
        try:
            grown = first * self.factor ** min(attempt - 1, _MOST_DOUBLINGS)
        except OverflowError:
            grown = longest if first else 0.0
        return timedelta(seconds=min(grown, longest) * (1 + self.jitter * spread))


_DEFAULT = Backoff()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a task may fail, which failures to retry, and after how long.

    `max_attempts` counts from 1. `backoff` may be a function of (exception, task_result).
    `retry_on` None means every failure; `give_up_on` takes precedence. A class in either also
    matches its subclasses. So does one in `cancel_on`: such an error is no failure, but the end.
    """

    max_attempts: int = 1
    backoff: Backoff | BackoffFunction = _DEFAULT
    retry_on: tuple[type[BaseException], ...] | None = None
    give_up_on: tuple[type[BaseException], ...] = ()
    cancel_on: tuple[type[BaseException], ...] = ()

    def cancels(self, error: BaseException) -> bool:
        """Return whether this error ends the task as CANCELLED, whatever the other rules say.

        A task that raises Retry is retried all the same.
        """
        return isinstance(error, self.cancel_on) and not isinstance(error, Retry)

    def decide(
        self,
        error: BaseException,
        attempt: int,
        *,
        spread: float = 0.0,
        result: Callable[[], Any] = lambda: None,
    ) -> timedelta | None:
        """Return the delay before a retry after failed attempt `attempt` (from 1); None to give up.

        A task that raises Retry is retried whatever `retry_on` says, and its own delay takes
        precedence over the backoff, unless it is no duration. A backoff function is called with the
        error and `result()`, even for the last attempt; its exceptions propagate. Raises ValueError
        if it returns what is no duration of at most 36,500 days.
        """
        delay = self._delay_after(error, attempt, spread, result)
        asks = isinstance(error, Retry)
        if attempt >= self.max_attempts or not (asks or self.worth_retrying(error)):
            return None
        own = as_duration(error.delay) if isinstance(error, Retry) else None
        if own is not None:
            delay = own
        elif asks and delay is None:
            delay = _DEFAULT.delay_after(attempt, spread=spread)
        return None if delay is None else max(delay, timedelta(0))

    def _delay_after(
        self, error: BaseException, attempt: int, spread: float, result: Callable[[], Any]
    ) -> timedelta | None:
        if isinstance(self.backoff, Backoff):
            return self.backoff.delay_after(attempt, spread=spread)
        answer = self.backoff(error, result())
        delay = as_duration(answer)
        if delay is None and answer is not None:
            raise ValueError(
                f"A backoff function returns seconds or a timedelta, of at most "
                f"{LONGEST.days:,} days, or None to give up; got {answer!r}."
            )
        return delay

    def worth_retrying(self, error: BaseException) -> bool:
        """Return whether this kind of failure may be retried, whatever the number of attempts."""
        if isinstance(error, self.give_up_on):
            return False
        return self.retry_on is None or isinstance(error, self.retry_on)
