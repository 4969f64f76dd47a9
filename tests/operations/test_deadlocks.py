"""Retrying beside producers and other people: nobody is the victim of a deadlock."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import override_settings

from djtasks.engine import Engine, engine_of
from djtasks.formats.ids import new_id
from djtasks.models import TaskRecord
from djtasks.operations import cancel, discard, retry
from djtasks.protocol.states import State
from tests.conftest import require
from tests.routing import Home
from tests.tasks import add, only_once

pytestmark = [pytest.mark.django_db(transaction=True, databases="__all__")]


@pytest.fixture(params=["default", "mariadb"])
def locking_engine(request: pytest.FixtureRequest, servers: None) -> Any:
    """The engine on each database that locks rows."""
    with override_settings(DATABASE_ROUTERS=[Home(require(request.param))]):
        yield engine_of("default")


class Elsewhere(threading.Thread):
    """Work on a connection of its own, and the error that it ended with."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self._work = work
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error
        finally:
            connections.close_all()


def failed_with(keys: list[str], database: str) -> list[Any]:
    ids = [new_id() for _ in keys]
    TaskRecord.objects.using(database).bulk_create(
        TaskRecord(
            pk=pk,
            backend="default",
            task_path=add.module_path,
            queue="default",
            key=key,
            state=State.FAILED,
            run_after="2046-01-02T12:00Z",
            finished_at="2026-01-01T00:00Z",
            errors=[],
        )
        for pk, key in zip(ids, keys, strict=True)
    )
    return ids


def test_a_producer_that_takes_keys_in_another_order_than_a_retry_is_no_victim(
    locking_engine: Engine,
) -> None:
    database = locking_engine.database
    ids = [only_once.enqueue(key).id for key in ("1", "2")]
    cancel(locking_engine, ids)

    with transaction.atomic(using=database):
        only_once.enqueue("2")
        somebody = Elsewhere(lambda: retry(locking_engine, ids))
        somebody.join(0.5)  # it waits for the second key, and must hold no other
        only_once.enqueue("1")
    somebody.join()

    assert somebody.error is None


def test_two_retries_whose_keys_cross_both_end(locking_engine: Engine) -> None:
    database = locking_engine.database
    keys = [f"key-{number}" for number in range(100)]
    one, other = failed_with(keys, database), failed_with(keys[::-1], database)

    people = [Elsewhere(lambda ids=ids: retry(locking_engine, ids)) for ids in (one, other)]
    for person in people:
        person.join()

    assert [person.error for person in people] == [None, None]
    ready = TaskRecord.objects.using(database).filter(state=State.READY)
    assert sorted(ready.values_list("unique_key", flat=True)) == sorted(keys)


@pytest.mark.parametrize("operation", [retry, discard])
def test_on_sqlite_it_waits_for_another_writer(operation: Any) -> None:
    """A transaction that reads first fails at once there, whatever the timeout."""
    with override_settings(DATABASE_ROUTERS=[Home("sqlite")]):
        engine = engine_of("default")
        ids = failed_with(["key"], engine.database)
        with connections[engine.database].execute_wrapper(_writes_come_first()):
            done = operation(engine, ids)

    assert done.changed == ids


def _writes_come_first() -> Any:
    """Return a wrapper of statements that refuses a write behind a read of one transaction."""
    seen: list[str] = []

    def checked(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        verb = sql.split(" ", 1)[0].upper()
        if verb in {"BEGIN", "SAVEPOINT"} or not context["connection"].in_atomic_block:
            seen.clear()
        if verb in {"UPDATE", "DELETE"} and context["connection"].in_atomic_block:
            assert "SELECT" not in seen, "it reads before it writes, in one transaction"
        seen.append(verb)
        return execute(sql, params, many, context)

    return checked
