"""What a task says about trying again: its policy, and its own backoff function."""

import logging
from datetime import timedelta
from typing import Any

from djtasks.definitions.task import Task
from djtasks.protocol.outcomes import GIVE_UP, GiveUp, Raised
from djtasks.protocol.records import Claim
from djtasks.protocol.retry import Backoff, RetryPolicy
from djtasks.worker.attempts.running import Running

logger = logging.getLogger("djtasks.worker")


def policy_of(claim: Claim, task: Task[Any, Any] | None) -> RetryPolicy:
    """Return the task's policy with the row's number of attempts, fixed at the enqueueing."""
    if task is None:
        return RetryPolicy(max_attempts=claim.max_attempts)
    known = task.retry_policy
    return RetryPolicy(
        max_attempts=claim.max_attempts,
        backoff=known.backoff,
        retry_on=known.retry_on,
        give_up_on=known.give_up_on,
    )


def with_wish(outcome: Raised, task: Task[Any, Any], running: Running | None) -> Raised:
    """Ask the task's backoff function, if it has one, what to do about its error."""
    if isinstance(task.backoff, Backoff) or running is None:
        return outcome
    try:
        answer = task.backoff(outcome.error, running.result())
        return Raised(outcome.error, _wish(answer))
    except Exception:
        logger.exception("The backoff function of %s failed, its default is used", task.name)
        return outcome


def _wish(answer: Any) -> "timedelta | GiveUp":
    if answer is None:
        return GIVE_UP
    return answer if isinstance(answer, timedelta) else timedelta(seconds=answer)
