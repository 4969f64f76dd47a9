"""What a failure was about: its cause, and the place in the project that raised it."""

import asyncio

from djtasks.errors import TaskCancelled, TaskTimeout
from djtasks.formats.tracebacks import fingerprint_of, place_of
from djtasks.protocol.outcomes import Outcome, Raised
from djtasks.protocol.records import Claim
from djtasks.worker.attempts.running import Running


def translated(error: BaseException, running: Running) -> BaseException:
    """Return the error, translated to its cause: a time limit or a cancel."""
    if running.timed_out and isinstance(error, TaskTimeout | asyncio.CancelledError):
        told = TaskTimeout(
            f"The attempt ran longer than its limit of {running.claim.timeout:g} seconds."
        )
        return told.with_traceback(error.__traceback__)
    if running.cancel_wanted and isinstance(error, TaskCancelled | asyncio.CancelledError):
        return TaskCancelled("The task was cancelled while it ran.").with_traceback(
            error.__traceback__
        )
    return error


def fingerprint(claim: Claim, outcome: Outcome) -> tuple[str, str | None]:
    """Return the place and the fingerprint of a failure; ("", None) if it is none."""
    if not isinstance(outcome, Raised):
        return "", None
    place = place_of(outcome.error)
    return place, fingerprint_of(claim.task_path, outcome.error, place)
