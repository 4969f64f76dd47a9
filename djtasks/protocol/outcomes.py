"""What happened to an execution, what that means, and the one place where it is decided.

outcome (a fact) -> `judge` -> verdict (what to write down).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, assert_never

from djtasks.errors import Cancel, Retry, TaskCancelled, TaskExpired, UnknownTask
from djtasks.protocol.retry import RetryPolicy
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
    """The task raised. `wish` is what its backoff function answered.

    A timedelta is when to try again; `GIVE_UP` ends the record; None means nobody was asked.
    """

    error: BaseException
    wish: "timedelta | GiveUp | None" = None


@dataclass(frozen=True, slots=True)
class Expired:
    """The record was claimed after its `expires_at` and not run."""

    error: TaskExpired


@dataclass(frozen=True, slots=True)
class Unregistered:
    """This worker does not know the task; `waited` is the time since the first refusal."""

    error: UnknownTask
    waited: timedelta


class GiveUp:
    """The type of `GIVE_UP`."""

    __slots__ = ()


GIVE_UP = GiveUp()

Outcome = Returned | Raised | Expired | Unregistered


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


def judge(outcome: Outcome, policy: RetryPolicy, attempt: int, *, spread: float = 0.0) -> Verdict:
    """Decide what an execution means. `attempt` is the one just made, counted from 1.

    `spread`, from -1 to 1, is the jitter of a retry's delay. Pure: no clock, no I/O.
    """
    match outcome:
        case Returned(value):
            return Verdict(_SUCCESSFUL, value)
        case Raised(Cancel() | TaskCancelled() as error):
            return Verdict(state=State.CANCELLED, error=error)
        case Raised():
            return _judge_failure(outcome, policy, attempt, spread)
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


def _judge_failure(outcome: Raised, policy: RetryPolicy, attempt: int, spread: float) -> Verdict:
    error, wish = outcome.error, outcome.wish
    asked = isinstance(error, Retry)
    if attempt >= policy.max_attempts or not (asked or policy.worth_retrying(error)):
        return Verdict(state=State.FAILED, error=error)
    if isinstance(wish, GiveUp) and not asked:
        return Verdict(state=State.FAILED, error=error)
    delay = error.delay if isinstance(error, Retry) else None
    if delay is None and isinstance(wish, timedelta):
        delay = wish
    if delay is None:
        delay = policy.backoff.delay_after(attempt, spread=spread)
    return Verdict(state=State.READY, error=error, delay=max(delay, timedelta(0)))
