"""Unique tasks: one live record for each key."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext, override_settings

from djtasks import task
from djtasks.engine import Engine, engine_of
from djtasks.models import TaskRecord
from djtasks.operations import cancel
from djtasks.protocol.states import State
from djtasks.testing import run_due
from tests.tasks import explode, leaves_nothing, only_once
from tests.worker.making import WORKER, claim_all

everywhere = pytest.mark.django_db(databases="__all__")


@task(unique=True, expires=0.000_001)
def too_late(key: str) -> None: ...


def row_of(result: Any) -> TaskRecord:
    return TaskRecord.objects.get(pk=result.id)


@everywhere
def test_the_second_enqueueing_returns_the_live_holder(database: str) -> None:
    first = only_once.enqueue("a")

    second = only_once.using(priority=50).enqueue(key="a")

    assert second.id == first.id
    assert (second.args, second.task.priority) == (["a"], 0)
    assert TaskRecord.objects.count() == 1


@everywhere
@pytest.mark.parametrize("many", [False, True], ids=["enqueue", "enqueue_many"])
def test_a_holder_under_an_earlier_secret_key_is_live(database: str, many: bool) -> None:
    with override_settings(SECRET_KEY="old"):
        first = only_once.enqueue("a")
    keys: dict[str, Any] = {"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": ["older", "old"]}

    with override_settings(**keys), CaptureQueriesContext(connections[database]) as queries:
        if many:
            assert only_once.enqueue_many([("a",), ("b",), ("b",)]) == 1
        else:
            assert only_once.enqueue("a").id == first.id

    looks = [q["sql"] for q in queries if "unique_key" in q["sql"] and " IN (" in q["sql"]]
    assert len(looks) == 1
    run_due()
    with override_settings(**keys):
        assert only_once.enqueue("a").id != first.id


@everywhere
def test_without_earlier_secret_keys_nobody_looks_for_them(database: str) -> None:
    with CaptureQueriesContext(connections[database]) as queries:
        only_once.enqueue("a")

    assert not [q["sql"] for q in queries if q["sql"].startswith("SELECT") and "key" in q["sql"]]


@everywhere
def test_other_arguments_are_another_task(database: str) -> None:
    assert only_once.enqueue("a").id != only_once.enqueue("b").id


@everywhere
def test_a_running_holder_is_live(database: str) -> None:
    first = only_once.enqueue("a")
    claim_all(WORKER)

    second = only_once.enqueue("a")

    assert second.id == first.id
    assert second.state is State.RUNNING


@everywhere
@pytest.mark.parametrize(
    ("unique", "state"),
    [
        (only_once, State.SUCCESSFUL),
        (explode.using(unique="a"), State.FAILED),
        (too_late, State.EXPIRED),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_final_record_frees_its_key(database: str, unique: Any, state: State) -> None:
    first = unique.enqueue("a")
    run_due()

    second = unique.enqueue("a")

    assert row_of(first).state == state
    assert (row_of(first).unique_key, row_of(first).key) == (None, row_of(second).key)
    assert second.id != first.id


@everywhere
def test_a_cancelled_record_frees_its_key(database: str) -> None:
    first = only_once.enqueue("a")
    cancel(engine_of("default"), [UUID(first.id)])

    second = only_once.enqueue("a")

    assert second.id != first.id
    assert row_of(first).unique_key is None


@everywhere
def test_a_deleted_record_frees_its_key(database: str) -> None:
    deleting = leaves_nothing.using(unique="a")
    first = deleting.enqueue(1)
    run_due()

    assert deleting.enqueue(1).id != first.id


@everywhere
def test_a_rolled_back_record_frees_its_key(database: str) -> None:
    with transaction.atomic(using=database):
        first = only_once.enqueue("a")
        transaction.set_rollback(True, using=database)

    assert only_once.enqueue("a").id != first.id


def test_a_holder_that_is_not_new_is_not_announced_again(
    live_engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    assert live_engine.broker is not None
    only_once.enqueue("a")
    only_once.enqueue("a")

    assert live_engine.broker.depths(["default"]) == {"default": 1}


@everywhere
def test_a_holder_that_vanishes_before_it_is_read_leaves_its_key_to_us(database: str) -> None:
    first = only_once.enqueue("a")
    vanished: list[str] = []

    def vanish(execute: Any, statement: str, *rest: Any) -> Any:
        """Delete the holder once somebody looks for it."""
        if statement.startswith("SELECT") and "unique_key" in statement and not vanished:
            vanished.append(first.id)
            TaskRecord.objects.filter(pk=first.id).delete()
        return execute(statement, *rest)

    with connections[database].execute_wrapper(vanish):
        second = only_once.enqueue("a")

    assert vanished
    assert second.id != first.id
    assert row_of(second).unique_key is not None


@everywhere
def test_a_second_enqueueing_reads_its_holder_once(database: str) -> None:
    only_once.enqueue("a")

    with CaptureQueriesContext(connections[database]) as queries:
        only_once.enqueue("a")

    reads = [q["sql"] for q in queries if q["sql"].startswith("SELECT") and "args" in q["sql"]]
    assert len(reads) == 1
