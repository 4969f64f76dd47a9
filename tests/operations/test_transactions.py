"""Operations and transactions: hints of what is due again, and orders to workers."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from djtasks.engine import engine_of
from djtasks.formats.ids import new_id
from djtasks.models import WorkerRecord
from djtasks.operations import ORDERS, cancel, order_worker, reschedule, retry
from tests.carriers import Recording, with_broker
from tests.tasks import add

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def carrier() -> Any:
    with with_broker():
        yield engine_of("default").broker


def pushed(carrier: Recording) -> list[set[UUID]]:
    return [{hint.id for hint in hints} for hints in carrier.pushes]


def test_what_is_retried_is_told_to_the_workers_at_once(carrier: Recording) -> None:
    ids = [UUID(add.enqueue(1, 2).id) for _ in range(3)]
    cancel(engine_of("default"), ids)
    carrier.pushes.clear()

    retry(engine_of("default"), ids[:2])
    retry(engine_of("default"), ids[2:], run_after=datetime.now(UTC) + timedelta(hours=1))

    assert pushed(carrier) == [set(ids[:2])]


def test_a_retry_in_a_transaction_is_told_when_that_commits(carrier: Recording) -> None:
    id_ = UUID(add.enqueue(1, 2).id)
    cancel(engine_of("default"), [id_])
    carrier.pushes.clear()

    with transaction.atomic():
        retry(engine_of("default"), [id_])
        assert carrier.pushes == []

    assert pushed(carrier) == [{id_}]


def test_what_is_rescheduled_to_the_past_is_told_at_once(carrier: Recording) -> None:
    later = add.using(run_after=timedelta(hours=1))
    soon, late = (UUID(later.enqueue(1, 2).id) for _ in range(2))

    reschedule(engine_of("default"), [soon], datetime.now(UTC) - timedelta(hours=1))
    reschedule(engine_of("default"), [late], datetime.now(UTC) + timedelta(hours=9))

    assert pushed(carrier) == [{soon}]


def test_each_alias_hears_of_its_own(carrier: Recording) -> None:
    ours = UUID(add.enqueue(1, 2).id)
    theirs = UUID(add.using(backend="anything").enqueue(1, 2).id)
    cancel(engine_of("default"), [ours, theirs])
    carrier.pushes.clear()

    retry(engine_of("default"), [ours, theirs])

    other: Any = engine_of("anything").broker
    assert pushed(carrier) == [{ours}]
    assert other.depths(["default"]) == {"default": 1}


@pytest.fixture
def worker() -> UUID:
    row = WorkerRecord.objects.create(supervisor=new_id(), pid=1, slots=1)
    return row.pk


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_is_written_into_the_row_of_the_worker(worker: UUID, order: str) -> None:
    assert order_worker(engine_of("default"), worker, order) is True

    assert WorkerRecord.objects.get().order == order


def test_an_order_waits_for_the_end_of_the_transaction(worker: UUID) -> None:
    with transaction.atomic():
        assert order_worker(engine_of("default"), worker, "drain") is True
        assert WorkerRecord.objects.get().order == ""

    assert WorkerRecord.objects.get().order == "drain"


def test_stacks_that_are_asked_for_again_replace_the_old_ones(worker: UUID) -> None:
    WorkerRecord.objects.update(report="old stacks")

    order_worker(engine_of("default"), worker, "drain")
    assert WorkerRecord.objects.get().report == "old stacks"
    with transaction.atomic():
        order_worker(engine_of("default"), worker, "dump")
        assert WorkerRecord.objects.get().report == "old stacks"

    row = WorkerRecord.objects.get()
    assert (row.order, row.report) == ("dump", "")


def test_a_worker_that_is_gone_takes_no_orders(worker: UUID) -> None:
    assert order_worker(engine_of("default"), new_id(), "drain") is False
    with transaction.atomic():
        assert order_worker(engine_of("default"), new_id(), "drain") is False


def test_an_unknown_order_is_refused(worker: UUID) -> None:
    with pytest.raises(ValueError, match="one of drain, resume, stop, dump, got 'dance'"):
        order_worker(engine_of("default"), worker, "dance")


@pytest.mark.usefixtures("servers")
def test_records_are_locked_in_the_order_of_their_ids(carrier: Recording) -> None:
    ids = [UUID(add.enqueue(1, 2).id) for _ in range(3)]

    for change in (
        lambda: reschedule(engine_of("default"), ids[::-1], datetime.now(UTC)),
        lambda: cancel(engine_of("default"), ids[::-1]),
    ):
        with CaptureQueriesContext(connection) as asked:
            assert change() == 3
        (lock,) = [one["sql"] for one in asked if "FOR UPDATE" in one["sql"]]
        assert 'ORDER BY "djtasks_taskrecord"."id" ASC' in lock or "ORDER BY 1 ASC" in lock
