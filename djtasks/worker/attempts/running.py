"""A running attempt: it serves the task's context, and can be interrupted."""

import ctypes
import logging
import math
import random
import sys
import threading
import time
from asyncio import AbstractEventLoop
from asyncio import Task as AsyncioTask
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import msgspec
from django.db import transaction

from djtasks import results, waiting
from djtasks.context import Completion, Context
from djtasks.definitions import registry
from djtasks.definitions.task import Task
from djtasks.errors import LeaseLost, TaskCancelled
from djtasks.protocol.records import Claim, Notes, Settlement
from djtasks.protocol.retry import Backoff
from djtasks.store import Store
from djtasks.worker.attempts.calling import call_function, is_coroutine
from djtasks.worker.attempts.completing import Completing
from djtasks.worker.attempts.members import call_with_inputs, workflow_of
from djtasks.worker.attempts.metadata import Metadata
from djtasks.worker.attempts.opening import opened_claim
from djtasks.worker.attempts.return_values import encode_result
from djtasks.workflows.growing import GrowingWorkflow

logger = logging.getLogger("djtasks.worker")

_JUMPS = 3
_LONGEST_CONTEXT = 100
Find = Callable[[str], Task[..., Any] | None]
_spread = random.SystemRandom().uniform


class Work(msgspec.Struct, frozen=True, gc=False):
    """A claim and its registered task; None if this worker does not know the task."""

    claim: Claim
    task: Task[Any, Any] | None

    @classmethod
    def of(cls, claim: Claim, find: Find = registry.find) -> "Work":
        """Return the claim with the task of its path; see `Engine.find`."""
        return cls(claim, find(claim.task_path))

    @property
    def is_async(self) -> bool:
        """Whether it runs on the event loop."""
        return self.task is not None and is_coroutine(self.task.func)


class Interruptible(Protocol):
    """A way to raise an exception inside code that is running elsewhere."""

    def throw(self, error: type[BaseException]) -> None: ...
    def throw_again(self, error: type[BaseException]) -> None:
        """Raise it once more, if the code has swallowed it and does not clean up after it."""
        ...


class Running(msgspec.Struct, eq=False):
    """An attempt from its start to its settlement; implements `context.Execution`."""

    claim: Claim
    task: Task[Any, Any]
    store: Store
    worker: UUID
    started_at: float = msgspec.field(default_factory=time.time)
    started_monotonic: float = msgspec.field(default_factory=time.monotonic)
    is_stopping: Callable[[], bool] = bool
    progress: dict[str, Any] | None = None
    max_metadata: int | None = None
    kept: Metadata | None = None
    gate: Interruptible | None = None
    timed_out: bool = False
    hangs_at: float = math.inf
    is_over: bool = False
    cancel_wanted: bool = False
    asks: bool = False
    is_deciding: bool = False
    is_completed: bool = False
    completed_value: str | None = None
    grown: GrowingWorkflow | None = None

    @property
    def id(self) -> UUID:
        return self.claim.id

    @property
    def task_path(self) -> str:
        return self.claim.task_path

    @property
    def fence(self) -> int:
        return self.claim.fence

    @property
    def attempt(self) -> int:
        return self.claim.attempt + 1

    @property
    def cancelled(self) -> bool:
        self.asks = True
        return self.cancel_wanted

    @property
    def stopping(self) -> bool:
        return self.is_stopping()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started_monotonic

    def call(self, context: Context) -> Any:
        if self.claim.inputs is not None:
            return call_with_inputs(self, context)
        return call_function(self.task, opened_claim(self.claim, self.store), context)

    def decide(self, error: BaseException) -> timedelta | None:
        """Return the delay before the retry that the task's policy allows, or None to give up.

        The row has the number of attempts, fixed when it was enqueued. If the user's backoff
        function raises or returns something invalid, or has not returned when the attempt is
        judged again because it hangs, the default backoff applies.
        """
        policy = replace(self.task.retry_policy, max_attempts=self.claim.max_attempts)
        spread = _spread(-1, 1)
        if not self.is_deciding:
            self.is_deciding = True
            try:
                return policy.decide(error, self.attempt, spread=spread, result=self.result)
            except BaseException:
                logger.exception(
                    "The backoff function of %s failed, its default is used", self.task.name
                )
        return replace(policy, backoff=Backoff()).decide(error, self.attempt, spread=spread)

    def result(self) -> Any:
        backend = getattr(self.store, "backend", None)
        started_at = self.started_moment
        result = results.from_claim(self.claim, self.task, self.worker, started_at, backend=backend)
        if self.kept is not None:
            object.__setattr__(result, "metadata", self.kept.values)
        return result

    @property
    def started_moment(self) -> datetime:
        return datetime.fromtimestamp(self.started_at, UTC)

    def workflow(self) -> GrowingWorkflow | None:
        if self.grown is None:
            self.grown = workflow_of(self.claim, self.store.backend, self.worker)
        return self.grown

    def report(self, progress: dict[str, Any]) -> None:
        self.progress = progress

    @property
    def metadata(self) -> dict[str, Any]:
        return self._kept_metadata().values

    def save_metadata(self) -> None:
        self._kept_metadata().save()

    def _kept_metadata(self) -> Metadata:
        if self.kept is None:
            self.kept = Metadata(self.claim, self.store, self.worker, self.max_metadata)
        return self.kept

    @property
    def new_metadata(self) -> str | None:
        """The metadata to store at the end, as a JSON text; None: unchanged."""
        return None if self.kept is None else self.kept.at_end()

    def cancel(self) -> None:
        """Request a cancel; raise TaskCancelled in the task unless it checks for itself."""
        self.cancel_wanted = True
        if self.gate is not None and not self.asks:
            self.gate.throw(TaskCancelled)

    def completing(self, completion: Completion) -> Completing:
        return Completing(self.store.database, lambda: self.complete(completion.value))

    def complete(self, value: Any) -> None:
        """Write the task's success in the open transaction; it is final once that commits."""
        text = encode_result(self.task_path, value, task=self.task)
        notes = Notes(store=self.task.store, metadata=self.new_metadata)
        settlement = Settlement.succeeded(self.claim, text, notes)
        if not self.store.settle([settlement], worker=self.worker):
            raise LeaseLost(
                f"Task {self.claim.id} is owned by another execution now. The transaction of "
                f"this one is rolled back."
            )
        self.completed_value = text
        transaction.on_commit(self._on_completed, using=self.store.database)

    def _on_completed(self) -> None:
        self.is_completed = True


