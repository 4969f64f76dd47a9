"""An attempt from claim to settlement: `Pipeline.run`, and its steps in their order.

refuse  do not run a claim that has expired or that this worker does not know
begin   count the attempt as started from now on
call    call the task through the middleware; turn whatever it raises into a value
judge   decide what the outcome means (only outcomes.judge decides on retries)
settle  return what the settler writes and the announcer announces
"""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any
from uuid import UUID

import msgspec

from djtasks.context import Context, call_task, current_task
from djtasks.definitions.task import Task
from djtasks.errors import TaskExpired, TaskTimeout, UnstorableResult, UnusableError
from djtasks.formats.json_values import encode
from djtasks.formats.tracebacks import describe
from djtasks.middleware import Middleware, Run, chain
from djtasks.protocol import outcomes
from djtasks.protocol.outcomes import Expired, Outcome, Raised, Refusal, Returned, Unregistered
from djtasks.protocol.records import Claim, Notes, Settlement
from djtasks.store import Store
from djtasks.worker.attempts.copies import ending_copies
from djtasks.worker.attempts.failures import fingerprint, translated
from djtasks.worker.attempts.refusals import signature_mismatch, unregistered
from djtasks.worker.attempts.return_values import encode_result
from djtasks.worker.attempts.running import Running, ThreadGate, Work

logger = logging.getLogger("djtasks.worker")

