"""Backends for your tests. Unlike Django's two, they accept all task options of djtasks."""

import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from msgspec.structs import replace

from djtasks.compat import (
    BaseTaskBackend,
    TaskResultDoesNotExist,
    task_enqueued,
)
from djtasks.definitions.restoring import enqueued
from djtasks.definitions.task import Items, Task
from djtasks.engine import Engine, accepted, engine_of
from djtasks.enqueueing.building import build_item, build_record
from djtasks.formats.ids import new_id
from djtasks.options import Options
from djtasks.protocol.records import Claim, NewRecord, Settlement
from djtasks.protocol.states import State
from djtasks.results import TaskResult, from_new
from djtasks.store import queue_database
from djtasks.testing.executing import execute_here, finished_result
from djtasks.testing.kept_workflows import KeptWorkflows
from djtasks.testing.opening import with_values
from djtasks.worker.attempts.pipeline import Finished, Pipeline
from djtasks.worker.child.announcer import Announcer


class DummyBackend(BaseTaskBackend):
    """Validate and keep enqueued tasks, and run nothing.

    `results` holds the TaskResults of this thread in order, with the values of encrypted arguments;
    `clear()` discards them. `workflows.kept` holds the workflows, with their nodes, which stay
    RUNNING.
    """

    task_class = Task
    supports_defer = True
    supports_async_task = True
    supports_priority = True
    supports_metadata = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self.results: list[TaskResult[Any]] = []
        self.workflows: KeptWorkflows | None = KeptWorkflows(alias, self.prepared)

    def prepared(self, task: Any) -> Task[..., Any]:
        """Return a task as this alias would run it."""
        return self._engine.with_policy(self._accept(task))

    def validate_task(self, task: Any) -> None:
        self._accept(task)

    def _accept(self, task: Any) -> Task[..., Any]:
        return accepted(self, task, super().validate_task)

    @property
    def _engine(self) -> Engine:
        return engine_of(self.alias)

    def enqueue(  # type: ignore[override] # one object for any signature
        self, task: Task[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> TaskResult[Any]:
        """Keep one task; raise what the real backend would raise for it."""
        own = self._accept(task)
        ours = self._engine.with_policy(own)
        limit = Options().max_arguments
        cipher = self._engine.cipher
        record = build_record(ours, args, kwargs, backend=self.alias, limit=limit, cipher=cipher)
        return self._keep(enqueued(task, ours, own), record)

    def enqueue_many(self, task: Task[..., Any], items: Items) -> int:
        """Keep one task per item; keep none if one item is not valid."""
        own = self._accept(task)
        ours = self._engine.with_policy(own)
        limit, cipher = Options().max_arguments, self._engine.cipher
        records = [
            build_item(ours, index, item, backend=self.alias, limit=limit, cipher=cipher)
            for index, item in enumerate(items)
        ]
        for record in records:
            self._keep(enqueued(task, ours, own), record)
        return len(records)

    async def aenqueue_many(self, task: Task[..., Any], items: Items) -> int:
        """See enqueue_many()."""
        return await sync_to_async(self.enqueue_many, thread_sensitive=True)(task, items)

    def _keep(self, task: Task[..., Any], record: NewRecord) -> TaskResult[Any]:
        result = _new_result(task, record)
        self.results.append(with_values(result, record))
        task_enqueued.send(type(self), task_result=result)
        return deepcopy(result)

    def get_result(self, result_id: str) -> TaskResult[Any]:
        """Return a result of this thread."""
        for result in self.results:
            if result.id == result_id:
                return result
        raise TaskResultDoesNotExist(result_id)

    def cancel(self, result_id: str) -> bool:
        """Mark a kept task as cancelled; return False if it does not exist."""
        found = [result for result in self.results if result.id == result_id]
        for result in found:
            object.__setattr__(result, "state", State.CANCELLED)
        return bool(found)

    def clear(self) -> None:
        """Discard all results and workflows."""
        self.results.clear()
        if self.workflows is not None:
            self.workflows.kept.clear()


class ImmediateBackend(DummyBackend):
    """Run each task inside `enqueue()`, through the worker's own steps.

    Arguments and results go through JSON. Failures are retried at once, as often as the task
    allows; there are no delays. `results` holds the final results. Sends the signals and writes the
    log lines of a worker. It refuses workflows, whose nodes wait for rows: use run_due().
    """

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self.workflows = None

    def _keep(self, task: Task[..., Any], record: NewRecord) -> TaskResult[Any]:
        task_enqueued.send(type(self), task_result=_new_result(task, record))
        store = _NoStore(self.alias)
        announcer = Announcer(type(self), worker := new_id(), self.alias)
        pipeline = Pipeline(
            store,  # type: ignore[arg-type]
            worker,
            max_result=Options().max_result,
            max_metadata=Options().max_arguments,
            on_started=announcer.announce,
        )
        claim = _claim_of(record)
        while True:
            finished = execute_here(pipeline, claim, self._engine.find)
            if finished.settlement.state is not State.READY:
                break
            announcer.announce(finished)
            claim = _next_attempt(claim, finished, worker)
        result = finished_result(finished, pipeline.worker)
        object.__setattr__(result, "task", task)
        object.__setattr__(result, "backend", self.alias)
        self.results.append(with_values(result, record))
        announcer.announce(finished)
        return result


class _NoStore:
    """The part of a store that a task's context needs when no row exists."""

    def __init__(self, backend: str) -> None:
        self.database = queue_database()
        self.backend = backend

    def settle(self, settlements: Sequence[Settlement], *, worker: UUID) -> set[UUID]:  # noqa: ARG002
        return {settlement.id for settlement in settlements}

    def save_metadata(self, _owned: Claim, _text: str, *, worker: UUID) -> bool:  # noqa: ARG002
        return True


def _new_result(task: Task[..., Any], record: NewRecord) -> TaskResult[Any]:
    now = datetime.now(UTC)
    # There is no row that could be rolled back.
    return from_new(task, record, enqueued_at=now, database=queue_database(), was_stored=True)


def _claim_of(record: NewRecord) -> Claim:
    return Claim(
        id=record.id,
        fence=1,
        task_path=record.task_path,
        queue=record.queue,
        priority=record.priority,
        args=record.args,
        kwargs=record.kwargs,
        attempt=0,
        crash_count=0,
        max_attempts=record.max_attempts,
        max_crashes=record.max_crashes,
        timeout=record.timeout.total_seconds() if record.timeout else None,
        waited=0.0,
        is_expired=False,
        enqueued_at=time.time(),
        errors=None,
        worker_ids=None,
        metadata=record.metadata,
    )


def _next_attempt(claim: Claim, finished: Finished, worker: UUID) -> Claim:
    def appended(texts: str | None, entry: str) -> str:
        return f"{texts[:-1]}, {entry}]" if texts else f"[{entry}]"

    error = finished.settlement.error
    return replace(
        claim,
        fence=claim.fence + 1,
        attempt=claim.attempt + finished.settlement.spent,
        errors=appended(claim.errors, error) if error else claim.errors,
        metadata=finished.settlement.metadata or claim.metadata,
        worker_ids=appended(claim.worker_ids, f'"{worker}"'),
    )
