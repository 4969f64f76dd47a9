"""What can no longer run leaves the index, so that no worker pops it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from djtasks.engine import Engine, engine_of
from djtasks.errors import BrokerUnavailable
from djtasks.models import TaskRecord
from djtasks.operations import cancel, discard, purge_queue, reschedule
from djtasks.operations.bulk import chunks
from djtasks.operations.bulk.options import BulkOptions
from tests.carriers import with_broker
from tests.tasks import add

pytestmark = pytest.mark.django_db(transaction=True)
LATER = datetime.now(UTC) + timedelta(hours=1)

Operation = Callable[[Engine, list[UUID]], Any]


def bulk(action: str, **options: Any) -> Operation:
    """Return a bulk action that is done here, as one chunk."""

    def run(engine: Engine, ids: list[UUID]) -> None:
        chunks.apply(engine, action, ids, BulkOptions(**options), window=(0.0, 1.0))

    return run


OPERATIONS: dict[str, Operation] = {
    "cancel": cancel,
    "discard": discard,
    "purge": lambda engine, _ids: purge_queue(engine, "default", page=2),
    "reschedule": lambda engine, ids: reschedule(engine, ids, LATER),
    "bulk cancel": bulk("cancel"),
    "bulk discard": bulk("discard"),
    "bulk reschedule": bulk("reschedule", run_after=LATER),
}


@pytest.fixture
def engine() -> Iterator[Engine]:
    with with_broker():
        yield engine_of("default")


def enqueue(count: int) -> list[UUID]:
    return [UUID(add.enqueue(n, n).id) for n in range(count)]


def hints(engine: Engine) -> int:
    assert engine.broker is not None
    return engine.broker.depths(["default"])["default"]


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_hints_leave_the_index(engine: Engine, operation: Operation) -> None:
    ids = enqueue(5)
    assert hints(engine) == 5

    operation(engine, ids)

    assert hints(engine) == 0


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_hints_stay_if_the_transaction_is_rolled_back(engine: Engine, operation: Operation) -> None:
    ids = enqueue(5)

    with transaction.atomic():
        operation(engine, ids)
        transaction.set_rollback(True)

    assert hints(engine) == 5


def test_other_hints_stay(engine: Engine) -> None:
    gone, _kept = enqueue(2)

    cancel(engine, [gone])

    assert hints(engine) == 1


def test_a_task_that_is_moved_to_the_past_keeps_its_hint(engine: Engine) -> None:
    reschedule(engine, enqueue(1), datetime.now(UTC) - timedelta(hours=1))

    assert hints(engine) == 1


@pytest.mark.parametrize("error", [BrokerUnavailable("away"), TypeError("a bug")])
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_does_not_need_the_broker(
    engine: Engine,
    operation: Operation,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_args: Any) -> None:
        raise error

    ids = enqueue(1)
    monkeypatch.setattr(engine.broker, "discard", fail)

    operation(engine, ids)

    assert not TaskRecord.objects.filter(state=0, run_after__lt=LATER).exists()


@pytest.mark.parametrize("operation", [cancel, discard])
def test_a_task_of_an_alias_that_is_gone_can_be_removed(
    engine: Engine, operation: Operation
) -> None:
    ids = enqueue(1)
    TaskRecord.objects.update(backend="gone")

    operation(engine, ids)

    assert not TaskRecord.objects.filter(state=0).exists()