class ThreadGate:
    """Raises exceptions in a slot's thread, only between `enter` and `leave`.

    CPython delivers such an exception between two bytecodes of the thread. So C code, such as
    a long query, is interrupted only when it returns.
    """

    __slots__ = ("__weakref__", "_lock", "_open", "_thread", "has_thrown")

    def __init__(self) -> None:
        # Whether it has thrown anything since the last `enter`.
        self.has_thrown = False
        self._lock = threading.Lock()
        self._thread = threading.get_ident()
        self._open = False
        waiting.watch(self)

    @property
    def is_open(self) -> bool:
        """Whether a task is running in it."""
        return self._open

    def enter(self) -> None:
        self.has_thrown = False
        self._open = True

    def throw(self, error: type[BaseException]) -> None:
        with self._lock:
            if self._open:
                self.has_thrown = True
                _raise_in_thread(self._thread, error)

    def throw_again(self, error: type[BaseException]) -> None:
        if not self._is_handling(error):
            self.throw(error)

    def _is_handling(self, kind: type[BaseException]) -> bool:
        """Whether the thread is in a block that such an exception has led to.

        These are `except`, `finally` and `__exit__`: interrupting a rollback would break more.
        """
        current: Any = sys._current_exceptions().get(self._thread)  # noqa: SLF001 - documented
        # Before Python 3.12 it is what sys.exc_info() returns.
        error = current[1] if isinstance(current, tuple) else current
        for _ in range(_LONGEST_CONTEXT):
            if error is None or issubclass(type(error), kind):
                break
            error = error.__context__
        return error is not None

    def leave(self) -> None:
        """Stop throwing, and wait until no exception is pending.

        A pending exception may arrive inside this call: then call it again.
        """
        with self._lock:
            self._open = False
        # An exception thrown just before arrives at the next jump: let it arrive here. Not
        # withdrawn with SetAsyncExc(NULL): that leaves the interpreter's breaker set, which
        # slows every thread down and, under a tracer, hangs this one (CPython 3.11).
        for _ in range(_JUMPS):
            pass


def _raise_in_thread(thread: int, error: type[BaseException]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))


class CoroutineGate:
    """Cancels a coroutine on its loop; the attempt's flags say why."""

    __slots__ = ("_loop", "_task")

    def __init__(self, loop: AbstractEventLoop, task: "AsyncioTask[Any]") -> None:
        self._loop = loop
        self._task = task

    def throw(self, error: type[BaseException]) -> None:  # noqa: ARG002 - flags tell it
        self._loop.call_soon_threadsafe(self._task.cancel)

    def throw_again(self, error: type[BaseException]) -> None:
        """Do nothing: nobody sees from outside whether a coroutine waits in its clean-up.

        `except Exception` does not swallow CancelledError, so there is less need.
        """