Watch = Callable[[Running], None]


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A judged attempt.

    `task` None: this worker does not know it. `error`: what was raised. `began`: seconds since
    1970, None if it never began. `seconds`: its duration. `is_completed`: it is already settled, in
    the task's own transaction.
    """

    claim: Claim
    task: Task[Any, Any] | None
    settlement: Settlement
    error: BaseException | None
    seconds: float
    began: float | None
    is_completed: bool = False

    @property
    def started_at(self) -> datetime | None:
        return None if self.began is None else datetime.fromtimestamp(self.began, UTC)


def _nobody(_running: Running) -> None:
    """Ignore the start of an attempt."""


class Pipeline:
    """Runs claims of one child. Thread-safe; keeps no state between attempts."""

    def __init__(
        self,
        store: Store,
        worker: UUID,
        *,
        middleware: Sequence[Middleware] = (),
        max_result: int | None = None,
        max_metadata: int | None = None,
        on_started: Watch = _nobody,
        is_stopping: Callable[[], bool] = bool,
    ) -> None:
        self.store = store
        self.worker = worker
        self._max_result = max_result
        self._on_started = on_started
        self._running = partial(
            Running, store=store, worker=worker, max_metadata=max_metadata, is_stopping=is_stopping
        )
        self._middleware = middleware
        self._run: Run = _chained(middleware, call_task)

    def run(self, work: Work, gate: ThreadGate, watch: Watch = _nobody) -> Finished:
        """Run one claim in this thread; never raises what its task raises."""
        refused = self.refuse(work)
        if refused is not None:
            return refused
        running = self.begin(work)
        watch(running)
        try:
            outcome = self.call(running, gate)
            settlement = self.judge(work, outcome, running)
        except BaseException as error:  # noqa: BLE001 - code that the error or the task brings
            outcome, settlement = self._give_up_judging(running, error)
        running.is_over = True
        return self.settle(work, outcome, settlement, running)

    async def run_async(self, work: Work, watch: Watch = _nobody) -> Finished:
        """Run one claim on this loop; see run()."""
        refused = self.refuse(work)
        if refused is not None:
            return refused
        running = self.begin(work)
        watch(running)
        try:
            outcome = await self.call_async(running)
            settlement = self.judge(work, outcome, running)
        except BaseException as error:  # noqa: BLE001
            outcome, settlement = self._give_up_judging(running, error)
        running.is_over = True
        return self.settle(work, outcome, settlement, running)

    def refuse(self, work: Work) -> Finished | None:
        """Return the end of a claim that must not run; None if it may run."""
        outcome: Outcome
        if work.claim.is_expired:
            message = f"Task {work.claim.id} was not started before it expired."
            outcome = Expired(TaskExpired(message))
        elif work.task is None:
            outcome = unregistered(work.claim)
        else:
            return None
        return self.settle(work, outcome, self.judge(work, outcome))

    def begin(self, work: Work) -> Running:
        """Start an attempt of a claim that was not refused, and return it."""
        assert work.task is not None
        running = self._running(work.claim, work.task)
        self._on_started(running)
        return running

    def call(self, running: Running, gate: ThreadGate) -> Outcome:
        """Call a plain function, in a context that is its own, and return its outcome."""
        value: Any = None
        error: BaseException | None = None
        running.gate = gate
        current_task.set(running.id)
        # An exception that the gate has thrown arrives at the next call of a function. So nothing
        # is called outside these two blocks before the gate is closed.
        try:
            gate.enter()
            value = self._run(Context(running))
        except BaseException as raised:  # noqa: BLE001 - SystemExit would end the slot
            error = raised
        try:
            gate.leave()
        except BaseException:  # noqa: BLE001
            # It came after the task had ended; then what the task returned or raised counts.
            gate.leave()
        return self._outcome(running, value, error)

    async def call_async(self, running: Running) -> Outcome:
        """Call a coroutine function; see call()."""
        value: Any = None
        error: BaseException | None = None
        current_task.set(running.id)
        try:
            value = await self._run_async(Context(running))
        except BaseException as raised:  # noqa: BLE001
            error = raised
        return self._outcome(running, value, error)

    @cached_property
    def _run_async(self) -> Run:
        """Build the middleware chain for coroutines.

        It is built for the first coroutine, because it refuses middleware that cannot wrap one.
        """
        return _chained(self._middleware, _call_async)

    def _outcome(self, running: Running, value: Any, error: BaseException | None) -> Outcome:
        if running.is_completed:
            # Its own transaction has made it final; later errors change nothing.
            return Returned(running.completed_value)
        if error is None:
            if running.timed_out:
                logger.warning(
                    "Task returned although its time limit had struck path=%s id=%s limit=%s s",
                    running.task_path,
                    running.id,
                    running.claim.timeout,
                )
            return self._returned(running, value)
        error = translated(error, running)
        mismatch = signature_mismatch(error, running.task, running.claim)
        return mismatch or Raised(error, running.task.retry_policy.cancels(error))

    def _returned(self, running: Running, value: Any) -> Outcome:
        try:
            path, limit = running.task_path, self._max_result
            return Returned(encode_result(path, value, task=running.task, limit=limit))
        except UnstorableResult as error:
            return Raised(error)
        except BaseException as error:  # noqa: BLE001 - code that the value brings along
            return Raised(
                UnstorableResult(
                    f"Task {running.task_path!r} returned a value that cannot be read: it raised "
                    f"{type(error).__name__}."
                )
            )

    def judge(self, work: Work, outcome: Outcome, running: Running | None = None) -> Settlement:
        """Return the settlement of an attempt; `running` None: it never began."""
        notes = self._notes(work, outcome, _begun(running, outcome))
        if running is None:
            return outcomes.judge(outcome, work.claim, notes)
        return outcomes.judge(outcome, work.claim, notes, running.decide)

    def _give_up_judging(
        self, running: Running, error: BaseException
    ) -> tuple[Outcome, Settlement]:
        """Return the end of an attempt whose error cannot even be looked at: FAILED.

        Calls none of the project's code, such as `__str__` or `__class__` of the error.
        """
        claim, store = running.claim, running.task.store
        if running.is_completed:
            value = running.completed_value
            return Returned(value), Settlement.succeeded(claim, value, Notes(store=store))
        reason = UnusableError(
            f"Task {claim.task_path!r} ended, but {type(error).__name__} was raised by code that "
            f"its error or return value brought along, such as a `__str__` method. The task is "
            f"not retried, since its retry policy cannot be applied to such an error."
        )
        entry = describe(reason, worker=str(self.worker), started_at=running.started_moment)
        notes = Notes(error=encode(entry, "error").decode(), store=store)
        return Raised(reason), Settlement.failed(claim, notes)

    def _notes(self, work: Work, outcome: Outcome, running: Running | None) -> Notes:
        progress = running.progress if running is not None else None
        text = encode(progress, "progress").decode() if progress else None
        metadata = running.new_metadata if running is not None else None
        store = work.task.store if work.task is not None else "all"
        if isinstance(outcome, Returned):
            return Notes(progress=text, metadata=metadata, store=store)
        place, kind = fingerprint(work.claim, outcome)
        return Notes(
            error=self._entry(outcome, running),
            progress=text,
            metadata=metadata,
            place=place,
            fingerprint=kind,
            store=store,
        )

    def _entry(self, outcome: Raised | Refusal, running: Running | None) -> str | None:
        """Return the entry for the record's errors as JSON; None for a repeated unknown task."""
        if isinstance(outcome, Unregistered) and outcome.waited is not None:
            return None
        started_at = running.started_moment if running is not None else None
        entry = describe(outcome.error, worker=str(self.worker), started_at=started_at)
        return encode(entry, "error").decode()

    def settle(
        self, work: Work, outcome: Outcome, settlement: Settlement, running: Running | None = None
    ) -> Finished:
        """Return what the settler writes and the announcer announces."""
        begun = _begun(running, outcome)
        return Finished(
            claim=work.claim,
            task=None if isinstance(outcome, Unregistered) else work.task,
            settlement=settlement,
            error=None if isinstance(outcome, Returned) else outcome.error,
            seconds=begun.seconds if begun is not None else 0.0,
            began=begun.started_at if begun is not None else None,
            is_completed=begun is not None and begun.is_completed,
        )

    def overdue(self, running: Running) -> Finished:
        """Return the end of an attempt that ignores its time limit, as if it had stopped."""
        work = Work(running.claim, running.task)
        try:
            outcome = self._outcome(running, None, TaskTimeout())
            settlement = self.judge(work, outcome, running)
        except BaseException as error:  # noqa: BLE001 - code of the task's retry policy
            outcome, settlement = self._give_up_judging(running, error)
        return self.settle(work, outcome, settlement, running)


def _begun(running: Running | None, outcome: Outcome) -> Running | None:
    """Return the attempt; None if it never began, because the call does not fit our code."""
    return None if isinstance(outcome, Unregistered) else running


def _chained(middleware: Sequence[Middleware], run: Run) -> Run:
    """Return `run` in its middleware; a copy of the process that any of them forks ends there."""
    run = ending_copies(run)
    return ending_copies(chain(middleware, run)) if middleware else run


async def _call_async(context: Context) -> Any:
    return await call_task(context)
