"""An attempt from claim to settlement, top to bottom.

claim -> refuse?  expired, or unknown to this worker: not run at all
      -> execute  the middleware around the task; whatever it raises is a value from here on
      -> judge    what it means (outcomes.judge, the only place that decides on retries)
      -> Finished what the settler writes down and the announcer tells
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, cast
from uuid import UUID

import msgspec

from djtasks.context import Context
from djtasks.definitions.task import Task
from djtasks.errors import TaskCancelled, TaskExpired, TaskTimeout
from djtasks.formats.json_values import encode
from djtasks.formats.tracebacks import describe, fingerprint_of, place_of
from djtasks.middleware import Middleware, Run, chain
from djtasks.protocol.outcomes import Expired, Outcome, Raised, Returned, Verdict, judge
from djtasks.protocol.records import Claim, Settlement, decode_call
from djtasks.protocol.states import FINAL, State
from djtasks.store import Store
from djtasks.worker.attempts.refusals import is_known_refusal, misfit, unregistered
from djtasks.worker.attempts.running import Running, ThreadGate, Work, context_for, encode_result

logger = logging.getLogger("djtasks.worker")


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A judged attempt. `task` None: this worker does not know it; `began` in seconds since
    1970, None: never; `seconds` it ran; `is_completed`: it was settled already, in the task's
    own transaction."""

    claim: Claim
    task: Task[Any, Any] | None
    verdict: Verdict
    settlement: Settlement
    seconds: float
    began: float | None
    is_completed: bool = False

    @property
    def started_at(self) -> datetime | None:
        return None if self.began is None else datetime.fromtimestamp(self.began, UTC)


class Pipeline:
    """Runs claims of one child. Thread-safe; keeps nothing between two attempts."""

    def __init__(
        self,
        store: Store,
        worker: UUID,
        *,
        middleware: Sequence[Middleware] = (),
        max_result: int | None = None,
        on_started: Callable[[Running], None] = lambda _running: None,
    ) -> None:
        self.store = store
        self.worker = worker
        self._max_result = max_result
        self._on_started = on_started
        self._middleware = middleware
        self._run: Run = chain(middleware, _call)

    def refuse(self, work: Work) -> Finished | None:
        """Return how a claim ends that is not to be run at all, or None for the others."""
        claim, task = work.claim, work.task
        if claim.is_expired:
            expired = TaskExpired(f"Task {claim.id} was not started before it expired.")
            return self._conclude(claim, task, Expired(expired), None)
        if task is None:
            return self._conclude(claim, None, unregistered(claim), None)
        return None

    def begin(self, work: Work) -> Running:
        """Return the attempt that starts now, at work that was not refused."""
        assert work.task is not None
        running = Running(work.claim, work.task, self.store, self.worker)
        self._on_started(running)
        return running

    def execute(self, running: Running, gate: ThreadGate) -> Finished:
        """Run a plain function in this thread; nothing a task raises gets past here."""
        outcome: Outcome | None = None
        running.gate = gate
        while True:
            try:
                if outcome is None:
                    gate.enter()
                    value = self._run(context_for(running))
                    outcome = self._returned(running, value)
                gate.leave()
                break
            except BaseException as error:  # noqa: BLE001 - SystemExit would end the slot
                # A time limit may strike after the task returned; then its value stands.
                outcome = outcome or Raised(_told(error, running))
        return self._conclude(running.claim, running.task, outcome, running)

    async def execute_async(self, running: Running) -> Finished:
        """Run a coroutine function on this loop; see execute()."""
        outcome: Outcome
        try:
            value = await self._run_async(context_for(running))
            outcome = self._returned(running, value)
        except BaseException as error:  # noqa: BLE001
            outcome = Raised(_told(error, running))
        return self._conclude(running.claim, running.task, outcome, running)

    @cached_property
    def _run_async(self) -> Run:
        """The same for coroutines; made for the first of them, since it refuses middleware
        that cannot wrap one."""
        return chain(self._middleware, _call_async)

    def _returned(self, running: Running, value: Any) -> Outcome:
        return Returned(encode_result(running.task_path, value, limit=self._max_result))

    def _conclude(
        self,
        claim: Claim,
        task: Task[Any, Any] | None,
        outcome: Outcome,
        running: Running | None,
    ) -> Finished:
        if task is not None and running is not None and isinstance(outcome, Raised):
            refusal = misfit(outcome.error, task, claim)
            if refusal is not None:
                return self._conclude(claim, None, refusal, None)
        if running is not None:
            running.is_over = True
            if running.is_completed:
                # Its own transaction has made it final; what came after changes nothing.
                outcome = Returned(running.completed_value)
        verdict = judge(outcome, running.decide) if running is not None else judge(outcome)
        return Finished(
            claim=claim,
            task=task,
            verdict=verdict,
            settlement=self._settlement(claim, task, verdict, running),
            seconds=running.seconds if running else 0.0,
            began=running.started_at if running else None,
            is_completed=running is not None and running.is_completed,
        )

    def _settlement(
        self,
        claim: Claim,
        task: Task[Any, Any] | None,
        verdict: Verdict,
        running: Running | None,
    ) -> Settlement:
        progress = running.progress if running else None
        place, fingerprint = _told_apart(claim, verdict)
        return Settlement(
            id=claim.id,
            fence=claim.fence,
            state=verdict.state,
            value=verdict.value,
            error=None if verdict.error is None else self._entry(claim, verdict.error, running),
            progress=encode(progress, "progress").decode() if progress else None,
            delay=verdict.delay.total_seconds() if verdict.delay is not None else None,
            spent=verdict.spent,
            started=running is not None,
            deletes=_deletes(task, verdict),
            task_path=claim.task_path,
            fingerprint=fingerprint,
            place=place,
        )

    def _entry(self, claim: Claim, error: BaseException, running: Running | None) -> str | None:
        """Return what the record's errors get, as JSON."""
        if is_known_refusal(claim, error):
            return None
        started_at = running.started_moment if running else None
        entry = describe(error, worker=str(self.worker), started_at=started_at)
        return encode(entry, "error").decode()

    def overdue(self, running: Running) -> Finished:
        """Return the end of an attempt that ignores its time limit, as if it had obeyed."""
        outcome = Raised(_told(TaskTimeout(), running))
        return self._conclude(running.claim, running.task, outcome, running)


def _call(context: Context) -> Any:
    running = cast("Running", context._execution)  # noqa: SLF001 - the two are made for each other
    args, kwargs = decode_call(running.claim)
    if running.task.takes_context:
        return running.task.func(context, *args, **kwargs)
    return running.task.func(*args, **kwargs)


async def _call_async(context: Context) -> Any:
    return await _call(context)


def _told(error: BaseException, running: Running) -> BaseException:
    """Return the error in the words of who caused it."""
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


def _told_apart(claim: Claim, verdict: Verdict) -> tuple[str, str | None]:
    """Return where a failure came from and its fingerprint; nothing for what is none."""
    if verdict.error is None or not verdict.spent:
        return "", None
    if verdict.state not in (State.FAILED, State.READY):
        return "", None
    place = place_of(verdict.error)
    return place, fingerprint_of(claim.task_path, verdict.error, place)


def _deletes(task: Task[Any, Any] | None, verdict: Verdict) -> bool:
    if task is None or task.store == "all" or verdict.state not in FINAL:
        return False
    return task.store == "none" or verdict.error is None
