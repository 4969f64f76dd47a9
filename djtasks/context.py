"""What a task with `takes_context=True` receives as its first argument."""

from contextlib import AbstractContextManager
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from asgiref.sync import sync_to_async

from djtasks.compat import DjangoTaskResult, TaskContext
from djtasks.formats.tracebacks import storable

if TYPE_CHECKING:
    from djtasks.workflows.growing import GrowingWorkflow

# The task that runs here. What it enqueues remembers it.
current_task: ContextVar[UUID | None] = ContextVar("djtasks_current_task", default=None)

_MOST = 2**63
_LONGEST_NOTE = 200


class Execution(Protocol):
    """What a context needs from the code that runs the task."""

    @property
    def id(self) -> UUID: ...
    @property
    def task_path(self) -> str: ...
    @property
    def fence(self) -> int: ...
    @property
    def attempt(self) -> int: ...
    @property
    def cancelled(self) -> bool: ...
    @property
    def stopping(self) -> bool: ...
    def result(self) -> Any: ...
    @property
    def metadata(self) -> dict[str, Any]: ...
    def save_metadata(self) -> None: ...
    def report(self, progress: dict[str, Any]) -> None: ...
    def completing(self, completion: "Completion") -> AbstractContextManager[None]: ...
    def workflow(self) -> Any: ...
    def call(self, context: "Context") -> Any:
        """Call the task's function, with this context if it takes one."""
        ...


class Completion:
    """The return value of a task that completes in its own transaction; may be set inside."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class CompletionBlock:
    """The block of `complete_in_transaction`: no generator, which would assign to exceptions."""

    __slots__ = ("_block", "_completion")

    def __init__(self, completion: Completion, block: AbstractContextManager[None]) -> None:
        self._completion = completion
        self._block = block

    def __enter__(self) -> Completion:
        self._block.__enter__()
        return self._completion

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return self._block.__exit__(kind, error, traceback)


if TYPE_CHECKING:
    _Base = TaskContext[..., Any]
else:
    _Base = TaskContext


class Context(_Base):
    """The running attempt: Django's TaskContext, with progress, cancellation and completion."""

    __slots__ = ("_execution",)
    _execution: Execution

    def __init__(self, execution: Execution) -> None:
        object.__setattr__(self, "_execution", execution)

    @property
    def task_result(self) -> "DjangoTaskResult[Any, Any]":  # type: ignore[override]
        """The current result, including this attempt; read from the claim."""
        result: DjangoTaskResult[Any, Any] = self._execution.result()
        return result

    @property
    def id(self) -> UUID:
        """The record's id. With `fence`, it makes an idempotency key for calls to other systems."""
        return self._execution.id

    @property
    def task_path(self) -> str:
        """The dotted path of the task."""
        return self._execution.task_path

    @property
    def fence(self) -> int:
        """The number of this claim: it grows each time the record is claimed."""
        return self._execution.fence

    @property
    def attempt(self) -> int:
        """Which attempt this is, counted from 1."""
        return self._execution.attempt

    @property
    def cancelled(self) -> bool:
        """Whether a cancel was requested (seen within a heartbeat).

        A task that has read this once must stop by itself: from then on, no TaskCancelled is
        raised in it.
        """
        return self._execution.cancelled

    @property
    def stopping(self) -> bool:
        """Whether the worker was asked to stop, or its process is about to be replaced.

        The task may go on until the grace period is over; then it is ended and starts again
        elsewhere. False in `run_due()` and the test backends.
        """
        return self._execution.stopping

    @property
    def workflow(self) -> "GrowingWorkflow | None":
        """The workflow that this task belongs to, to add nodes to it; None outside of one."""
        flow: GrowingWorkflow | None = self._execution.workflow()
        return flow

    def set_progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Report progress. Costs one write to memory; stored within a second.

        `total` None means unknown. Progress is lost with the attempt if the worker crashes.
        Raises ValueError for a value that is not a number or exceeds 64 bits. `note` is cut
        after 200 characters.
        """
        for number in (done, total):
            if number is not None and not _is_plain(number):
                raise ValueError(f"set_progress needs finite numbers, got {number!r}.")
        text = storable(str(note))[:_LONGEST_NOTE]
        self._execution.report({"done": done, "total": total, "note": text})

    @property
    def metadata(self) -> dict[str, Any]:
        """What `using(metadata=...)` gave the task, and what earlier attempts stored: JSON values.

        The task may change it. Changes are stored when the attempt ends, however it ends, and with
        `save_metadata()`. Changes that cannot be stored are logged and left out. If the process
        dies, changes since the last save are lost.
        """
        return self._execution.metadata

    def save_metadata(self) -> None:
        """Store `metadata` now. In a transaction, it commits or rolls back with it.

        Use it to note the position of a long task in the transaction of each step. Raises LeaseLost
        if another execution owns the record by now, InvalidArguments for values that JSON cannot
        carry, and ArgumentsTooLarge above OPTIONS["max_arguments"].
        """
        self._execution.save_metadata()

    async def asave_metadata(self) -> None:
        """See save_metadata()."""
        await sync_to_async(self.save_metadata, thread_sensitive=True)()

    def complete_in_transaction(self, value: Any = None) -> CompletionBlock:
        """Commit the block's database changes and the task's success together, or neither.

        Opens a transaction on the queue's database. `value` becomes the return value; it may
        be set later as `completion.value`. What the task returns afterwards is ignored.
        Raises LeaseLost, rolling the block back, when another execution owns the record by
        now. A crash before the commit runs the task again; after it, never.
        """
        completion = Completion(value)
        return CompletionBlock(completion, self._execution.completing(completion))


def call_task(context: Context) -> Any:
    """Call the task of this context; middleware wraps this function."""
    return context._execution.call(context)  # noqa: SLF001 - the two are one


def _is_plain(number: object) -> bool:
    return isinstance(number, int | float) and abs(number) < _MOST
