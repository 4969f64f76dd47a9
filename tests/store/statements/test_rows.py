"""The clock of each database goes on in a transaction, as a test case is one."""

import pytest
from django.db import connections, transaction

from djtasks.store.statements.rows import database_now


@pytest.mark.django_db(databases="__all__")
def test_the_clock_goes_on_in_a_transaction(database: str) -> None:
    with transaction.atomic(using=database):
        first = database_now(connections[database])
        while database_now(connections[database]) == first:
            assert connections[database].vendor == "sqlite", "SQLite counts milliseconds"
