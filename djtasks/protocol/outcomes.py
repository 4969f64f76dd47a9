"""The outcomes of an execution, and the one place that decides what follows from them.

outcome (a fact) -> `judge` -> settlement (what to write down).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, assert_never

from djtasks.errors import (
    Cancel,
    MissingKey,
    TaskCancelled,
    TaskExpired,
    UnknownTask,
    UnstorableResult,
)
from djtasks.protocol.records import Notes, Owned, Settlement

# A rolling deploy may bring the task's code within the hour; until then the record is released.
UNKNOWN_TASK_PATIENCE = timedelta(hours=1)
UNKNOWN_TASK_DELAY = timedelta(seconds=30)


class Returned(NamedTuple):
    """The task returned; `value` is its return value as JSON text, None for None."""

    value: str | None


@dataclass(frozen=True, slots=True)
class Raised:
    """The task raised; `cancels` says that its `cancel_on` names such an error."""

    error: BaseException
    cancels: bool = False


@dataclass(frozen=True, slots=True)
class Expired:
    """The record was claimed after its `expires_at`, so it did not run."""

    error: TaskExpired


@dataclass(frozen=True, slots=True)
class Unregistered:
    """This worker has no code or no key for the record.

    `waited` is the time since the first such refusal; None means that this is the first.
    """

    error: UnknownTask | MissingKey
    waited: timedelta | None = None


# It never began.
Refusal = Expired | Unregistered
Outcome = Returned | Raised | Refusal

# After a failure: when to try again, or None to give up. See `RetryPolicy.decide`.
Decide = Callable[[BaseException], timedelta | None]


def judge(
    outcome: Outcome, claim: Owned, notes: Notes, decide: Decide = lambda _error: None
) -> Settlement:
    """Return the settlement for an outcome; `decide` says when to retry a failure.

    Uses no clock and no I/O.
    """
    match outcome:
        case Returned(value):
            return Settlement.succeeded(claim, value, notes)
        case Raised(Cancel() | TaskCancelled()) | Raised(cancels=True):
            return Settlement.cancelled(claim, notes)
        case Raised(error):
            # A function that has returned would only do its work twice.
            delay = None if isinstance(error, UnstorableResult) else decide(error)
            if delay is None:
                return Settlement.failed(claim, notes)
            return Settlement.retry(claim, delay, notes)
        case Expired():
            return Settlement.expired(claim, notes)
        case Unregistered(error, waited):
            patient = waited is None or waited < UNKNOWN_TASK_PATIENCE
            # With the key, nothing is wrong with the record.
            patient |= isinstance(error, MissingKey)
            return Settlement.refused(claim, UNKNOWN_TASK_DELAY if patient else None, notes)
        case _:
            assert_never(outcome)
