"""Everything djtasks raises, each with the sentence its raiser fills in."""

from datetime import timedelta


class DjtasksError(Exception):
    """Base class of the errors below; catching it catches all of djtasks."""


class InvalidArguments(DjtasksError, TypeError, ValueError):
    """Arguments that do not fit the task, or that JSON cannot carry; nothing was enqueued.

    A TypeError because Django's contract asks for one, a ValueError because NaN is a float.
    """


class ArgumentsTooLarge(InvalidArguments):
    """Arguments above the limit of the backend; nothing was enqueued."""


class InvalidOption(DjtasksError, ValueError):
    """A setting in TASKS[...]["OPTIONS"] that is unknown or out of range."""


class InvalidSchedule(DjtasksError, ValueError):
    """A schedule that can never fire, or that is not one: a bad rule, policy or declaration."""


class InvalidSelection(DjtasksError, ValueError):
    """A filter for a bulk action that names no column, or a value that does not fit one."""


class InvalidBulkAction(DjtasksError, ValueError):
    """A bulk action that is none, or whose options make no sense; nothing was begun."""


class BulkActionMoved(DjtasksError):
    """Another execution of the same bulk action was faster; nothing of this chunk was done."""


class UnknownTask(DjtasksError, LookupError):
    """No task is registered under this path in this process."""


class ImpossibleMove(DjtasksError):
    """A state change that the table in `states` does not know: a bug in djtasks."""


class BrokerUnavailable(DjtasksError):
    """The broker did not answer; what was asked of it may or may not have happened."""


class CannotListen(DjtasksError):
    """The port that probes were to ask on is taken, or is not ours to take."""


class LeaseLost(DjtasksError):
    """This execution no longer owns its record, so its database work must roll back."""


class WorkerLost(DjtasksError):
    """The process that ran the task died under it once too often."""


class TaskExpired(DjtasksError):
    """The record was not started before its `expires`."""


class UnstorableResult(DjtasksError, ValueError):
    """The task returned something that JSON cannot carry or that is too large."""


class WouldWaitForever(DjtasksError, RuntimeError):
    """`wait()` inside the transaction that enqueued the task: no worker can see it yet."""


class ResultTimeout(DjtasksError, TimeoutError):
    """`wait()` ran out of time; the task goes on."""


class TaskTimeout(DjtasksError, TimeoutError):
    """Raised inside a task that ran longer than its `timeout`; a failure like any other."""


class TaskCancelled(BaseException):
    """Raised inside a running task that somebody cancelled.

    A BaseException, like asyncio's, so that a task's own `except Exception` lets it through.
    """


class Cancel(DjtasksError):
    """Raise it in a task to end the record as CANCELLED, with the reason, without a retry."""


class Retry(DjtasksError):
    """Raise it in a task to run it again later; it spends an attempt like a failure.

    `delay` is a timedelta or seconds; None takes the task's backoff.
    """

    def __init__(self, reason: str = "", *, delay: timedelta | float | None = None) -> None:
        super().__init__(reason or "The task asked to be run again.")
        self.delay = timedelta(seconds=delay) if isinstance(delay, int | float) else delay
