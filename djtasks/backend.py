"""The `django.tasks` backend: it turns a call in the web process into a row.

enqueue = validate -> build the record -> store.insert -> outbox.publish
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.apps import apps
from django.core import checks as django_checks
from django.db import transaction

from djtasks.compat import (
    DEFAULT_TASK_QUEUE_NAME,
    BaseTaskBackend,
    InvalidTaskBackend,
    TaskResultDoesNotExist,
    register_checks,
    task_enqueued,
)
from djtasks.definitions import discovery, registry
from djtasks.definitions.codecs.results import read_instances
from djtasks.definitions.restoring import enqueued
from djtasks.definitions.task import Items, Task
from djtasks.engine import Engine, accepted, engine_of
from djtasks.enqueueing.building import build_item, build_record
from djtasks.enqueueing.outbox import HINTS_A_TRANSACTION
from djtasks.errors import InvalidOption
from djtasks.protocol.hints import Hint
from djtasks.protocol.records import Inserted, NewRecord
from djtasks.results import TaskResult, from_new, from_record
from djtasks.store import MISSING_APP, queue_database

if TYPE_CHECKING:
    from djtasks.operations.workflows.stored import StoredWorkflows

logger = logging.getLogger("djtasks.backend")

ROWS_A_STATEMENT = 1_000
_asked: set[str] = set()

# Here too: the AppConfig, which does it otherwise, may be what is missing.
register_checks()


class DjtasksBackend(BaseTaskBackend):
    """Store tasks as rows in the caller's transaction, and push their ids to the broker after it.

    Django builds it when the first tasks module is imported, maybe while apps load, and once per
    thread. So it uses no model, no table and no connection until a task is enqueued.
    """

    task_class = Task
    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True
    supports_metadata = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self.queue_names = list(params.get("QUEUES", [DEFAULT_TASK_QUEUE_NAME]))

    @property
    def engine(self) -> Engine:
        """The parts behind this alias.

        Raises InvalidTaskBackend for a bad option, and for a router that has changed its mind.
        """
        try:
            engine = engine_of(self.alias)
        except InvalidOption as error:
            raise InvalidTaskBackend(f"TASKS[{self.alias!r}]: {error}") from error
        asked = queue_database()
        if asked != engine.database:
            raise InvalidTaskBackend(
                f"The router now sends tasks to {asked!r}, but this process began with "
                f"{engine.database!r}. All tasks live in one database. Let the router always give "
                f"the same answer for the app `djtasks`, and pass a tenant as an argument."
            )
        return engine

    @property
    def workflows(self) -> "StoredWorkflows":
        """The workflows of this alias, for `djtasks.Workflow`."""
        engine = self.engine  # says what is missing if our models cannot be imported
        from djtasks.operations.workflows.stored import StoredWorkflows

        return StoredWorkflows(engine, self._prepared)

    def _prepared(self, task: Any) -> Task[..., Any]:
        """Return a task as workers run it, and warn if they do not know it."""
        engine = self.engine
        ours = engine.with_policy(self._accept(task))
        self._warn_if_hidden(ours, engine)
        return ours

    def validate_task(self, task: Any) -> None:
        """Raise InvalidTask for a task that workers could not run; register one that they can."""
        self._accept(task)

    def _accept(self, task: Any) -> Task[..., Any]:
        return accepted(self, task, super().validate_task)

    def enqueue(  # type: ignore[override] # one object for any signature
        self, task: Task[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> TaskResult[Any]:
        """Insert one record in the caller's transaction; workers learn of it on commit.

        With `unique`, returns the result of the live record that holds the key, if any. The task
        of the result is the caller's own, also if another backend or a library has made it. It
        has the options of its policy.
        Raises InvalidArguments before anything is written, InvalidTask for a bad task.
        """
        own = self._accept(task)
        engine = self.engine
        ours = engine.with_policy(own)
        outbox = engine.outbox
        self._warn_if_hidden(ours, engine)
        limit = engine.options.max_arguments
        record = build_record(
            ours, args, kwargs, backend=self.alias, limit=limit, cipher=engine.cipher
        )
        answer = engine.store.insert(record)
        if answer.holder is not None:
            return from_record(answer.holder)
        outbox.publish(_due([(record, answer)]), awaited=(answer.id,))
        result = from_new(
            enqueued(task, ours, own),
            record,
            enqueued_at=answer.enqueued_at,
            database=engine.database,
        )
        if ours.store == "errors":
            transaction.on_commit(result.note_stored, using=engine.database)
        task_enqueued.send_robust(type(self), task_result=result)
        return result

    def enqueue_many(self, task: Task[..., Any], items: Items) -> int:
        """Insert one record per item, all in one transaction; see Task.enqueue_many()."""
        own = self._accept(task)
        engine = self.engine
        ours = engine.with_policy(own)
        self._warn_if_hidden(ours, engine)
        outbox = engine.outbox
        count, limit = 0, engine.options.max_arguments
        hints: list[Hint] = []
        with transaction.atomic(using=engine.database):
            numbered = enumerate(items)
            while chunk := list(islice(numbered, ROWS_A_STATEMENT)):
                records = [
                    build_item(
                        ours, index, item, backend=self.alias, limit=limit, cipher=engine.cipher
                    )
                    for index, item in chunk
                ]
                answers = engine.store.insert_many(records)
                by_id = {record.id: record for record in records}
                due = _due((by_id[answer.id], answer) for answer in answers)
                hints += due[: HINTS_A_TRANSACTION - len(hints)]
                count += len(answers)
        # Behind the block, so that in a transaction of the caller they join the other hints.
        outbox.publish(hints)
        return count

    async def aenqueue_many(self, task: Task[..., Any], items: Items) -> int:
        """See enqueue_many()."""
        return await sync_to_async(self.enqueue_many, thread_sensitive=True)(task, items)

    def _warn_if_hidden(self, task: Task[..., Any], engine: Engine) -> None:
        path = task.module_path
        if path in _asked:
            return
        _asked.add(path)
        if registry.is_discovered(task, engine.options.imports):
            return
        logger.warning(
            "Task outside the modules that workers import path=%s: %s",
            path,
            discovery.remedy(task.func.__module__, self.alias),
        )

    def get_result(self, result_id: str) -> TaskResult[Any]:
        """Return the result with this id, or raise TaskResultDoesNotExist."""
        database = self.engine.database
        from djtasks.models import TaskRecord

        rows = TaskRecord.objects.using(database)
        row = rows.filter(pk__in=_ids(result_id)).first()
        if row is None:
            raise TaskResultDoesNotExist(
                f"There is no task {str(result_id)[:64]!r}: its record was deleted, pruned, "
                f"rolled back, or never existed."
            )
        result = from_record(row)
        read_instances(result)
        return result

    def cancel(self, result_id: str) -> bool:
        """Cancel the task with this id; return False if it is final or does not exist."""
        engine = self.engine  # says what is missing if our models cannot be imported
        from djtasks.operations import cancel

        return bool(cancel(engine, _ids(result_id)))

    def check(self, **_kwargs: Any) -> list[django_checks.CheckMessage]:
        """Return the system check messages for the settings of this alias."""
        if not apps.is_installed("djtasks"):
            return [django_checks.Error(f"TASKS[{self.alias!r}]: {MISSING_APP}", id="djtasks.E020")]
        from djtasks.checks import check_alias

        return check_alias(self.alias)


def _ids(result_id: str) -> list[UUID]:
    """Return the id as a list of one UUID; an empty list if it is not a UUID."""
    try:
        return [UUID(str(result_id))]
    except ValueError:
        return []


def _due(pairs: Iterable[tuple[NewRecord, Inserted]]) -> list[Hint]:
    """Return the hints of the records that may run now; the indexer adds the others later."""
    return [
        answer.hint_for(record)
        for record, answer in pairs
        if answer.run_after <= answer.enqueued_at
    ]
