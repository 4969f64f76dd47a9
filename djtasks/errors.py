"""The exceptions that djtasks raises."""

import threading
from datetime import timedelta

# That of `formats.durations`, which knows these errors.
_LONGEST_DELAY = timedelta(days=36_500)


class DjtasksError(Exception):
    """Base class of the errors below, except TaskCancelled."""


def is_ctrl_c(error: BaseException) -> bool:
    """Return whether a person may have raised this: only the main thread gets signals.

    A loop that sets aside what raises must stop for it. Whatever else the project's code raises,
    SystemExit included, concerns only what that code was called for.
    """
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and isinstance(error, KeyboardInterrupt)


class InvalidArguments(DjtasksError, TypeError, ValueError):
    """The arguments do not fit the task, or JSON cannot carry them; nothing was enqueued.

    A TypeError because Django's contract asks for one, a ValueError because NaN is a float.
    """


class ArgumentsTooLarge(InvalidArguments):
    """The arguments exceed the size limit of the backend; nothing was enqueued."""


class UnreadableArguments(DjtasksError, ValueError):
    """Stored arguments that the annotations of this code cannot read; `place` is in the call.

    The task has not begun: it waits for a worker whose code fits.
    """

    def __init__(self, what: str, *, place: str) -> None:
        super().__init__(what)
        self.place = place


class InvalidOption(DjtasksError, ValueError):
    """A setting in TASKS[...]["OPTIONS"] that is unknown or out of range."""


class InvalidSchedule(DjtasksError, ValueError):
    """A schedule is not valid or can never fire: a bad rule, policy or declaration."""


class InvalidSelection(DjtasksError, ValueError):
    """A bulk action's filter names an unknown column, or a value that does not fit its column."""


class InvalidBulkAction(DjtasksError, ValueError):
    """The bulk action is unknown, or its options are not valid; nothing was started."""


class BulkActionMoved(DjtasksError):
    """Another execution of this bulk action was faster; this chunk changed nothing."""


class InvalidWorkflow(DjtasksError, ValueError):
    """A workflow that cannot run: a bad node, option or argument; nothing was enqueued."""


class WorkflowDoesNotExist(DjtasksError, LookupError):
    """No workflow has this id: it was pruned, discarded, rolled back, or never existed."""


class UnknownTask(DjtasksError, LookupError):
    """No task is registered under this path in this process."""


class MissingKey(DjtasksError, LookupError):
    """This process cannot encrypt or decrypt arguments: it lacks the key, or the package for it."""


class ImpossibleMove(DjtasksError):
    """A state change that the table in `states` does not allow: a bug in djtasks."""


class BrokerUnavailable(DjtasksError):
    """The broker did not answer; the operation may or may not have happened."""


class CannotListen(DjtasksError):
    """The port for probes is already in use, or this process may not listen on it."""


class NodeSkipped(DjtasksError):
    """The node of a workflow that this task belongs to was skipped, so the task never runs."""


class CannotMap(DjtasksError):
    """`map(over=...)` cannot make its members of what the other node returned."""


class LeaseLost(DjtasksError):
    """This execution no longer owns its record, so its database work must roll back."""


class WorkerLost(DjtasksError):
    """The process that ran the task died, and the task will not be retried."""


class TaskExpired(DjtasksError):
    """The record was not started before its `expires`."""


class UnstorableResult(DjtasksError, ValueError):
    """The task returned a value that JSON cannot carry or that is too large.

    It ends as FAILED and is not retried, however many attempts it has: its function has returned.
    """


class UnusableError(DjtasksError):
    """The task raised an error that djtasks cannot read, since code of the error raises too."""


class WouldWaitForever(DjtasksError, RuntimeError):
    """`wait()` was called in the transaction that enqueued the task, which no worker sees yet."""


class ResultTimeout(DjtasksError, TimeoutError):
    """`wait()` timed out; the task continues."""


class TaskTimeout(DjtasksError, TimeoutError):
    """Raised inside a task that exceeds its `timeout`; counts as a failure like any other."""


class TaskCancelled(BaseException):
    """Raised inside a running task that was cancelled.

    A BaseException, like asyncio's, so that a task's own `except Exception` lets it through.
    """


class Cancel(DjtasksError):
    """Raise it in a task to end it as CANCELLED, with the reason and without a retry."""


class Retry(DjtasksError):
    """Raise it in a task to retry it later; this uses up an attempt, like a failure.

    `delay` is a timedelta or a number of seconds; None means the task's backoff. Raises
    TypeError for anything else, and ValueError for NaN or for more than 36,500 days. Like any
    error of the task, this fails the attempt.
    """

    delay: timedelta | None = None

    def __init__(self, reason: str = "", *, delay: timedelta | float | None = None) -> None:
        super().__init__(reason or "The task requested a retry.")
        if isinstance(delay, bool) or not isinstance(delay, int | float | timedelta | None):
            raise TypeError(f"The delay of Retry is a timedelta or seconds, got {delay!r}.")
        seconds = delay.total_seconds() if isinstance(delay, timedelta) else delay
        # NaN is not within anything.
        if seconds is not None and not abs(seconds) <= _LONGEST_DELAY.total_seconds():
            raise ValueError(
                f"The delay of Retry is at most {_LONGEST_DELAY.days:,} days, got {delay!r}."
            )
        self.delay = timedelta(seconds=delay) if isinstance(delay, int | float) else delay
