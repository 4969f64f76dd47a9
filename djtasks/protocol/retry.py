"""When a failed task runs again: decided by arithmetic alone, without a clock."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from djtasks.formats.durations import LONGEST

# Django's own proposal: f(exception, task_result) -> seconds, or None to give up.
BackoffFunction = Callable[[BaseException, Any], "int | float | timedelta | None"]

_MOST_DOUBLINGS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Delays that grow: `first_delay`, then `factor` times as long each time, to `longest_delay`.

    `jitter` (0 to 1) spreads each delay by that share up and down, so that tasks that failed
    together do not come back together.
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

        `spread`, from -1 to 1, moves the delay within the jitter; 0 is the plain delay.
        """
        longest = self.longest_delay.total_seconds()
        first = self.first_delay.total_seconds()
        try:
            grown = first * self.factor ** min(attempt - 1, _MOST_DOUBLINGS)
        except OverflowError:
            grown = longest if first else 0.0
        return timedelta(seconds=min(grown, longest) * (1 + self.jitter * spread))


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a task may fail, and which failures are worth another attempt.

    `max_attempts` counts from 1. `retry_on` None means every failure; `give_up_on` wins over
    it. A class in either also matches its subclasses.
    """

    max_attempts: int = 1
    backoff: Backoff = field(default_factory=Backoff)
    retry_on: tuple[type[BaseException], ...] | None = None
    give_up_on: tuple[type[BaseException], ...] = ()

    def worth_retrying(self, error: BaseException) -> bool:
        """Return whether this failure may be tried again at all, attempts aside."""
        if isinstance(error, self.give_up_on):
            return False
        return self.retry_on is None or isinstance(error, self.retry_on)
