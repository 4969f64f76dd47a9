"""What a database error means, asked of the databases themselves."""

import pytest
from django.db import (
    DatabaseError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    connections,
    transaction,
)

from djtasks.models import TaskRecord
from djtasks.store import open_store
from djtasks.store.errors import DatabaseFailure, classify
from tests.store.connections import in_another_transaction
from tests.store.contract.records import insert

pytestmark = pytest.mark.django_db(databases="__all__", transaction=True)

SHORT_PATIENCE = {
    "postgresql": "SET lock_timeout = '50ms'",
    "mysql": "SET SESSION innodb_lock_wait_timeout = 1",
    "sqlite": "PRAGMA busy_timeout = 50",
}
PATIENCE_AGAIN = {
    "postgresql": "RESET lock_timeout",
    "mysql": "SET SESSION innodb_lock_wait_timeout = DEFAULT",
    "sqlite": "PRAGMA busy_timeout = 20000",
}


def run(database: str, statement: str) -> None:
    with connections[database].cursor() as cursor:
        cursor.execute(statement)


def test_a_row_that_is_locked_is_in_the_way_for_now(database: str) -> None:
    vendor = connections[database].vendor
    row = TaskRecord.objects.using(database).filter(pk=insert(open_store("default")))
    run(database, SHORT_PATIENCE[vendor])

    with (
        in_another_transaction(database, lambda: row.update(priority=1)),
        pytest.raises(OperationalError) as caught,
    ):
        row.update(priority=2)

    run(database, PATIENCE_AGAIN[vendor])
    # SQLite locks the whole database: whatever is asked next must wait as well.
    assert classify(caught.value) is (
        DatabaseFailure.AWAY if vendor == "sqlite" else DatabaseFailure.LOCKED
    )


def test_a_value_that_the_database_never_takes_is_refused(database: str) -> None:
    row = TaskRecord.objects.using(database).filter(pk=insert(open_store("default")))
    statement = "UPDATE djtasks_taskrecord SET return_value = '{' WHERE priority = 0"

    with pytest.raises(DatabaseError) as caught, transaction.atomic(using=database):
        run(database, statement)

    assert row.exists()
    assert classify(caught.value) is DatabaseFailure.REFUSED


def test_a_missing_column_fails_no_task(database: str) -> None:
    with pytest.raises(DatabaseError) as caught, transaction.atomic(using=database):
        run(database, "UPDATE djtasks_taskrecord SET not_yet_migrated = 1")

    assert classify(caught.value) is DatabaseFailure.AWAY


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (IntegrityError("duplicate"), DatabaseFailure.REFUSED),
        (OperationalError("string or blob too big"), DatabaseFailure.REFUSED),
        (OperationalError("server closed the connection"), DatabaseFailure.AWAY),
        (OperationalError("disk I/O error"), DatabaseFailure.AWAY),
        (ProgrammingError("no such table"), DatabaseFailure.AWAY),
    ],
)
def test_an_error_without_a_code_is_judged_by_its_kind(
    error: DatabaseError, failure: DatabaseFailure
) -> None:
    assert classify(error) is failure
