"""What happened to an execution, what that means, and the one place where it is decided.

outcome (a fact) -> `judge` -> verdict (what to write down).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, assert_never

from djtasks.errors import Cancel, TaskCancelled, TaskExpired, UnknownTask
from djtasks.protocol.states import State

# A rolling deploy may bring the task's code within the hour; until then the record is released.
UNKNOWN_TASK_PATIENCE = timedelta(hours=1)
UNKNOWN_TASK_DELAY = timedelta(seconds=30)

# Until Python 3.12 each look at a member of an enumeration is a call of Python code.
_SUCCESSFUL = State.SUCCESSFUL


class Returned(NamedTuple):
    """The task returned; `value` is its return value as JSON text, None for None."""

    value: str | None


@dataclass(frozen=True, slots=True)
class Raised:
    """The task raised."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class Expired:
    """The record was claimed after its `expires_at` and not run."""

    error: TaskExpired


@dataclass(frozen=True, slots=True)
class Unregistered:
    """This worker does not know the task; `waited` is the time since the first refusal."""

    error: UnknownTask
    waited: timedelta


Outcome = Returned | Raised | Expired | Unregistered

# After a failure: when to try again, or None to give up. See `RetryPolicy.decide`.
Decide = Callable[[BaseException], timedelta | None]


class Verdict(NamedTuple):
    """What the settle writes down.

    `delay` counts from the database's clock at the settle and is set only with READY; `spent`
    says that an attempt was used up; `error` is what belongs into the record's errors.
    """

    state: State
    value: str | None = None
    error: BaseException | None = None
    delay: timedelta | None = None
    spent: bool = True


def judge(outcome: Outcome, decide: Decide = lambda _error: None) -> Verdict:
    """Decide what an execution means; `decide` is asked about failures. No clock, no I/O."""
    match outcome:
        case Returned(value):
            return Verdict(_SUCCESSFUL, value)
        case Raised(Cancel() | TaskCancelled() as error):
            return Verdict(state=State.CANCELLED, error=error)
        case Raised(error):
            delay = decide(error)
            state = State.FAILED if delay is None else State.READY
            return Verdict(state=state, error=error, delay=delay)
        case Expired(error):
            return Verdict(state=State.EXPIRED, error=error, spent=False)
        case Unregistered(error, waited):
            patient = waited < UNKNOWN_TASK_PATIENCE
            return Verdict(
                state=State.READY if patient else State.FAILED,
                error=error,
                delay=UNKNOWN_TASK_DELAY if patient else None,
                spent=False,
            )
        case _:
            assert_never(outcome)
